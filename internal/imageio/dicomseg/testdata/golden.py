#!/usr/bin/env python3
"""Makes golden.json: what pydicom and NumPy read of the shared DICOM segmentations, without this project's code.

usage: golden.py DATA > golden.json        (DATA: folder of the shared test data)

For every file and segment: number of voxels, and the sums of x, y, z, xx, yy, zz, xy, xz, yz (LPS mm, of voxel centres),
weighted with the fraction; and the smallest and largest fraction above 0. Files without planes in the patient,
or without one for every frame, are null.
"""
import glob
import json
import os
import sys

import numpy as np
import pydicom
from pydicom.pixel_data_handlers.util import pixel_dtype

root = sys.argv[1]


def frames(d):
    n = int(d.get("NumberOfFrames", 1))
    shape = (n, d.Rows, d.Columns)
    if d.BitsAllocated == 1:
        raw = d.PixelData
        if not d.is_little_endian and d["PixelData"].VR == "OW":
            raw = np.frombuffer(raw, ">u2").astype("<u2").tobytes()
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        return bits[: np.prod(shape)].reshape(shape)
    return np.frombuffer(d.PixelData, pixel_dtype(d))[: np.prod(shape)].reshape(shape)


def measure(d):
    shared = d.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in d else {}
    px = frames(d)
    sums = {}
    if len(px) != len(d.PerFrameFunctionalGroupsSequence):
        return None
    for f, g in enumerate(d.PerFrameFunctionalGroupsSequence):
        def find(name):
            return (g if name in g else shared)[name][0] if name in g or name in shared else None
        pos, ori, pm = find("PlanePositionSequence"), find("PlaneOrientationSequence"), find("PixelMeasuresSequence")
        if pos is None or ori is None:
            return None
        o = np.array(pos.ImagePositionPatient, float)
        row, col = np.array(ori.ImageOrientationPatient[:3], float), np.array(ori.ImageOrientationPatient[3:], float)
        dy, dx = map(float, pm.PixelSpacing)
        labelmap = d.SOPClassUID == "1.2.840.10008.5.1.4.1.1.66.7"
        if labelmap:
            parts = [(int(v), px[f] == v) for v in np.unique(px[f]) if v and v != d.get("PixelPaddingValue", 0)]
        else:
            s = find("SegmentIdentificationSequence").ReferencedSegmentNumber
            top = float(d.get("MaximumFractionalValue", 1))
            parts = [(int(s), px[f] / top)]
        for s, w in parts:
            j, i = np.nonzero(w)
            w = np.asarray(w, float)[j, i]
            p = o + np.outer(i * dx, row) + np.outer(j * dy, col)
            e = sums.setdefault(s, {"voxels": 0, "sums": np.zeros(9), "low": None, "high": None})
            if not len(w):
                continue
            x, y, z = p.T
            e["voxels"] += len(w)
            e["sums"] += [float((w * v).sum()) for v in (x, y, z, x * x, y * y, z * z, x * y, x * z, y * z)]
            e["low"] = min(w.min(), e["low"] or 9)
            e["high"] = max(w.max(), e["high"] or 0)
    return {str(s): {**e, "sums": list(e["sums"])} for s, e in sums.items()}


out = {}
for path in sorted(glob.glob(os.path.join(root, "**", "*"), recursive=True)):
    try:
        d = pydicom.dcmread(path)
        if d.Modality != "SEG":
            continue
    except Exception:
        continue
    out[os.path.relpath(path, root)] = measure(d)
json.dump(out, sys.stdout, indent=1)
print()
