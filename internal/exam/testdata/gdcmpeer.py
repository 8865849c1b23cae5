#!/usr/bin/env python3
"""Compresses the DICOM files of a folder with GDCM, and times GDCM on decompressing them, in seconds: the peer of
BenchmarkDecoding.

    echo jpegls | python3 gdcmpeer.py FOLDER OUT

Writes OUT/raw, OUT/rle, OUT/jpegls and OUT/j2k, prints GDCM's version, and then answers each name of those with the time
that GDCM takes to read and decompress every file of it, in one thread.
"""
import pathlib
import sys
import time

import gdcm

SYNTAXES = {
    "raw": gdcm.TransferSyntax.ExplicitVRLittleEndian,
    "rle": gdcm.TransferSyntax.RLELossless,
    "jpegls": gdcm.TransferSyntax.JPEGLSLossless,
    "j2k": gdcm.TransferSyntax.JPEG2000Lossless,
}


def change(path, syntax):
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        return None, None
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    if not change.Change():
        sys.exit(f"GDCM cannot change the syntax of {path}")
    return reader, change


folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
for name, syntax in SYNTAXES.items():
    (out / name).mkdir(parents=True)
    for n, path in enumerate(sorted(p for p in folder.rglob("*") if p.is_file())):
        reader, changed = change(path, syntax)
        if reader is None:
            continue
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(out / name / f"{n}.dcm"))
        writer.SetFile(reader.GetFile())
        writer.SetImage(changed.GetOutput())
        if not writer.Write():
            sys.exit(f"GDCM cannot write {path}")
print("GDCM", gdcm.Version.GetVersion(), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    for path in (out / line.strip()).iterdir():
        change(path, SYNTAXES["raw"])
    print(time.perf_counter() - start, flush=True)
