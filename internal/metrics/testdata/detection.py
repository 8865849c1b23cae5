#!/usr/bin/env python3
"""Golden values of detection, bootstrap and permutation tests by scikit-learn, SciPy and NumPy.

    /usr/bin/python3 testdata/detection.py > testdata/detection.json

The random draws of the Go code (PCG-DXSM of math/rand/v2, streams of internal/seed) are made here anew from their
definitions, so that what NumPy computes from them can be compared number by number.
"""
import itertools
import json

import numpy as np
from scipy import optimize, stats
from sklearn import metrics

rng = np.random.default_rng(4242)
M64 = (1 << 64) - 1


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & M64
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & M64
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & M64
    return x ^ x >> 31


class Stream:
    def __init__(self, seed, purpose, index):
        a = mix(seed ^ mix(purpose))
        b = mix(a ^ mix((index + 0x5851F42D4C957F2D) & M64))
        self.state = a << 64 | b

    def uint64(self):
        self.state = (self.state * (2549297995355413924 << 64 | 4865540595714422341)
                      + (6364136223846793005 << 64 | 1442695040888963407)) & ((1 << 128) - 1)
        hi, lo = self.state >> 64, self.state & M64
        hi ^= hi >> 32
        hi = hi * 0xDA942042E4DD58B5 & M64
        hi ^= hi >> 48
        return hi * (lo | 1) & M64

    def intn(self, n):
        if n & (n - 1) == 0:
            return (self.uint64() & 0xFFFFFFFF) & (n - 1)
        product = (self.uint64() >> 32) * n
        if product & 0xFFFFFFFF < n:
            least = (1 << 32) % n
            while product & 0xFFFFFFFF < least:
                product = (self.uint64() >> 32) * n
        return product >> 32


def cohort(n, levels, missed):
    """Exams with findings (lesion, confidence), a score and who is positive; many equal values."""
    exams = []
    for e in range(n):
        positive = rng.random() < 0.45
        findings = []
        if positive:
            for _ in range(rng.integers(1, 3)):
                found = rng.random() > missed
                findings.append([1, float(rng.integers(1, levels + 1)) / levels if found else 0.0])
        for _ in range(rng.poisson(0.9)):
            findings.append([0, float(rng.integers(1, levels)) / levels * 0.9])
        score = max([c for _, c in findings], default=0.0)
        exams.append({"patient": f"p{int(e * 0.8)}", "findings": findings, "score": score, "positive": bool(positive)})
    return exams


def froc(exams):
    """picai_eval's calculate_counts, without the point at infinity."""
    rows = [f for e in exams for f in e["findings"]]
    y, p = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    levels = sorted({v for v in p if v > 0}, reverse=True)
    tp = [int(y[p >= t].sum()) for t in levels]
    fp = [int((1 - y)[p >= t].sum()) for t in levels]
    return levels, np.array(fp) / len(exams), np.array(tp) / max(y.sum(), 1), int(y.sum())


def partial(x, y, start, end):
    """picai_eval's calculate_pAUC_from_graph, with (0, 0) before the first point."""
    x, y = np.concatenate([[0], x, [np.inf]]), np.concatenate([[0], y, y[-1:]])
    eps = 1e-10
    shared = np.concatenate([x[np.isfinite(x)], [start, end]])
    shared = np.unique(np.concatenate([shared + eps, shared - eps]))
    shared = shared[(shared >= start - 2 * eps) & (shared <= end + 2 * eps)]
    return float(metrics.auc(shared, np.interp(shared, x, y)))


def figures(exams):
    target, score = [e["positive"] for e in exams], [e["score"] for e in exams]
    auroc = metrics.roc_auc_score(target, score) if 0 < sum(target) < len(target) else float("nan")
    rows = [f for e in exams for f in e["findings"]]
    y, p = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    precision, recall, thresholds = metrics.precision_recall_curve(y, p)
    precision[: len(thresholds)][thresholds == 0] = 0
    ap = float(-np.sum(np.diff(recall) * precision[:-1]))
    _, x, s, _ = froc(exams)
    return [float(auroc), ap, (float(auroc) + ap) / 2, partial(x, s, 0.1, 2.5), float(s[-1])]


def detection(n, levels, missed):
    exams = cohort(n, levels, missed)
    t, x, s, lesions = froc(exams)
    fpr, tpr, _ = metrics.roc_curve([e["positive"] for e in exams], [e["score"] for e in exams], drop_intermediate=False)
    return {"exams": exams, "thresholds": t, "fp": x.tolist(), "sensitivity": s.tolist(), "lesions": lesions,
            "fpr": fpr[1:].tolist(), "tpr": tpr[1:].tolist(), "figures": figures(exams)}


