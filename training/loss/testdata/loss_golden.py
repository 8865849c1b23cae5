#!/usr/bin/env python3
"""Golden values for package loss from PyTorch: every loss with its gradient, and the divergence.

    python3 loss_golden.py > loss_golden.json

Needs torch, numpy and scipy. Everything is in float64. PyTorch's own losses and distributions are used
where it has them; soft Dice, focal and boundary loss are written from their definitions.
"""
import json

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt as edt

SMOOTH = 1e-5


def phi(region):
    if not region.any() or region.all():
        return np.zeros(region.shape)
    return edt(~region) * ~region - (edt(region) - 1) * region


def dice(p, y):
    space = (2, 3, 4)
    score = (2 * (p * y).sum(space) + SMOOTH) / (p.sum(space) + y.sum(space) + SMOOTH)
    return 1 - score[:, 1:].mean()


def losses(logits, label, distance, alpha, gamma):
    k = logits.shape[1]
    y = F.one_hot(label, k).permute(0, 4, 1, 2, 3).double()
    p = torch.softmax(logits, 1)
    a = torch.tensor(alpha).double()
    ce = F.cross_entropy(logits, label)
    true = (p * y).sum(1)
    focal = (-a[label] * (1 - true) ** gamma * torch.log(true)).mean()
    return {
        "CE": ce,
        "BCE": F.cross_entropy(logits, label, weight=a, reduction="none").mean(),
        "FL": focal,
        "DB": 0.5 * dice(p, y) + 0.5 * (p[:, 1:] * distance).mean(),
        "CE+Dice": ce + dice(p, y),
    }


def case(rng, exams, classes, alpha, gamma, absent):
    shape = (exams, classes, 2, 4, 3)
    logits = torch.tensor(2 * rng.standard_normal(shape)).float().double().requires_grad_()
    label = rng.integers(0, classes, (exams, *shape[2:]))
    if absent:
        label[0][label[0] == classes - 1] = 0
    distance = torch.tensor(np.stack([[phi(label[n] == c) for c in range(1, classes)] for n in range(exams)])).float().double()
    out = {"shape": shape, "alpha": alpha, "gamma": gamma, "logits": logits.flatten().tolist(), "label": label.flatten().tolist(),
           "distance": [float(f"{v:.9g}") for v in distance.flatten()], "losses": {}}
    for name, value in losses(logits, torch.tensor(label), distance, alpha, gamma).items():
        (g,) = torch.autograd.grad(value, logits, retain_graph=True)
        out["losses"][name] = {"value": value.item(), "gradient": [float(f"{v:.10g}") for v in g.flatten()]}
    return out


def divergence(rng):
    mq, sq, mp, sp = (torch.tensor(0.7 * rng.standard_normal((2, 4))).float().double().requires_grad_() for _ in range(4))
    q, p = torch.distributions.Normal(mq, sq.exp()), torch.distributions.Normal(mp, sp.exp())
    value = torch.distributions.kl_divergence(q, p).sum(1).mean()
    gradients = torch.autograd.grad(value, (mq, sq, mp, sp))
    return {"inputs": [x.flatten().tolist() for x in (mq, sq, mp, sp)], "value": value.item(), "gradients": [g.flatten().tolist() for g in gradients]}


def main():
    rng = np.random.default_rng(20)
    print(json.dumps({
        "cases": {
            "anatomy": case(rng, 1, 3, [0.05, 0.30, 0.65], 2.0, False),
            "diagnosis": case(rng, 2, 2, [0.75, 0.25], 2.0, True),
            "other": case(rng, 1, 3, [1.0, 0.5, 2.0], 1.5, True),
        },
        "divergence": divergence(rng),
    }))


if __name__ == "__main__":
    main()
