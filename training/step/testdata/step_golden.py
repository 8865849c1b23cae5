#!/usr/bin/env python3
"""Golden values of a whole training step of M1 from PyTorch: losses and the gradient of every parameter.

    python3 step_golden.py > step_golden.json

Needs torch, numpy and scipy. The network is that of internal/nets/testdata/m1_golden.py, here in float64
with autograd; weights, image, label and noise are made by its formula. Of each gradient are kept: norm,
product with a probe made by the same formula, and the first element.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt as edt

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "internal/nets/testdata"))
import m1_golden  # noqa: E402

PARAMS = {}


def trained(make):
    """Makes every weight once, in float64, and remembers it."""

    def weight(name, *shape):
        if name not in PARAMS:
            PARAMS[name] = make(name, *shape).double().requires_grad_()
        return PARAMS[name]

    return weight


float_normal = m1_golden.normal_like
m1_golden.weight = trained(m1_golden.weight)
m1_golden.normal_like = lambda name, shape: float_normal(name, shape).double()


def phi(region):
    if not region.any() or region.all():
        return np.zeros(region.shape)
    return edt(~region) * ~region - (edt(region) - 1) * region


def segmentation(kind, logits, label, alpha, gamma, whole=None, part=...):
    """whole and part: the label on the full grid, where distances are measured, and which voxels are kept."""
    whole = label if whole is None else whole
    k = logits.shape[1]
    p = torch.softmax(logits, 1)
    y = F.one_hot(label, k).permute(0, 4, 1, 2, 3).double()
    if kind == "FL":
        true = (p * y).sum(1)
        return (-torch.tensor(alpha).double()[label] * (1 - true) ** gamma * torch.log(true)).mean()
    space = (2, 3, 4)
    dice = 1 - ((2 * (p * y).sum(space) + 1e-5) / (p.sum(space) + y.sum(space) + 1e-5))[:, 1:].mean()
    if kind == "CE+Dice":
        return F.cross_entropy(logits, label) + dice
    distance = torch.tensor(np.stack([[phi((whole[0] == c).numpy()) for c in range(1, k)]]))
    distance = distance[(slice(None),) + part] if part is not ... else distance
    return 0.5 * dice + 0.5 * (p[:, 1:] * distance).mean()


class M1(m1_golden.M1):
    """Keeps what the decoder's levels yield."""

    def drop(self, name, x, p):
        y = super().drop(name, x, p)
        setattr(self, name, y)
        return y


def deep(m, c, kind, label, alpha, gamma, full):
    """Deep supervision: weights 1, 1/2, 1/4, 1/8 divided by their sum; labels from the middle of each block."""
    total, weights, step = full, [1.0], [1, 1, 1]
    for level in (1, 2, 3):
        step = [a * b for a, b in zip(step, c["strides"][level])]
        logits = m.conv(f"deep.{level}", getattr(m, f"u{level}"), c["classes"], (1, 1, 1), (1, 1, 1))
        middles = (slice(None),) + tuple(slice(s // 2, None, s) for s in step)
        weights.append(0.5**level)
        total = total + weights[-1] * segmentation(kind, logits, label[middles], alpha, gamma, label, middles)
    return total / sum(weights)


def render(c, kind, alpha, gamma, beta, supervised=False):
    PARAMS.clear()
    m, size, k = M1(c), c["size"], c["classes"]
    image = m1_golden.normal_like("image", (1, c["channels"], *size))
    label = torch.from_numpy((m1_golden.uniform("label", (1, *size)) * k).astype(np.int64))
    front = F.one_hot(label, k).permute(0, 4, 1, 2, 3).double()[:, 1:]
    u0, _ = m.unet(image)
    mp, sp = m.latent("prior.", image)
    mq, sq = m.latent("posterior.", torch.cat([image, front], 1))
    seg = segmentation(kind, m.head(u0, mq, sq), label, alpha, gamma)
    q, p = torch.distributions.Normal(mq, sq.exp()), torch.distributions.Normal(mp, sp.exp())
    kl = torch.distributions.kl_divergence(q, p).sum()
    total = (deep(m, c, kind, label, alpha, gamma, seg) if supervised else seg) + beta * kl
    names = list(PARAMS)
    gradients = {}
    for name, g in zip(names, torch.autograd.grad(total, [PARAMS[n] for n in names])):
        probe = torch.from_numpy(m1_golden.uniform("probe " + name, tuple(g.shape))) - 0.5
        gradients[name] = [float(f"{v:.6g}") for v in (g.norm(), (g * probe).sum(), g.flatten()[0])]
    return {"config": c, "kind": kind, "alpha": alpha, "gamma": gamma, "beta": beta, "loss": total.item(), "segmentation": seg.item(),
            "divergence": kl.item(), "deep": supervised, "gradients": gradients}


def main():
    small = dict(size=[4, 32, 32], filters=[8, 8, 16, 16, 32], kernels=[[1, 3, 3]] * 2 + [[3, 3, 3]] * 3,
                 strides=[[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2], [1, 2, 2]], reduction=8, dropout=0.5, latent=24, head=[16, 8],
                 slope=0.1, epsilon=1e-3)
    # Other kernels and strides, also strides above the kernel, so that voxels are skipped; four classes.
    other = dict(size=[9, 24, 60], filters=[4, 8, 12, 8, 16], reduction=4, dropout=0.3, latent=5, head=[6, 4],
                 kernels=[[3, 3, 1], [1, 3, 5], [3, 3, 3], [3, 1, 3], [3, 3, 3]],
                 strides=[[1, 1, 1], [1, 2, 2], [3, 2, 1], [1, 2, 2], [1, 1, 3]], slope=0.2, epsilon=1e-2)
    print(json.dumps({
        "diagnosis": render(dict(small, channels=3, classes=2), "FL", [0.75, 0.25], 2.0, 1.0),
        "other": render(dict(other, channels=2, classes=4), "DB", None, 0.0, 0.3),
        "deep": render(dict(other, channels=1, classes=3), "DB", None, 0.0, 0.3, supervised=True),
    }))


if __name__ == "__main__":
    main()
