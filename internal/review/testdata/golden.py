"""Writes golden.json: uncertain places of random fields, by SciPy. Run: python3 golden.py > golden.json"""
import json
import numpy as np
from scipy import ndimage

NAMES = ["background", "TZ", "PZ"]
ML = 0.003  # 1 × 1 × 3 mm


def field(rng, shape, smooth):
    logits = rng.normal(size=(3,) + shape)
    logits = np.stack([ndimage.gaussian_filter(l, smooth) for l in logits])
    logits *= 3 / logits.std()
    p = np.exp(logits - logits.max(0))
    p /= p.sum(0)
    return np.round(p * 255).astype(int)


def case(seed, shape, smooth, doubt_from):
    p255 = field(np.random.default_rng(seed), shape, smooth)
    p = (p255 / np.float32(255)).astype(np.float32).astype(float)
    order = np.argsort(-p, axis=0, kind="stable")
    first, second = order[0], order[1]
    doubt = np.clip(1 - p.max(0), 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.where(p > 0, p * np.log(p), 0).sum() * ML
    spots = []
    for a in range(3):
        for b in range(a + 1, 3):
            within = (np.minimum(first, second) == a) & (np.maximum(first, second) == b) & (doubt.astype(np.float32) >= doubt_from)
            labels, n = ndimage.label(within, np.ones((3, 3, 3)))
            for at in range(1, n + 1):
                here = labels == at
                spots.append({"ErrorML": float(doubt[here].sum() * ML), "Voxels": int(here.sum()), "Between": [NAMES[a], NAMES[b]],
                              "First": int(np.flatnonzero(here.ravel())[0])})
    spots.sort(key=lambda s: (-s["ErrorML"], s["First"]))
    k, j, i = shape
    return {"Size": [i, j, k], "P255": [c.ravel().tolist() for c in p255], "ErrorML": float(doubt.sum() * ML), "Entropy": float(entropy),
            "MinDoubt": doubt_from, "Spots": spots}


print(json.dumps([case(1, (4, 12, 14), 1.5, 0.3), case(2, (5, 10, 9), 1.0, 0.4)], separators=(",", ":")))
