#!/usr/bin/env python3
"""Times nibabel or SimpleITK on files of images, in seconds: the peers of BenchmarkFiles.

    echo "read FILE" | python3 filespeer.py nibabel|SimpleITK

Prints the peer's version, then answers "read FILE", every voxel as float32, and "write FILE", what was read last, each
with the time that it took.
"""
import sys
import time

import numpy as np

if sys.argv[1] == "nibabel":
    import nibabel

    version = nibabel.__version__

    def read(path):
        image = nibabel.load(path)
        return image, np.asarray(image.dataobj, dtype=np.float32)

    def write(image, path):
        nibabel.save(nibabel.Nifti1Image(image[1], image[0].affine), path)
else:
    import SimpleITK

    version = SimpleITK.Version.VersionString()

    def read(path):
        image = SimpleITK.ReadImage(path, SimpleITK.sitkFloat32)
        return image, SimpleITK.GetArrayFromImage(image)

    def write(image, path):
        SimpleITK.WriteImage(image[0], path, useCompression=True)


print(sys.argv[1], version, flush=True)
image = None
for line in sys.stdin:
    do, path = line.rstrip("\n").split(" ", 1)
    start = time.perf_counter()
    if do == "read":
        image = read(path)
    else:
        write(image, path)
    print(time.perf_counter() - start, flush=True)
