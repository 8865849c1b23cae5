#!/usr/bin/python3
"""Stored values of every greyscale DICOM file of the test data, by pydicom 2.3 with GDCM 3.0: ./corpora.py DATA > corpora.json

One line a file: name, transfer syntax, frames, rows, columns, CRC-32 of all stored values as little-endian float32 (before
any rescale), and values at places n·7919 mod size, for codecs that round. Files that pydicom cannot read are left out.
"""
import gzip, io, json, os, sys, warnings, zlib
import numpy as np, pydicom

warnings.simplefilter("ignore")
root, lines = sys.argv[1], []
for folder in ("pydicom_test_files", "dcm_qa_ts", "dcm_qa_enh", "vendor_bvalues", "dicom2nifti", "nibabel", "panimg", "autoradiomics", "dcmqi_seg", "highdicom_seg"):
    for at, _, names in sorted(os.walk(os.path.join(root, folder))):
        for name in sorted(names):
            path = os.path.join(at, name)
            try:
                data = open(path, "rb").read()
                if data[:2] == b"\x1f\x8b":
                    data = gzip.decompress(data)
                d = pydicom.dcmread(io.BytesIO(data), force=True)
                if d.SamplesPerPixel != 1 or d.BitsAllocated not in (8, 16, 32) or d.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2"):
                    continue
                v = d.pixel_array
            except Exception as e:
                print(os.path.relpath(path, root), type(e).__name__, str(e)[:80], file=sys.stderr)
                continue
            flat = v.ravel().astype("<f4")
            lines.append(json.dumps({
                "Name": os.path.relpath(path, root), "Syntax": str(d.file_meta.TransferSyntaxUID) if "TransferSyntaxUID" in getattr(d, "file_meta", {}) else "",
                "Shape": [int(d.get("NumberOfFrames", 1) or 1), d.Rows, d.Columns], "CRC32": zlib.crc32(flat.tobytes()),
                "Values": [float(flat[n * 7919 % flat.size]) for n in range(12)],
            }))
print("[" + ",\n".join(lines) + "]")
