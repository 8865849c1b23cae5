#!/usr/bin/env python3
"""Reads a SEG or RTSTRUCT object with pydicom and NumPy alone and prints the voxels of each segment or structure.

usage: readback.py FILE SIZE_I SIZE_J SIZE_K AFFINE (twelve numbers, row by row: voxel to LPS mm)

One line for each: its number and name, then the sorted offsets (i fastest) of its voxels on the grid. A voxel is in a structure
where a ray from its centre crosses the contours an odd number of times.
"""
import sys

import numpy as np
import pydicom

d = pydicom.dcmread(sys.argv[1])
size = [int(v) for v in sys.argv[2:5]]
affine = np.array([float(v) for v in sys.argv[5:17]]).reshape(3, 4)
inverse = np.linalg.inv(affine[:, :3])


def voxel(points):
    return (np.atleast_2d(points) - affine[:, 3]) @ inverse.T


def told(number, name, mask):
    print(number, name.replace(" ", "_"), *np.flatnonzero(mask.reshape(-1)))


if d.Modality == "SEG":
    masks = {s.SegmentNumber: np.zeros(size[::-1], bool) for s in d.SegmentSequence}
    top = int(d.get("MaximumFractionalValue", 1))
    for pixels, g in zip(d.pixel_array, d.PerFrameFunctionalGroupsSequence):
        v = voxel(np.array(g.PlanePositionSequence[0].ImagePositionPatient, float))[0]
        assert np.allclose(v, np.round(v), atol=1e-3) and np.allclose(v[:2], 0, atol=1e-3), v
        masks[g.SegmentIdentificationSequence[0].ReferencedSegmentNumber][int(round(v[2]))] |= pixels * 2 > top
    for s in d.SegmentSequence:
        told(s.SegmentNumber, s.SegmentLabel, masks[s.SegmentNumber])
else:
    names = {r.ROINumber: r.ROIName for r in d.StructureSetROISequence}
    ii, jj = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    for roi in d.ROIContourSequence:
        mask = np.zeros(size[::-1], bool)
        for c in roi.get("ContourSequence", []):
            assert c.ContourGeometricType == "CLOSED_PLANAR"
            v = voxel(np.array(c.ContourData, float).reshape(-1, 3))
            k = int(round(v[0, 2]))
            assert np.abs(v[:, 2] - k).max() < 1e-2 and len(v) == c.NumberOfContourPoints
            odd = np.zeros(ii.shape, bool)
            for (x0, y0, _), (x1, y1, _) in zip(v, np.roll(v, -1, 0)):
                if y0 == y1:
                    continue
                crosses = (y0 <= jj) != (y1 <= jj)
                odd ^= crosses & (ii < x0 + (jj - y0) / (y1 - y0) * (x1 - x0))
            mask[k] ^= odd
        told(roi.ReferencedROINumber, names[roi.ReferencedROINumber], mask)
