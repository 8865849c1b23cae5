#!/usr/bin/env python3
"""Golden values for volume.Distance and volume.SignedDistance from SciPy.

    python3 distance.py > distance.json

Needs numpy and scipy. Regions are balls and random voxels; arrays are [k, j, i] with i fastest.
"""
import json

import numpy as np
from scipy.ndimage import distance_transform_edt as edt


def signed(region, sampling):
    """Kervadec's distance map of a label (boundary-loss, one_hot2dist), 0 where there is no border."""
    if not region.any() or region.all():
        return np.zeros(region.shape)
    return edt(~region, sampling=sampling) * ~region - (edt(region, sampling=sampling) - 1) * region


def case(region, spacing):
    sampling = spacing[::-1]
    entry = {"size": region.shape[::-1], "spacing": spacing, "region": "".join("01"[v] for v in region.flatten().astype(int)),
             "signed": [float(f"{v:.8g}") for v in signed(region, sampling).flatten()]}
    if region.any():
        entry["distance"] = [float(f"{v:.13g}") for v in edt(~region, sampling=sampling).flatten()]
    return entry


def main():
    rng = np.random.default_rng(3)
    k, j, i = np.indices((5, 7, 8))
    ball = ((k - 2) * 3.0) ** 2 + ((j - 3) * 0.5) ** 2 + ((i - 4.5) * 0.7) ** 2 < 2.2**2
    cases = {
        "ball": case(ball, [0.7, 0.5, 3.0]),
        "scattered": case(rng.random((5, 6, 9)) < 0.04, [1.0, 1.0, 1.0]),
        "dense": case(rng.random((4, 9, 6)) < 0.8, [0.5, 2.0, 1.3]),
        "one": case((k == 4) & (j == 0) & (i == 7), [1.1, 0.9, 3.6]),
        "line": case(rng.random((1, 1, 40)) < 0.1, [0.3, 1.0, 1.0]),
        "empty": case(np.zeros((2, 3, 4), bool), [1.0, 1.0, 1.0]),
        "full": case(np.ones((2, 3, 4), bool), [1.0, 1.0, 1.0]),
    }
    print(json.dumps(cases))


if __name__ == "__main__":
    main()
