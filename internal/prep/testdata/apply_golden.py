"""Golden values of Recipe.Apply, made with SciPy and NumPy alone: run as
    python3 apply_golden.py > apply_golden.json
The image is a formula (see value), so that the Go test makes the same one. The grid is oblique, the
model's grid reaches outside the image, and the geometry is written out anew from the recipe's words."""
import json
import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

SIZE, SPACING = (22, 19, 9), np.array([0.8, 1.1, 3.0])
ORIGIN = np.array([-13.0, 8.5, 21.25])
AXES = Rotation.from_euler("xyz", [18.5, -7.0, 4.0], degrees=True).as_matrix().T  # rows: i, j, k in LPS
MODEL_SIZE, MODEL_SPACING = (12, 10, 6), np.array([1.0, 1.5, 2.5])
CENTRE_VOXEL = np.array([15.3, 8.0, 6.9])  # of the image


def value(i, j, k):
    return (7 * i + 13 * j + 29 * k + 3 * i * j + 5 * j * k) % 101


def world(voxel):
    return ORIGIN + (np.asarray(voxel) * SPACING) @ AXES


i, j, k = np.meshgrid(*(np.arange(n) for n in SIZE), indexing="ij")
image = value(i, j, k).astype(np.float64)
centre = world(CENTRE_VOXEL)

mi, mj, mk = np.meshgrid(*(np.arange(n) for n in MODEL_SIZE), indexing="ij")
offset = (np.stack([mi, mj, mk], -1) - (np.array(MODEL_SIZE) - 1) / 2) * MODEL_SPACING
points = centre + offset @ AXES
voxels = ((points - ORIGIN) @ AXES.T) / SPACING
inside = np.all((voxels >= -0.5) & (voxels <= np.array(SIZE) - 0.5), axis=-1)
sampled = map_coordinates(image, np.moveaxis(voxels, -1, 0), order=3, mode="mirror")
mean, sd = sampled[inside].mean(), sampled[inside].std()
out = np.where(inside, (sampled - mean) / sd, 0)
json.dump({
    "axes": AXES.tolist(), "centre": centre.tolist(), "mean": mean, "sd": sd, "outside": 1 - inside.mean(),
    "input": [round(float(v), 4) for v in out.transpose(2, 1, 0).ravel()],  # i fastest
}, __import__("sys").stdout, separators=(",", ":"))
