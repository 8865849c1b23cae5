#!/usr/bin/python3
"""Small pictures of a formula, compressed by DCMTK 3.6.7: ./compressed.py compressed

jpeg-N.dcm is JPEG Lossless with predictor N (process 14, dcmcjpeg +el), jpeg-sv1.dcm its special
syntax with signed values, rle.dcm and rle-signed.dcm are RLE Lossless. Pixel (x, y) is
(37x + 91y + 13xy + 500 [x > 8]) mod 4096, less 1000 where signed.
"""
import os, subprocess, sys, tempfile
import numpy, pydicom
from pydicom.dataset import Dataset, FileMetaDataset

y, x = numpy.mgrid[0:12, 0:16]
pixels = (37 * x + 91 * y + 13 * x * y + 500 * (x > 8)) % 4096


def source(path, signed):
    d = Dataset()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID = "1.2.3.4.5"
    d.StudyInstanceUID, d.SeriesInstanceUID, d.Modality, d.PatientID = "1.2.3", "1.2.3.4", "MR", "P1"
    d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = 12, 16, 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16 if signed else 12, 15 if signed else 11, int(signed)
    d.PixelData = (pixels - 1000 * signed).astype("<i2").tobytes()
    d.is_little_endian, d.is_implicit_VR = True, False
    d.save_as(path, write_like_original=False)


out = sys.argv[1]
os.makedirs(out, exist_ok=True)
with tempfile.TemporaryDirectory() as tmp:
    for signed in (False, True):
        source(os.path.join(tmp, "%d.dcm" % signed), signed)
    plain, signed = os.path.join(tmp, "0.dcm"), os.path.join(tmp, "1.dcm")
    for n in range(1, 8):
        subprocess.run(["dcmcjpeg", "+el", "+sv", str(n), plain, os.path.join(out, "jpeg-%d.dcm" % n)], check=True)
    subprocess.run(["dcmcjpeg", "+e1", signed, os.path.join(out, "jpeg-sv1.dcm")], check=True)
    subprocess.run(["dcmcrle", plain, os.path.join(out, "rle.dcm")], check=True)
    subprocess.run(["dcmcrle", signed, os.path.join(out, "rle-signed.dcm")], check=True)
