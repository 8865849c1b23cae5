"""Writes golden.json, the oracle of this package's tests, with SciPy and nibabel.

Run in this folder: /usr/bin/python3 golden.py
Voxels come from a linear congruential generator that the Go tests repeat, so only results are stored.
Arrays are [k, j, i] here, so that i runs fastest as in Go; coordinates are stored as (i, j, k).
"""
import json

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to
from scipy import ndimage


def lcg(n, seed):
    out, x = np.empty(n), seed
    for i in range(n):
        x = (1103515245 * x + 12345) % 2**31
        out[i] = (x >> 16) % 1000
    return out


def image(size, seed):
    return lcg(size[0] * size[1] * size[2], seed).reshape(size[::-1])


def samples():
    out = []
    rng = np.random.default_rng(5)
    for size, seed in (((7, 6, 5), 1), ((40, 3, 2), 2), ((6, 5, 1), 3), ((1, 9, 4), 4)):
        data = image(size, seed)
        points = rng.uniform(-0.5, np.array(size) - 0.5, (25, 3))
        points[0] = np.array(size) - 0.5  # the outermost corner
        points[1] = [0, 0, 0]
        spline = ndimage.map_coordinates(data, points[:, ::-1].T, order=3, mode="mirror")
        linear = ndimage.map_coordinates(data, points[:, ::-1].T, order=1, mode="nearest")
        out.append(dict(size=size, seed=seed, points=points.round(12).tolist(), spline=spline.tolist(), linear=linear.tolist()))
    return out


def rotation(axis, degrees):
    axis = np.array(axis, float) / np.linalg.norm(axis)
    k = np.cross(np.eye(3), axis)
    a = np.radians(degrees)
    return np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * k @ k


def affine(rot, spacing, origin):
    m = np.eye(4)
    m[:3, :3] = rot * np.array(spacing)
    m[:3, 3] = origin
    return m


def resamplings():
    """Oblique, and sharing axes (with one of them reversed); nibabel does the arithmetic of the affines."""
    size, seed = (14, 12, 6), 7
    source = affine(rotation([1, 0.2, 0.1], 18.5), [2, 2, 3.6], [-10, -30, 12])
    oblique = affine(rotation([0.3, 1, -0.2], 25), [1.1, 1.3, 2.5], [-6, -34, 18])
    shared = affine(rotation([1, 0.2, 0.1], 18.5), [1.5, -1.25, 2.75], [0, 0, 0])
    shared[:3, 3] = (source @ [-1.3, 11.2, -0.9, 1])[:3]
    out = []
    for name, to, to_size in (("oblique", oblique, (9, 8, 7)), ("shared axes", shared, (9, 10, 7))):
        img = nib.Nifti1Image(np.ascontiguousarray(image(size, seed).T), source)
        index = np.indices(to_size).reshape(3, -1)
        voxel = (np.linalg.inv(source) @ to @ np.vstack([index, np.ones(index.shape[1])]))[:3]
        inside = np.all((voxel >= -0.5) & (voxel <= np.array(size)[:, None] - 0.5), axis=0).reshape(to_size)
        row = dict(name=name, size=size, seed=seed, source=source[:3].tolist(), target=to[:3].tolist(), targetSize=to_size)
        for key, order, mode in (("spline", 3, "mirror"), ("linear", 1, "nearest"), ("nearest", 0, "nearest")):
            got = resample_from_to(img, (to_size, to), order=order, mode=mode).get_fdata()
            row[key] = [round(float(v), 4) for v in np.where(inside, got, -1).T.ravel()]
        out.append(row)
    return out


def components():
    out = []
    size, seed = (12, 11, 9), 11
    inside = image(size, seed) < 250
    for rank, name in ((1, 6), (2, 18), (3, 26)):
        labels, n = ndimage.label(inside, ndimage.generate_binary_structure(3, rank))
        boxes = [[s.start for s in b[::-1]] + [s.stop for s in b[::-1]] for b in ndimage.find_objects(labels)]
        out.append(dict(size=size, seed=seed, connectivity=name, voxels=np.bincount(labels.ravel())[1:].tolist(),
                        largest=boxes[int(np.argmax(np.bincount(labels.ravel())[1:]))],
                        checksum=int((labels.ravel() * (np.arange(labels.size) % 97)).sum())))
    centre = ndimage.center_of_mass(inside)[::-1]
    return dict(labels=out, centre=list(centre), count=int(inside.sum()))


with open("golden.json", "w") as f:
    json.dump(dict(samples=samples(), resamplings=resamplings(), components=components()), f)
    f.write("\n")
