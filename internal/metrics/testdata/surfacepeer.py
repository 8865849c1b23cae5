#!/usr/bin/env python3
"""Times what MedPy 0.5 does for hd95 on a pair of 160 x 160 x 20 voxels, on SciPy alone, in milliseconds: surfaces by
erosion, and in both directions the Euclidean distance transform of the whole image. Prints SciPy's version, then answers
each line that it reads with the time of one distance transform, that of hd95, and hd95 in mm.

    echo | /usr/bin/python3 testdata/surfacepeer.py
"""
import sys
import time

import numpy as np
import scipy
from scipy import ndimage

SPACING = (3.0, 0.5, 0.5)  # slices, rows, columns


def ellipsoid(centre, radii):
    k, j, i = np.mgrid[:20, :160, :160]
    return sum(((x - c) / r) ** 2 for x, c, r in zip((i, j, k), centre, radii)) <= 1


PREDICTED = ellipsoid((80, 80, 10), (46, 38, 7))
REFERENCE = ellipsoid((84, 78, 10), (44, 40, 8))


def surface(mask):
    return mask ^ ndimage.binary_erosion(mask, structure=ndimage.generate_binary_structure(3, 1), iterations=1)


def distance():
    return ndimage.distance_transform_edt(~PREDICTED, sampling=SPACING)


def hd95():
    a, b = surface(PREDICTED), surface(REFERENCE)
    there = ndimage.distance_transform_edt(~b, sampling=SPACING)[a]
    back = ndimage.distance_transform_edt(~a, sampling=SPACING)[b]
    return np.percentile(np.hstack((there, back)), 95)


def timed(f):
    start = time.perf_counter()
    value = f()
    return 1000 * (time.perf_counter() - start), value


distance(), hd95()
print("SciPy", scipy.__version__, flush=True)
for _ in sys.stdin:
    print(timed(distance)[0], *timed(hd95), flush=True)
