"""Expected results of shape-based interpolation, joint smoothing, islands and holes, by SciPy.

Writes golden.json beside itself. Arrays are [k, j, i], zlib and base64. Run: python3 golden.py
"""
import base64, json, os, zlib
import numpy as np
from scipy import ndimage as nd

SPACING = (2.5, 0.8, 0.6)  # k, j, i, mm
SHAPE = (9, 26, 30)
rng = np.random.default_rng(4)


def pack(a):
    return base64.b64encode(zlib.compress(a.astype(np.uint8).tobytes(), 9)).decode()


def ellipse(ci, cj, ri, rj):
    j, i = np.mgrid[: SHAPE[1], : SHAPE[2]]
    return ((i - ci) / ri) ** 2 + ((j - cj) / rj) ** 2 <= 1


def zones():
    """A gland with a TZ in it, with a rough outline, in all slices but the outer ones."""
    z = np.zeros(SHAPE, np.uint8)
    for k in range(1, 8):
        s = 1 - 0.1 * abs(k - 4)
        z[k][ellipse(14.3, 12.6, 11 * s, 9.5 * s)] = 2
        if 2 <= k <= 6:
            z[k][ellipse(14.1, 10.9, 7.5 * s, 6 * s)] = 1
    noise = rng.random(SHAPE)
    edge = nd.binary_dilation(z > 0) & ~nd.binary_erosion(z > 0)
    z[edge & (noise < 0.15)] = 0
    z[edge & (noise > 0.85)] = 2
    return z


def signed(region):
    """Millimetres, negative inside; +inf for nothing."""
    if not region.any():
        return np.full(region.shape, np.inf)
    sampling = SPACING[1:]
    return nd.distance_transform_edt(~region, sampling=sampling) - nd.distance_transform_edt(region, sampling=sampling)


def between(a, b, t):
    return (1 - t) * signed(a) + t * signed(b) <= 1e-9


def interpolated(full, keys, joint):
    """Slices of full outside of keys are dropped and made anew from the two keys around them."""
    start = np.zeros_like(full)
    for k in keys:
        start[k] = full[k]
    out = start.copy()
    for a, b in zip(keys, keys[1:]):
        for k in range(a + 1, b):
            t = (k - a) / (b - a)
            wg = between(start[a] > 0, start[b] > 0, t)
            out[k][wg] = 2 if joint else 1
            if joint and (start[a] == 1).any() and (start[b] == 1).any():
                out[k][wg & between(start[a] == 1, start[b] == 1, t)] = 1
    return start, out


def smoothed(z, sigma_mm, in_plane):
    sigma = [0 if in_plane and a == 0 else sigma_mm / s for a, s in enumerate(SPACING)]
    tz, pz = (nd.gaussian_filter((z == c).astype(float), sigma, mode="nearest", truncate=4) for c in (1, 2))
    out = np.where(pz > tz, 2, 1)
    out[tz + pz < 0.5 - 1e-6] = 0
    return out


def main():
    z = zones()
    lesion = np.zeros(SHAPE, np.uint8)
    lesion[2][ellipse(9, 9, 3.4, 2.6)] = 1
    lesion[7][ellipse(12.5, 11, 5.2, 4.4)] = 1
    ragged = z.copy()
    noise = rng.random(SHAPE)
    ragged[noise < 0.06] = 0
    ragged[noise > 0.985] = 1
    islands, _ = nd.label(ragged > 0)  # faces
    sizes = np.bincount(islands.ravel())[1:]
    kept = np.where(islands == 1 + np.argmax(sizes), ragged, 0)
    holes = np.stack([nd.binary_fill_holes(s > 0) for s in ragged]) & (ragged == 0)
    start, filled = interpolated(z, [1, 4, 7], True)
    lstart, lfilled = interpolated(lesion, [2, 7], False)
    golden = {
        "size": SHAPE[::-1], "spacing": SPACING[::-1],
        "zones": pack(z), "smooth3D": pack(smoothed(z, 1.5, False)), "smoothPlane": pack(smoothed(z, 1.0, True)),
        "keys": pack(start), "filled": pack(filled), "lesionKeys": pack(lstart), "lesionFilled": pack(lfilled),
        "ragged": pack(ragged), "largest": pack(kept), "holes": pack(holes),
    }
    with open(os.path.join(os.path.dirname(__file__), "golden.json"), "w") as f:
        json.dump(golden, f, indent=1)
        f.write("\n")


main()
