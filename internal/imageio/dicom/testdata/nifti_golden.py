#!/usr/bin/python3
"""Golden grids and voxel checksums of reference NIfTI made by dcm2niix from axial DICOM.

    ./nifti_golden.py .../Ref/Siemens_*.nii > siemens_xa10.json

As dcm2niix_golden.py, for axial stacks: the affine is brought to LPS, the flipped rows are undone,
and the slices ascend along row x column.
"""
import json, sys, zlib
import nibabel, numpy


def flip(data, affine, axis):
    data, affine = numpy.flip(data, axis), affine.copy()
    affine[:3, 3] += affine[:3, axis] * (data.shape[axis] - 1)
    affine[:3, axis] *= -1
    return data, affine


out = []
for path in sys.argv[1:]:
    image = nibabel.load(path)
    data, affine = flip(image.get_fdata(dtype=numpy.float64), numpy.diag([-1.0, -1, 1, 1]) @ image.affine, 1)
    if numpy.linalg.det(affine[:3, :3]) < 0:
        data, affine = flip(data, affine, 2)
    data = data.reshape(data.shape[:3] + (-1,))
    for v in range(data.shape[3]):
        volume = data[..., v].astype("<f4")
        out.append({"series": len(out) + 1, "b": None, "size": list(volume.shape),
                    "affineLPS": [[round(float(x), 6) for x in row] for row in affine[:3]],
                    "min": float(volume.min()), "max": float(volume.max()), "crc32": zlib.crc32(volume.tobytes(order="F"))})
print("[" + ",\n ".join(json.dumps(o) for o in out) + "]")
