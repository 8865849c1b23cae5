#!/usr/bin/env python3
"""Times pydicom on a folder of DICOM files, every pixel decoded, in seconds: the peer of BenchmarkReading.

    echo | python3 readpeer.py FOLDER

Prints pydicom's version, then answers each line that it reads with the time of one turn.
"""
import pathlib
import sys
import time

import pydicom


def read(folder):
    series = {}
    for path in pathlib.Path(folder).rglob("*"):
        if not path.is_file():
            continue
        try:
            ds = pydicom.dcmread(path)
        except pydicom.errors.InvalidDicomError:
            continue
        if "PixelData" in ds:
            series.setdefault(ds.SeriesInstanceUID, []).append(ds.pixel_array)
    return series


print("pydicom", pydicom.__version__, flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    read(sys.argv[1])
    print(time.perf_counter() - start, flush=True)
