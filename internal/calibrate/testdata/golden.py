#!/usr/bin/env python3
"""Golden values of internal/calibrate by scikit-learn, SciPy and NumPy.

    python3 testdata/golden.py > testdata/golden.json

Probabilities are multiples of 1/251, so that none lies on the edge of a bin, where scikit-learn's bins are closed on
the other side, and none is 0.
"""
import json

import numpy as np
from scipy import ndimage, optimize
from sklearn import calibration, metrics

rng = np.random.default_rng(4)
SIZE, SPACING = (9, 8, 5), (1.5, 1.25, 3.0)  # i, j, k
LO, HI = (2, 1, 1), (8, 7, 4)
K, SAMPLES, BINS = 3, 7, 10
shape = SIZE[::-1]  # arrays are [k, j, i]

k, j, i = np.meshgrid(*[np.arange(s) for s in shape], indexing="ij")
r = np.sqrt(((i - 4.2) * 1.5 / 4) ** 2 + ((j - 3.6) * 1.25 / 3) ** 2 + ((k - 2) * 3 / 5) ** 2)
labels = np.where(r < 0.7, 1, np.where(r < 1.15, 2, 0))

raw = np.stack([np.exp(1.5 * (labels == c) + rng.normal(0, 1, shape)) for c in range(K)])
p251 = np.maximum(1, np.floor(raw / raw.sum(0) * 248)).astype(int)
p251[0] += 251 - p251.sum(0)
assert (p251 > 0).all() and (p251.sum(0) == 251).all()
mean = p251 / 251

box = tuple(slice(a, b) for a, b in zip(LO[::-1], HI[::-1]))
samples = []
for _ in range(SAMPLES):
    s = np.stack([mean[c] * np.exp(rng.normal(0, 0.7, shape)) for c in range(K)])
    samples.append(np.rint(255 * s / s.sum(0)).astype(int)[(slice(None), *box)])

known = np.ones(shape, bool)
known[4] = False  # the reference ends before the last slice
truth = np.where(known, labels, 0)
distance = ndimage.distance_transform_edt(truth == 0, sampling=SPACING[::-1])

REGIONS = {"near": known & (distance <= 2), "whole": known}


def tempered(p, t):
    q = np.exp(np.log(p) / t)
    return q / q.sum(0)


def after(n):
    if n == 0:
        return mean
    total = np.sum(samples[:n], axis=0)
    p = mean.copy()
    p[(slice(None), *box)] = total / total.sum(0)
    return p


def nll(p, classes, region):
    q = sum(p[c] for c in classes)[region]
    y = np.isin(truth, classes)[region]
    return metrics.log_loss(y, q, labels=[False, True])


def case(name, classes, where, n, t, threshold):
    region = REGIONS[where] if where != "segment" else known & (np.isin(mean.argmax(0), classes) | np.isin(truth, classes))
    p = tempered(after(n), t)
    q, y = sum(p[c] for c in classes), np.isin(truth, classes)
    prob_true, prob_pred = calibration.calibration_curve(y[region], q[region], n_bins=BINS, strategy="uniform")
    ids = np.digitize(q[region], np.arange(1, BINS) / BINS)
    count = np.bincount(ids, minlength=BINS)
    share = count[count > 0] / region.sum()
    decided = (q >= threshold)[known]
    best = optimize.minimize_scalar(lambda x: nll(tempered(after(n), np.exp(x)), classes, region),
                                    bounds=(np.log(0.1), np.log(10)), method="bounded", options={"xatol": 1e-6})
    return {
        "name": name, "classes": classes, "region": where, "samples": n, "temperature": t, "threshold": threshold,
        "voxels": int(region.sum()), "count": count.tolist(), "probTrue": prob_true.tolist(), "probPred": prob_pred.tolist(),
        "ece": float((share * abs(prob_true - prob_pred)).sum()),
        "nll": float(nll(p, classes, region)), "brier": float(metrics.brier_score_loss(y[region], q[region])),
        "dice": float(metrics.f1_score(y[known], decided)), "sensitivity": float(metrics.recall_score(y[known], decided)),
        "precision": float(metrics.precision_score(y[known], decided)),
        "ml": float(decided.sum() * np.prod(SPACING) / 1000), "referenceML": float(y[known].sum() * np.prod(SPACING) / 1000),
        "bestT": float(np.exp(best.x)), "bestNLL": float(best.fun),
        "bin3": np.flatnonzero((region & (q >= 0.3) & (q < 0.4)).ravel()).tolist(),
    }


def volumes(classes):
    return [float(np.isin(s.argmax(0), classes).sum() * np.prod(SPACING) / 1000) for s in samples]


stated = [0, 0.05, 0.1, 0.25, 0.35, 0.5, 0.5, 0.65, 0.8, 0.9, 0.95, 1]
came = [0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1]
print(json.dumps({
    "size": SIZE, "spacing": SPACING, "lo": LO, "hi": HI, "p251": p251.reshape(K, -1).tolist(), "labels": labels.ravel().tolist(),
    "samples": [s.ravel().tolist() for s in samples],
    "cases": [
        case("WG", [1, 2], "near", 0, 1.0, 0.5), case("TZ", [1], "near", 0, 1.0, 0.3), case("PZ", [2], "whole", 0, 2.5, 0.5),
        case("WG", [1, 2], "segment", 0, 0.4, 0.7), case("TZ", [1], "near", 3, 1.0, 0.5), case("WG", [1, 2], "whole", 5, 1.7, 0.4),
        case("PZ", [2], "segment", 1, 0.6, 0.1),
    ],
    "volumes": {"WG": volumes([1, 2]), "TZ": volumes([1]), "PZ": volumes([2])},
    "stated": stated, "came": came, "statedBrier": float(metrics.brier_score_loss(came, stated)),
}))
