#!/usr/bin/python3
"""Small pictures of a formula, compressed by DCMTK 3.6.7 and GDCM 3.0.21: ./compressed.py compressed

jpeg-N.dcm is JPEG Lossless with predictor N (process 14, dcmcjpeg +el), jpeg-sv1.dcm its special
syntax with signed values, rle.dcm and rle-signed.dcm are RLE Lossless. Pixel (x, y) is
(37x + 91y + 13xy + 500 [x > 8]) mod 4096, less 1000 where signed.

jls.dcm, jls-signed.dcm and jls-8.dcm are JPEG-LS Lossless by CharLS (dcmcjpls); j2k.dcm and j2k-signed.dcm JPEG 2000
Lossless by GDCM. In *-8.dcm, of 8 bits, pixels are modulo 256.
The folder "lossy" beside it gets pairs: what a lossy codec made, and NAME-out.dcm, the uncompressed picture that the same
software decodes it to. near-2.dcm and near-8.dcm are JPEG-LS of error 2; dct-12.dcm is JPEG Extended of
12 bits, dct-8.dcm JPEG Baseline, j2k-lossy.dcm JPEG 2000.
"""
import os, subprocess, sys, tempfile
import numpy, pydicom
from pydicom.dataset import Dataset, FileMetaDataset

y, x = numpy.mgrid[0:12, 0:16]
pixels = (37 * x + 91 * y + 13 * x * y + 500 * (x > 8)) % 4096


def source(path, signed, bits=12, values=pixels):
    d = Dataset()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID = "1.2.3.4.5"
    d.StudyInstanceUID, d.SeriesInstanceUID, d.Modality, d.PatientID = "1.2.3", "1.2.3.4", "MR", "P1"
    d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = *values.shape, 1, "MONOCHROME2"
    stored = 16 if signed else bits
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 8 if bits == 8 else 16, stored, stored - 1, int(signed)
    d.PixelData = (values - 1000 * signed).astype("u1" if bits == 8 else "<i2").tobytes()
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
    eight, smooth12, smooth8 = (os.path.join(tmp, n) for n in ("8.dcm", "s12.dcm", "s8.dcm"))
    source(eight, False, 8, pixels % 256)
    subprocess.run(["dcmcjpls", plain, os.path.join(out, "jls.dcm")], check=True)
    subprocess.run(["dcmcjpls", signed, os.path.join(out, "jls-signed.dcm")], check=True)
    subprocess.run(["dcmcjpls", eight, os.path.join(out, "jls-8.dcm")], check=True)
    subprocess.run(["gdcmconv", "--j2k", plain, os.path.join(out, "j2k.dcm")], check=True)
    subprocess.run(["gdcmconv", "--j2k", signed, os.path.join(out, "j2k-signed.dcm")], check=True)

    lossy = os.path.join(os.path.dirname(out) or ".", "lossy")
    os.makedirs(lossy, exist_ok=True)
    b, a = numpy.mgrid[0:30, 0:43]  # no whole number of blocks; flat at the left, for runs
    wave = numpy.where(a < 12, 900, 1500 + 900 * numpy.sin(a / 5) * numpy.cos(b / 4) + (7 * a + 11 * b) % 13).astype(int)
    source(smooth12, False, 12, wave)
    source(smooth8, False, 8, wave // 16)
    for name, tool, options, src in (
        ("near-2", "dcmcjpls", ["+en", "+md", "2"], smooth12), ("near-8", "dcmcjpls", ["+en", "+md", "2"], smooth8),
        ("dct-12", "dcmcjpeg", ["+ee", "+q", "85"], smooth12), ("dct-8", "dcmcjpeg", ["+eb", "+q", "85"], smooth8),
        ("j2k-lossy", "gdcmconv", ["--j2k", "--lossy", "-r", "8"], smooth12),
    ):
        packed = os.path.join(lossy, name + ".dcm")
        subprocess.run([tool, *options, src, packed], check=True)
        undo = {"dcmcjpls": ["dcmdjpls"], "dcmcjpeg": ["dcmdjpeg"], "gdcmconv": ["gdcmconv", "--raw"]}[tool]
        subprocess.run([*undo, packed, os.path.join(lossy, name + "-out.dcm")], check=True)
