#!/usr/bin/env python3
"""Times what picai_eval 1.4 does for FROC, AP and AUROC on 1,500 exams, in milliseconds: the counts of every
threshold, scikit-learn's precision_recall_curve and its roc_curve with auc. Prints scikit-learn's version, then answers
each line that it reads with the time of one turn. With the argument picai_eval that package itself does it.

    echo | /usr/bin/python3 testdata/peer.py [picai_eval]
"""
import sys
import time

import numpy as np
import sklearn
from sklearn import metrics

rng = np.random.default_rng(1)
exams = 1500
positive = rng.random(exams) < 1 / 3
lesion, confidence, score, found = [], [], np.zeros(exams), {}
for e in range(exams):
    rows = [(1, rng.random())] if positive[e] else []
    rows += [(0, rng.random() * 0.9 + 0.01) for _ in range(rng.integers(0, 5))]
    score[e] = max([c for _, c in rows], default=0)
    found[e] = [(is_lesion, c, 0.5) for is_lesion, c in rows]
    lesion += [r[0] for r in rows]
    confidence += [r[1] for r in rows]
y, p = np.array(lesion), np.array(confidence)


def once():
    start = time.perf_counter()
    thresholds = np.unique(p)[::-1]
    for t in thresholds:  # as calculate_counts does
        above = (p >= t).astype(int)
        np.sum(y * above), np.sum(above - y * above)
    precision, recall, _ = metrics.precision_recall_curve(y, p)
    -np.sum(np.diff(recall) * precision[:-1])
    fpr, tpr, _ = metrics.roc_curve(positive, score)
    metrics.auc(fpr, tpr)
    return 1000 * (time.perf_counter() - start)


name, version = "scikit-learn", sklearn.__version__
if sys.argv[1:] == ["picai_eval"]:
    from importlib.metadata import version as version_of

    from picai_eval.metrics import Metrics

    name, version = "picai_eval", version_of("picai_eval")
    targets, scores = dict(enumerate(positive.astype(int))), dict(enumerate(score))

    def once():  # noqa: F811
        start = time.perf_counter()
        m = Metrics(lesion_results=found, case_target=targets, case_pred=scores)
        m.calculate_counts(), m.AP, m.auroc
        return 1000 * (time.perf_counter() - start)


once()
print(name, version, flush=True)
for _ in sys.stdin:
    print(once(), flush=True)
