#!/usr/bin/python3
"""What every NRRD of the test data holds, by ITK (plastimatch 1.9, of Debian) and nibabel: ./golden.py DATA > golden.json

Affine is LPS; Sum and Weighted (by index mod 101) are over all voxels, i fastest.
"""
import glob, json, os, subprocess, sys, tempfile
import nibabel, numpy as np

root, out = sys.argv[1], {}
names = glob.glob("panimg/nrrd/*.n[rh][rd][dr]", root_dir=root) + glob.glob("vesal_nci_isbi_nrrd/*/*.nrrd", root_dir=root)
for name in sorted(names) + ["autoradiomics/nifti_prostate/seg_multilabel.nrrd"]:
    if "unsupported" in name:
        continue
    with tempfile.TemporaryDirectory() as tmp:
        to = os.path.join(tmp, "a.nii")
        subprocess.run(["plastimatch", "convert", "--input", os.path.join(root, name), "--output-img", to], check=True, stdout=subprocess.DEVNULL)
        n = nibabel.load(to)
        v = np.asarray(n.dataobj).astype(float).ravel(order="F")
        a = np.diag([-1, -1, 1]) @ n.affine[:3]
        out[name] = {"Size": list(n.shape), "Affine": np.round(a, 5).tolist(), "Sum": v.sum(), "Weighted": float(v @ (np.arange(v.size) % 101))}
print("{" + ",\n".join(json.dumps(k) + ": " + json.dumps(v) for k, v in out.items()) + "}")