def bootstrap(exams, seed, rounds, level):
    patients = list(dict.fromkeys(e["patient"] for e in exams))
    of = {p: [e for e in exams if e["patient"] == p] for p in patients}
    all_rounds = []
    for r in range(rounds):
        stream = Stream(seed, 0x6D65747269630001, r)
        drawn = [patients[stream.intn(len(patients))] for _ in patients]
        all_rounds.append(figures([e for p in drawn for e in of[p]]))
    tail = 50 * (1 - level)
    low, high = np.percentile(all_rounds, [tail, 100 - tail], axis=0)
    return {"seed": seed, "rounds": rounds, "level": level, "low": low.tolist(), "high": high.tolist()}


def pairs(n):
    """Differences of means under every exchange of places (scipy.stats.permutation_test)."""
    a = np.round(rng.normal(size=n), 2)
    b = np.round(a + rng.normal(0.4, 0.8, size=n), 2)
    r = stats.permutation_test((b, a), lambda u, v, axis: np.mean(u, axis=axis) - np.mean(v, axis=axis),
                               permutation_type="samples", vectorized=True, n_resamples=np.inf)
    return {"first": a.tolist(), "second": b.tolist(), "difference": float(r.statistic), "p": float(r.pvalue)}


def drawn(n, seed, rounds):
    """The same from drawn exchanges."""
    a = np.round(rng.normal(size=n), 2)
    b = np.round(a + rng.normal(0.2, 0.8, size=n), 2)
    null = []
    for r in range(rounds):
        stream = Stream(seed, 0x6D65747269630002, r)
        sign = np.array([-1 if stream.uint64() >> 63 else 1 for _ in range(n)])
        null.append(np.mean(sign * (b - a)))
    seen, null = np.mean(b - a), np.array(null)
    above, below = (null >= seen - 1e-14).sum(), (null <= seen + 1e-14).sum()
    return {"first": a.tolist(), "second": b.tolist(), "seed": seed, "rounds": rounds,
            "p": float(min(1, 2 * (min(above, below) + 1) / (rounds + 1)))}


def exchange(n):
    """The p-values of all figures under every exchange of two configurations' exams."""
    first = cohort(n, 6, 0.2)
    while not 0 < sum(e["positive"] for e in first) < n:
        first = cohort(n, 6, 0.2)
    second = []
    for e in first:
        findings = [[1, float(rng.integers(0, 7)) / 6] for f in e["findings"] if f[0]] + [[0, float(rng.integers(1, 6)) / 6] for _ in range(rng.poisson(0.7))]
        second.append({**e, "findings": findings, "score": max([c for _, c in findings], default=0.0)})
    for side in (first, second):
        for i, e in enumerate(side):
            e["patient"] = f"p{i}"
    seen = np.array(figures(second)) - np.array(figures(first))
    null = []
    for swap in itertools.product([0, 1], repeat=n):
        a = [(second if s else first)[i] for i, s in enumerate(swap)]
        b = [(first if s else second)[i] for i, s in enumerate(swap)]
        null.append(np.array(figures(b)) - np.array(figures(a)))
    null = np.array(null)
    above, below = (null >= seen - 1e-8).mean(0), (null <= seen + 1e-8).mean(0)
    return {"first": first, "second": second, "difference": seen.tolist(), "p": np.minimum(1, 2 * np.minimum(above, below)).tolist()}


def assignment(rows, columns, levels):
    gain = rng.integers(0, levels + 1, (rows, columns))
    g = np.where(gain > 0, 1 + gain / levels, 0)
    r, c = optimize.linear_sum_assignment(g, maximize=True)
    out = [-1] * rows
    for i, j in zip(r, c):
        if g[i, j] > 0:
            out[i] = int(j)
    return {"gain": gain.tolist(), "levels": levels, "column": out}


sets = [detection(120, 1000, 0.2), detection(80, 5, 0.3), detection(40, 50, 0.0)]
print(json.dumps({
    "detection": sets,
    "bootstrap": [bootstrap(sets[0]["exams"], 7, 200, 0.95), bootstrap(sets[1]["exams"], 123456789, 100, 0.8)],
    "pairs": [pairs(5), pairs(10), pairs(13)],
    "drawn": [drawn(60, 3, 500)],
    "exchange": [exchange(7)],
    "assignment": [assignment(int(r), int(c), int(l)) for r in range(1, 6) for c in range(1, 6) for l in (1, 2, 9)],
}))
