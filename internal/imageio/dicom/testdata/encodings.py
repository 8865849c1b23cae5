#!/usr/bin/python3
"""Checksum of the picture that each file of dcm_qa_ts/In holds, by pydicom (with GDCM for the
compressed ones), as CRC-32 of little-endian float32: ./encodings.py FOLDER"""
import glob, os, sys, zlib
import pydicom

for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.dcm"))):
    d = pydicom.dcmread(path)
    try:
        print(os.path.basename(path), d.file_meta.TransferSyntaxUID, "%#x" % zlib.crc32(d.pixel_array.astype("<f4").tobytes()))
    except Exception as e:
        print(os.path.basename(path), d.file_meta.TransferSyntaxUID, type(e).__name__)
