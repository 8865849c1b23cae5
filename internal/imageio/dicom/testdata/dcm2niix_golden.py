#!/usr/bin/python3
"""Golden grids and voxel checksums of a DICOM folder, by dcm2niix, nibabel and pydicom.

    ./dcm2niix_golden.py FOLDER > prostatex0000.json

dcm2niix (v1.0.20220720 made the committed file) writes NIfTI in RAS, with the rows flipped and 3-D
acquisitions turned to the closest axes. Undone here: x and y of the affine are negated (RAS to
LPS); each voxel axis is swapped and flipped so that the first runs along ImageOrientationPatient's
row cosines, the second along its column cosines, and the third along their cross product. Voxels
are summed up as CRC-32 of little-endian float32, i fastest.
"""
import glob, json, os, subprocess, sys, tempfile, zlib
import nibabel, numpy, pydicom


def orientations(folder):
    found = {}
    for path in glob.glob(os.path.join(folder, "**", "*.dcm"), recursive=True):
        d = pydicom.dcmread(path, stop_before_pixels=True)
        found[int(d.SeriesNumber)] = numpy.array(d.ImageOrientationPatient, float).reshape(2, 3)
    return found


def to_dicom_axes(data, affine, iop):
    axes = [iop[0], iop[1], numpy.cross(iop[0], iop[1])]
    direction = affine[:3, :3] / numpy.linalg.norm(affine[:3, :3], axis=0)
    order = [int(numpy.argmax(abs(direction.T @ a))) for a in axes]
    assert sorted(order) == [0, 1, 2]
    data = data.transpose(order + list(range(3, data.ndim)))
    affine = numpy.column_stack([affine[:, o] for o in order] + [affine[:, 3]])
    for k, a in enumerate(axes):
        if affine[:3, k] @ a < 0:
            data = numpy.flip(data, k)
            affine[:3, 3] += affine[:3, k] * (data.shape[k] - 1)
            affine[:3, k] *= -1
    return data, affine


out = []
iops = orientations(sys.argv[1])
with tempfile.TemporaryDirectory() as tmp:
    subprocess.run(["dcm2niix", "-z", "n", "-b", "y", "-f", "%s", "-o", tmp, sys.argv[1]], check=True, stdout=subprocess.DEVNULL)
    for path in sorted(glob.glob(os.path.join(tmp, "*.nii"))):
        series = int(os.path.basename(path)[:-4])
        image = nibabel.load(path)
        data, affine = to_dicom_axes(image.get_fdata(dtype=numpy.float64), numpy.diag([-1.0, -1, 1, 1]) @ image.affine, iops[series])
        bvals = []
        if os.path.exists(path[:-4] + ".bval"):
            bvals = [float(b) for b in open(path[:-4] + ".bval").read().split()]
        data = data.reshape(data.shape[:3] + (-1,))
        for v in range(data.shape[3]):
            volume = data[..., v].astype("<f4")
            out.append({
                "series": series, "b": bvals[v] if bvals else None, "size": list(volume.shape),
                "affineLPS": [[round(float(x), 6) for x in row] for row in affine[:3]],
                "min": float(volume.min()), "max": float(volume.max()),
                "crc32": zlib.crc32(volume.tobytes(order="F")),
            })
print("[" + ",\n ".join(json.dumps(o) for o in out) + "]")
