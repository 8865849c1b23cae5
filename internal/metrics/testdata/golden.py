#!/usr/bin/env python3
"""Golden values of internal/metrics by scikit-learn, SciPy and NumPy.

    python3 testdata/golden.py > testdata/golden.json

Probabilities are multiples of 1/64, so that every program reads the same numbers; many of them lie on the
edges of bins, and some are 0 for the true class.
"""
import json

import numpy as np
from scipy import ndimage
from sklearn import metrics

rng = np.random.default_rng(20210)
FLOOR = 1e-12


def ece(confidence, hit, bins):
    """Guo et al. 2017, with bins closed on the left and the last one on both sides."""
    edges = np.arange(1, bins) / bins
    where = np.digitize(confidence, edges)
    total = 0.0
    for b in range(bins):
        m = where == b
        if m.any():
            total += m.sum() / len(hit) * abs(hit[m].mean() - confidence[m].mean())
    return total


def calibration(classes, bins, n=400):
    cuts = np.sort(rng.integers(0, 65, (n, classes - 1)), axis=1)
    p64 = np.diff(np.hstack([np.zeros((n, 1), int), cuts, np.full((n, 1), 64)]), axis=1)
    p = p64 / 64
    label = np.array([rng.choice(classes, p=(q + 0.1) / (q + 0.1).sum()) for q in p])
    onehot = np.eye(classes)[label]
    clipped = np.maximum(p, FLOOR)
    true = clipped[np.arange(n), label]
    out = {
        "classes": classes, "bins": bins, "p64": p64.T.ravel().tolist(), "label": label.tolist(),
        "nll": float(-np.log(true).mean()),
        "brier": float(((p - onehot) ** 2).sum(1).mean()),
        "ece": ece(p.max(1), (p.argmax(1) == label).astype(float), bins),
        "classBrier": [float(metrics.brier_score_loss(onehot[:, k], p[:, k])) for k in range(classes)],
        "classECE": [ece(p[:, k], onehot[:, k], bins) for k in range(classes)],
        # F1 of labels is the Dice coefficient
        "hardDice": [float(metrics.f1_score(onehot[:, k], p.argmax(1) == k)) for k in range(classes)],
        "unionDice": float(metrics.f1_score(label > 0, p.argmax(1) > 0)),
        "softDice": [float(2 * (p[:, k] * onehot[:, k]).sum() / (p[:, k].sum() + onehot[:, k].sum())) for k in range(classes)],
    }
    if p64[np.arange(n), label].min() > 0:  # scikit-learn has a floor of its own
        assert abs(out["nll"] - metrics.log_loss(label, p, labels=range(classes))) < 1e-12
        out["logLoss"] = True
    return out


def ranking(n, levels):
    positive = rng.random(n) < 0.4
    score = np.round((rng.normal(size=n) + positive) * levels) / levels
    return {"score": score.tolist(), "positive": positive.tolist(), "auroc": float(metrics.roc_auc_score(positive, score))}


def ellipsoid(size, centre, axes):
    """In whole numbers, as the Go test makes it; i fastest."""
    k, j, i = np.meshgrid(*[np.arange(s) for s in size[::-1]], indexing="ij")
    a, b, c = axes
    return (i - centre[0]) ** 2 * (b * c) ** 2 + (j - centre[1]) ** 2 * (a * c) ** 2 + (k - centre[2]) ** 2 * (a * b) ** 2 <= (a * b * c) ** 2


def surfaces(size, spacing, one, two):
    """As MedPy 0.5: surfaces by 6-connected erosion, distances by the Euclidean transform."""
    a, b = ellipsoid(size, *one), ellipsoid(size, *two)
    step = spacing[::-1]

    def to(x, y):
        edge = lambda m: m ^ ndimage.binary_erosion(m, ndimage.generate_binary_structure(3, 1))
        return ndimage.distance_transform_edt(~edge(y), sampling=step)[edge(x)]

    ab, ba = to(a, b), to(b, a)
    centre = lambda m: np.array(ndimage.center_of_mass(m)) * step
    return {
        "size": size, "spacing": spacing, "one": one, "two": two,
        "hd": float(max(ab.max(), ba.max())), "hd95": float(np.percentile(np.hstack([ab, ba]), 95)),
        "assd": float((ab.mean() + ba.mean()) / 2), "centre": float(np.linalg.norm(centre(a) - centre(b))),
        "dice": float(metrics.f1_score(a.ravel(), b.ravel())),
    }


print(json.dumps({
    "calibration": [calibration(3, 10), calibration(2, 15), calibration(2, 7, 30), calibration(4, 4, 60)],
    "ranking": [ranking(200, 1), ranking(200, 3), ranking(57, 1000)],
    "surfaces": [
        surfaces([40, 36, 12], [0.5, 0.5, 3], ([19, 17, 5], [14, 11, 4]), ([21, 18, 6], [12, 13, 5])),
        surfaces([30, 20, 9], [0.75, 1.25, 2], ([3, 4, 1], [9, 7, 3]), ([25, 15, 7], [3, 2, 1])),
        surfaces([9, 9, 9], [1, 1, 1], ([4, 4, 4], [1, 1, 1]), ([4, 4, 4], [20, 20, 20])),
    ],
}))
