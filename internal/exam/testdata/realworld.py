#!/usr/bin/python3
"""Makes realworld.zip, series whose stored values have real-world value mappings (PS3.3 C.7.6.16.2.11), with pydicom, and
realworld.json, what the values of each series are: stored · slope + intercept of the mapping, or of the modality rescale, read
back from the files with pydicom and NumPy. ./realworld.py"""
import io, json, os, zipfile
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = "1.2.826.0.1.3680043.10.1"
N, SLICES = 8, 6


def mapping(unit, scheme, meaning, slope=None, intercept=0.0, first=0, last=4095):
    m, u = Dataset(), Dataset()
    u.CodeValue, u.CodingSchemeDesignator, u.CodeMeaning = unit, scheme, meaning
    m.MeasurementUnitsCodeSequence = Sequence([u])
    m.LUTExplanation, m.LUTLabel = "map", "MAP"
    m.RealWorldValueFirstValueMapped, m.RealWorldValueLastValueMapped = first, last
    if slope is None:
        m.RealWorldValueLUTData = [float(v) for v in range(first, last + 1)]
    else:
        m.RealWorldValueSlope, m.RealWorldValueIntercept = slope, intercept
    return m


def line(unit, scheme, meaning):
    """One line a slice, each with a slope of its own, as scanners that use the whole range of every slice write it."""
    return lambda k: [mapping(unit, scheme, meaning, 0.5 + 0.25 * k, 10.0 * k)]


SERIES = [  # number, description, image type, b-value, photometric interpretation, mappings of slice k, the one that counts
    (1, "adc um2", "ADC", None, "MONOCHROME2", line("um2/s", "UCUM", "um2/s"), 0),
    (2, "adc two maps", "ADC", None, "MONOCHROME2", lambda k: [mapping("%", "UCUM", "percent", 0.1), mapping("mm2/s", "UCUM", "mm2/s", 1e-6)], 1),
    (3, "adc unknown unit", "ADC", None, "MONOCHROME2", line("ADU-7", "99ACME", "Acme diffusion units"), None),
    (4, "adc table", "ADC", None, "MONOCHROME2", lambda k: [mapping("um2/s", "UCUM", "um2/s", None, 0, 0, 7)], None),
    (5, "adc in pieces", "ADC", None, "MONOCHROME2",
     lambda k: [mapping("um2/s", "UCUM", "um2/s", 1.0, 0, 0, 999), mapping("um2/s", "UCUM", "um2/s", 2.0, 0, 1000, 4095)], None),
    (6, "dwi b1000", "TRACEW", 1000, "MONOCHROME2", line("1", "UCUM", "no units"), 0),
    (7, "dwi b1500", "TRACEW", 1500, "MONOCHROME1", line("{counts}", "UCUM", "counts"), 0),
    (8, "dwi b2000", "TRACEW", 2000, "MONOCHROME2", line("mm2/s", "UCUM", "mm2/s"), None),
    (9, "adc last slice bare", "ADC", None, "MONOCHROME2", lambda k: line("um2/s", "UCUM", "um2/s")(k) if k < SLICES - 1 else [], None),
]


def build(number, description, kind, b, photometric, maps, k):
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.is_little_endian, d.is_implicit_VR = True, False
    d.SOPClassUID = meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    d.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = "%s.%d.%d" % (ROOT, number, k + 1)
    d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = ROOT, "%s.%d" % (ROOT, number), ROOT + ".99"
    d.Modality, d.SeriesNumber, d.InstanceNumber, d.SeriesDescription = "MR", number, k + 1, description
    d.ImageType = ["DERIVED" if kind == "ADC" else "ORIGINAL", "PRIMARY", "DIFFUSION", kind]
    d.Rows = d.Columns = N
    d.PixelSpacing, d.SliceThickness, d.ImageOrientationPatient = [2, 2], 3, [1, 0, 0, 0, 1, 0]
    d.ImagePositionPatient = [0, 0, 3.0 * k]
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, photometric
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 12, 11, 0
    d.RescaleSlope, d.RescaleIntercept = 2, -5
    if b is not None:
        d.DiffusionBValue = float(b)
    found = maps(k)
    if found:
        d.RealWorldValueMappingSequence = Sequence(found)
    rng = np.random.default_rng(100 * number + k)
    d.PixelData = rng.integers(500, 1500, (N, N)).astype("<u2").tobytes()
    return d


def values(d, which):
    stored = d.pixel_array.astype(np.float64)
    if which is None:
        return stored * float(d.RescaleSlope) + float(d.RescaleIntercept)
    m = d.RealWorldValueMappingSequence[which]
    return stored * m.RealWorldValueSlope + m.RealWorldValueIntercept


expected = {}
with zipfile.ZipFile(os.path.join(HERE, "realworld.zip"), "w", zipfile.ZIP_DEFLATED) as z:
    for number, description, kind, b, photometric, maps, which in SERIES:
        slices = []
        for k in range(SLICES):
            out = io.BytesIO()
            build(number, description, kind, b, photometric, maps, k).save_as(out, write_like_original=False)
            z.writestr(zipfile.ZipInfo("%d/%d.dcm" % (number, k + 1), (2026, 1, 1, 0, 0, 0)), out.getvalue())
            slices.append(values(pydicom.dcmread(io.BytesIO(out.getvalue())), which))
        v = np.stack(slices)
        expected[description] = {"mapped": which is not None, "first": v[0, 0, :4].tolist(), "last": v[-1, -1, -4:].tolist(), "sum": float(v.sum())}
with open(os.path.join(HERE, "realworld.json"), "w") as f:
    json.dump(expected, f, indent=1)
