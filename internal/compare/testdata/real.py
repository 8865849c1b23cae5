"""Writes real.json: the two zone models of some exams of PI-CAI compared by SciPy. Run: python3 real.py DATA/picai_labels/cases > real.json

Surfaces are a mask less its erosion by a cross, distances scipy.ndimage.distance_transform_edt, as MedPy has it."""
import json
import pathlib
import sys

import nibabel
import numpy as np
from scipy import ndimage

CASES = ["10032_1000032", "10170_1000173", "11373_1001396"]
STRUCTURES = {"WG": (1, 2), "TZ": (2,), "PZ": (1,)}  # PI-CAI: 1 PZ, 2 TZ


def surface(mask):
    return mask & ~ndimage.binary_erosion(mask, ndimage.generate_binary_structure(3, 1))


def compare(a, b, spacing):
    ml = np.prod(spacing) / 1000
    sa, sb = surface(a), surface(b)
    there = ndimage.distance_transform_edt(~sb, sampling=spacing)[sa]
    back = ndimage.distance_transform_edt(~sa, sampling=spacing)[sb]
    return {"Dice": 2 * (a & b).sum() / (a.sum() + b.sum()), "HD95": np.percentile(np.hstack([there, back]), 95),
            "ASSD": (there.mean() + back.mean()) / 2, "DifferenceML": (float(a.sum()) - float(b.sum())) * ml}


out = {}
for case in CASES:
    one, two = (nibabel.load(pathlib.Path(sys.argv[1]) / case / f"zones_{m}_AI.nii.gz") for m in ("HeviAI23", "Yuan23"))
    assert np.allclose(one.affine, two.affine, atol=1e-3)
    a, b = (np.asarray(x.dataobj).astype(int) for x in (one, two))
    spacing = np.linalg.norm(one.affine[:3, :3], axis=0)
    out[case] = {name: compare(np.isin(a, v), np.isin(b, v), spacing) for name, v in STRUCTURES.items()}
print(json.dumps(out, indent=1))
