"""Golden values of AMSGrad from PyTorch 1.13: python3 amsgrad.py > amsgrad.json

Three parameters, six steps, gradients from a formula that the Go test repeats; the gradient shrinks
so that the running maximum matters. L2 1e-4 enters as 2·L2·w, which is torch's weight_decay 2e-4.
"""
import json
import math

import torch

out = {}
for name, decay in (("plain", 0.0), ("decay", 2e-4)):
    w = torch.tensor([0.5, -1.25, 2.0], requires_grad=True)
    opt = torch.optim.Adam([w], lr=0.01, amsgrad=True, weight_decay=decay)
    steps = []
    for t in range(6):
        w.grad = torch.tensor([math.sin(1 + i + 3 * t) / (1 + t * t) for i in range(3)])
        opt.step()
        steps.append([float(x) for x in w.detach()])
    out[name] = steps
print(json.dumps(out, indent=1))
