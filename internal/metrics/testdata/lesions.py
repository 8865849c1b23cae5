#!/usr/bin/env python3
"""Writes lesions.json: probability maps and the candidates that Report-Guided Annotation's dynamic
extraction (version 2, five candidates, factor 2.5, more than ten voxels) finds in them, by SciPy.

Run in this folder:  /usr/bin/python3 lesions.py > lesions.json
Maps are bytes/256, so that peak/2.5 is compared exactly.
"""
import base64
import json
import zlib

import numpy as np
from scipy import ndimage

ALL = np.ones((3, 3, 3))


def extract(p, most=5, smallest=10, factor=2.5, floor=0.01):
    left, taken, found = p.copy(), np.zeros(p.shape, bool), []
    while len(found) < most and left.max() >= floor:
        threshold = left.max() / factor
        labels, n = ndimage.label(left >= threshold, structure=ALL)
        parts = [labels == i for i in range(1, n + 1)]
        parts = [m for m in parts if m.sum() > smallest]
        if not parts:
            left[left > threshold] = 0
            continue
        best = max(parts, key=lambda m: left[m].max())
        if not (best & ndimage.binary_dilation(taken, structure=ALL)).any():
            found.append((float(left[best].max()), best))
            taken |= best
        left[best] = 0
    return found


def field(rng, shape, blobs, specks):
    z, y, x = np.indices(shape)
    p = np.zeros(shape)
    for _ in range(blobs):
        c, s = rng.uniform(0, 1, 3) * shape, rng.uniform(0.7, 2.5)
        p += rng.uniform(0.05, 0.9) * np.exp(-((2 * (z - c[0])) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2) / (2 * s * s))
    p += rng.uniform(0, 0.02, shape)
    for _ in range(specks):
        p[tuple(rng.integers(0, shape))] = rng.uniform(0.5, 0.95)
    return np.round(np.clip(p, 0, 1) * 255).astype(np.uint8)


cases = []
for seed, shape, blobs, specks in [(1, (6, 20, 22), 6, 0), (2, (6, 20, 22), 9, 4), (3, (5, 18, 18), 2, 12), (4, (4, 8, 8), 0, 3), (5, (6, 24, 16), 14, 2)]:
    raw = field(np.random.default_rng(seed), shape, blobs, specks)
    candidates = []
    for confidence, m in sorted(extract(raw / 256), key=lambda c: -c[0]):
        where = np.flatnonzero(m)
        candidates.append({"confidence": confidence, "voxels": int(m.sum()), "first": int(where[0]), "sum": int(where.sum())})
    cases.append({"size": list(shape[::-1]), "zlib": base64.b64encode(zlib.compress(raw.tobytes(), 9)).decode(), "candidates": candidates})
print(json.dumps(cases, indent=1))
