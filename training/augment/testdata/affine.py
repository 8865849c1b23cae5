"""Writes affine_golden.json: changes of small examples, done with SciPy.

The forward change is built in millimetres as a product of homogeneous matrices and inverted by NumPy;
map_coordinates reads image (order 1) and label (order 0). Run: python3 affine.py
"""
import json

import numpy as np
from scipy.ndimage import map_coordinates

D, H, W = 2, 9, 11
CHANNELS = 2
BACKGROUND = [0.0, -0.25]
SPACING = (0.7, 1.3)  # along W, H
CHANGES = [
    dict(flip=False, scale=0.0, rotation=7.5, shift=(0.0, 0.0)),
    dict(flip=False, scale=0.15, rotation=0.0, shift=(1.9, -2.1)),
    dict(flip=True, scale=-0.12, rotation=-6.25, shift=(-1.05, 1.6)),
    dict(flip=True, scale=0.07, rotation=31.0, shift=(0.4, 0.3)),
]


def forward(c):
    a = np.deg2rad(c["rotation"])
    flip = np.diag([-1.0 if c["flip"] else 1.0, 1.0, 1.0])
    scale = np.diag([1 + c["scale"], 1 + c["scale"], 1.0])
    rotate = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    move = np.array([[1, 0, c["shift"][0]], [0, 1, c["shift"][1]], [0, 0, 1]])
    return move @ rotate @ scale @ flip


def change(image, label, c):
    inverse = np.linalg.inv(forward(c))
    jj, ii = np.mgrid[0:H, 0:W]
    mm = np.stack([(ii - (W - 1) / 2) * SPACING[0], (jj - (H - 1) / 2) * SPACING[1], np.ones_like(ii)])
    x, y, _ = np.tensordot(inverse, mm, axes=1)
    x, y = x / SPACING[0] + (W - 1) / 2, y / SPACING[1] + (H - 1) / 2
    outside = (x < -0.5) | (y < -0.5) | (x > W - 0.5) | (y > H - 0.5)
    out = np.empty_like(image)
    for ch in range(CHANNELS):
        for k in range(D):
            v = map_coordinates(image[ch, k], [y, x], order=1, mode="nearest")
            out[ch, k] = np.where(outside, BACKGROUND[ch], v)
    moved = np.stack([np.where(outside, 0, map_coordinates(label[k], [y, x], order=0, mode="nearest")) for k in range(D)])
    return out, moved, int(outside.sum())


rng = np.random.default_rng(3)
image = np.round(rng.normal(size=(CHANNELS, D, H, W)), 3)
label = rng.integers(0, 3, size=(D, H, W))
cases = []
for c in CHANGES:
    out, moved, outside = change(image, label, c)
    cases.append(dict(c, image=[round(v, 6) for v in out.ravel().tolist()], label=moved.ravel().tolist(), outside=outside))
with open("affine_golden.json", "w") as f:
    json.dump(dict(size=[W, H, D], spacing=SPACING, background=BACKGROUND, image=image.ravel().tolist(),
                   label=label.ravel().tolist(), cases=cases), f, separators=(",", ":"))
