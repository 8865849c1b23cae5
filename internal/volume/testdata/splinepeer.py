#!/usr/bin/env python3
"""Times SciPy or SimpleITK on resampling a series of 384 x 384 x 19 voxels to 160 x 160 x 20 by cubic B-splines, in milliseconds: the
peer of BenchmarkSpline.

    echo | python3 splinepeer.py SciPy|SimpleITK

Prints the peer's version, then answers each line that it reads with the time of one turn.
"""
import sys
import time

import numpy as np

IMAGE = np.random.default_rng(1).random((19, 384, 384), dtype=np.float32)
OFFSET = (-1 / 3, (96 - 40.2) / 0.5, (96 - 40.1) / 0.5)  # of the first voxel, in voxels of the series

if sys.argv[1] == "SciPy":
    import scipy
    from scipy import ndimage

    version = scipy.__version__

    def resample():
        return ndimage.affine_transform(IMAGE, np.ones(3), OFFSET, (20, 160, 160), order=3, mode="mirror")
else:
    import SimpleITK

    version = SimpleITK.Version.VersionString()
    series = SimpleITK.GetImageFromArray(IMAGE)

    def resample():
        return SimpleITK.Resample(series, (160, 160, 20), SimpleITK.Transform(), SimpleITK.sitkBSpline, OFFSET[::-1], (1.0, 1.0, 1.0))


resample()
print(sys.argv[1], version, flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    resample()
    print(1000 * (time.perf_counter() - start), flush=True)
