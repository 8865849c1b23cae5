"""Writes the oracles of this package's tests with nibabel.

Run in this folder: /usr/bin/python3 golden.py DATA, where DATA is the folder of the shared test data.
golden.json  what nibabel reads from real files: sizes, affine in LPS mm, sums and some voxels.
fixtures.json small files that nibabel wrote (gzip, base64), one per property of the format, with the same expectations.
"""
import base64
import glob
import gzip
import io
import json
import os
import sys
import warnings

import nibabel as nib
import numpy as np

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
UNITS = {"meter": 1000.0, "micron": 0.001}


def tolerance(img):
    """Of the grid, in mm. In a qform within rounding of a half turn the fourth part of the quaternion is lost in
    float32: nifti1_io (the reference library, and ITK) takes 0, nibabel the root of the rounding error."""
    q = [float(img.header["quatern_" + c]) for c in "bcd"]
    lost = int(img.header["sform_code"]) == 0 and 1 - sum(x * x for x in q) < 1e-7
    return 0.2 if lost else 0.001


def facts(img):
    data = np.asarray(img.dataobj, dtype=np.float64)
    shape = (list(data.shape) + [1, 1, 1])[:4]
    data = data.reshape(shape, order="F")
    scale = UNITS.get(img.header.get_xyzt_units()[0], 1.0)
    affine = LPS @ img.affine
    affine[:3] *= scale
    flat = np.float32(data.ravel(order="F")).astype(np.float64)
    flat[~np.isfinite(flat)] = 0
    at = np.unique(np.linspace(0, flat.size - 1, 7).astype(int))
    return dict(size=shape[:3], frames=shape[3], affine=affine[:3].round(9).tolist(), tolerance=tolerance(img), sum=float(flat.sum()),
                weighted=float((flat * (np.arange(flat.size) % 101)).sum()), min=float(flat.min()), max=float(flat.max()),
                at=at.tolist(), values=flat[at].tolist())


def real(root):
    patterns = ["nibabel/*.nii*", "jiang-cw_PI-CAI_10000/*.nii.gz", "autoradiomics/nifti_prostate/*.nii.gz", "panimg/nifti/*",
                "picai_labels/cases/10032_1000032/*.nii.gz", "picai_labels/cases/11373_1001396/*.nii.gz",
                "picai_labels/cases/1*/lesion_expert_original.nii.gz", "picai_eval/test-maps/case-4*", "dcm_qa_enh/Ref/*.nii"]
    out = {}
    for path in sorted(p for g in patterns for p in glob.glob(os.path.join(root, g))):
        img = nib.load(path)
        if isinstance(img, (nib.Nifti1Image, nib.Nifti2Image)):
            out[os.path.relpath(path, root)] = facts(img)
    return out


def affine():
    a = np.radians(18.5)
    rot = np.array([[-1, 0, 0], [0, -np.cos(a), np.sin(a)], [0, np.sin(a), np.cos(a)]])
    m = np.eye(4)
    m[:3, :3] = rot * [0.5, 0.625, 3.0]
    m[:3, 3] = [92.25, 110.5, -40.125]
    return m


def save(img):
    f = io.BytesIO()
    img.to_file_map({"header": nib.FileHolder(fileobj=f), "image": nib.FileHolder(fileobj=f)})
    return f.getvalue()


def make(dtype, cls=nib.Nifti1Image, endian="<", shape=(4, 3, 2), edit=None, to=None):
    data = (np.arange(np.prod(shape)) % 120).reshape(shape, order="F").astype(dtype)
    if np.dtype(dtype).kind in "if":
        data[1, 1, 1] = -7
    head = cls.header_class(endianness=endian)
    head.set_data_dtype(np.dtype(dtype).newbyteorder(endian))
    img = cls(data.astype(np.dtype(dtype).newbyteorder(endian)), affine() if to is None else to, head)
    img.header.set_xyzt_units("mm")
    img.set_sform(img.affine, 1)
    img.set_qform(img.affine, 1)
    if edit:
        edit(img)
    return save(img)


def fixtures():
    files = {}
    for dtype in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"):
        for endian, name in (("<", "little"), (">", "big")):
            files[f"{dtype} {name}"] = make(dtype, endian=endian)
    files["nifti2"] = make("int16", nib.Nifti2Image)
    files["nifti2 big"] = make("float32", nib.Nifti2Image, ">")
    files["4d"] = make("int16", shape=(4, 3, 2, 3))
    files["slope"] = make("int16", edit=lambda i: i.header.set_slope_inter(0.25, -5))
    files["qform only"] = make("int16", edit=lambda i: i.set_sform(None, 0))
    flip = affine() @ np.diag([1, 1, -1, 1])
    files["left-handed, qform only"] = make("int16", to=flip, edit=lambda i: i.set_sform(None, 0))
    half = np.diag([-2.0, -2.0, 3.0, 1.0])
    files["half turn, qform only"] = make("int16", to=half, edit=lambda i: i.set_sform(None, 0))
    files["sform only"] = make("int16", edit=lambda i: i.set_qform(None, 0))
    files["metres"] = make("int16", edit=lambda i: i.header.set_xyzt_units("meter"))
    files["micrometres"] = make("int16", edit=lambda i: i.header.set_xyzt_units("micron"))
    files["extension"] = make("int16", edit=lambda i: i.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 100)))
    out = {}
    for name, raw in files.items():
        f = facts(nib.Nifti2Image.from_bytes(raw) if name.startswith("nifti2") else nib.Nifti1Image.from_bytes(raw))
        out[name] = dict(facts=f, file=base64.b64encode(gzip.compress(raw, mtime=0)).decode())
    return out


warnings.simplefilter("ignore")
for name, value in (("golden.json", real(sys.argv[1])), ("fixtures.json", fixtures())):
    with open(name, "w") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "\n}\n")
