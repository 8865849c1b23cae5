"""Writes golden.json: what a few lines of NumPy, written for nothing else, read from real MetaImage files.

Run in this folder: /usr/bin/python3 golden.py DATA, where DATA is the folder of the shared test data.
The convention that rows of TransformMatrix are axis directions is tested apart, against NIfTI masks of the same exam.
"""
import glob
import json
import os
import sys
import zlib

import numpy as np

TYPES = dict(MET_CHAR="i1", MET_UCHAR="u1", MET_SHORT="i2", MET_USHORT="u2", MET_INT="i4", MET_UINT="u4", MET_LONG="i4",
             MET_ULONG="u4", MET_LONG_LONG="i8", MET_ULONG_LONG="u8", MET_FLOAT="f4", MET_DOUBLE="f8")


def facts(path):
    raw = open(path, "rb").read()
    start = raw.index(b"ElementDataFile")
    start = raw.index(b"\n", start) + 1 if b"\n" in raw[start:] else len(raw)
    head = {}
    for line in raw[:start].decode("latin-1").splitlines():
        if "=" in line:
            key, value = line.split("=", 1)
            head[key.strip()] = value.strip()
    data = raw[start:]
    if head["ElementDataFile"] != "LOCAL":
        data = open(os.path.join(os.path.dirname(path), head["ElementDataFile"]), "rb").read()
    if head.get("CompressedData") == "True":
        data = zlib.decompress(data)
    flat = np.frombuffer(data, "<" + TYPES[head["ElementType"]]).astype(np.float32).astype(np.float64)
    size = [int(n) for n in head["DimSize"].split()]
    n = len(size)
    assert flat.size == np.prod(size), path
    matrix = np.array(head["TransformMatrix"].split(), float).reshape(n, n)
    spacing = np.array((head.get("ElementSpacing") or head.get("ElementSize") or " ".join(["1"] * n)).split(), float)
    affine = np.eye(3, 4)
    m = min(n, 3)
    affine[:m, :m] = (matrix[:m, :m] * spacing[:m, None]).T
    affine[:m, 3] = np.array(head["Offset"].split(), float)[:m]
    at = np.unique(np.linspace(0, flat.size - 1, 7).astype(int))
    return dict(size=(size + [1])[:3], frames=size[3] if n > 3 else 1, affine=affine.tolist(), sum=float(flat.sum()),
                weighted=float((flat * (np.arange(flat.size) % 101)).sum()), at=at.tolist(), values=flat[at].tolist())


# Files that must be refused are named, with the reason, in the Go test.
READ = ["image10x10x10.mhd", "image10x10x10.mha", "image10x10x10-extra-stuff.mhd", "image10x11x12x13.mhd", "image10x11x12x13.mha",
        "image5x6x7.mhd", "image5x6x7-*.mhd", "image_min10_max10.mha", "segments/*.mha"]
out = {}
for pattern in ["panimg/" + p for p in READ] + ["prostate_seg_viewer_10032/*.mha", "report_guided_annotation/input/*.mha"]:
    for path in sorted(glob.glob(os.path.join(sys.argv[1], pattern))):
        out[os.path.relpath(path, sys.argv[1])] = facts(path)
with open("golden.json", "w") as f:
    f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in out.items()) + "\n}\n")
