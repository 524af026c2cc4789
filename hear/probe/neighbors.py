"""k nearest neighbors by cosine distance: a probe without training.

A label's probability is the fraction of the k nearest training clips that have it, each weighted by
the inverse of its distance. k is chosen like the reference's grid point: by the task's metric on
the validation part of the first fold (the first of equals), and kept for the other folds. The
metric is used even if a task prescribes selection by the loss: the loss of a probability of 0 is
infinite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from tqdm import tqdm

from hear.metrics.registry import METRICS
from hear.probe.data import ProbeData
from hear.probe.search import FoldResult, ProbeResult
from hear.probe.selection import Selection
from hear.probe.training import FoldData, Parts, PointResult, ProbeError
from hear.protocol import Neighbors, Protocol

KS = (1, 2, 5, 10, 20, 50, 100, 200)  # chosen; in geometric steps up to DINO's largest
RESOLUTION = 1e-6  # of a distance of float32 vectors: closer ones count as the same vector


def vote(data: ProbeData, protocol: Protocol, seed: int, progress: bool = False) -> ProbeResult:
    """Predict a scene task's test parts; interface of `hear.probe.search.train_and_predict`.

    Seed and grid are ignored. ProbeError if the arrays do not fit together, and for event tasks.
    """
    data.check()
    if data.events is not None:
        raise ProbeError(f"{data.task}: kNN: expected a scene task, found events")
    parts = [data.fold(fold, protocol) for fold in data.folds]
    n_train = sum(len(features) for features, _ in parts[0].train)
    ks = [k for k in KS if k <= n_train]
    sign = 1 if METRICS[data.metric].maximize else -1
    folds: list[FoldResult] = []
    with tqdm(parts, desc=f"{data.task}, kNN", unit="fold", disable=not progress) as bar:
        for fold, part in zip(data.folds, bar, strict=True):
            tried = list(_validated(part, ks))
            chosen = max(tried, key=lambda one: sign * one.validation_score)  # the first of equals
            if not folds:
                grid, ks = tried, [chosen.point[0]]
            (found,) = neighbor_shares(part.train, part.test, ks)
            folds.append(FoldResult(fold.name, found, chosen))
    return ProbeResult(tuple(folds), tuple(grid))


def neighbor_shares(train: Parts, rows: Parts, ks: Iterable[int]) -> Iterator[NDArray[np.float32]]:
    """Probabilities (n_rows, n_labels) from the k nearest training rows, for each k, ascending.

    All training rows are used if there are fewer than k.
    """
    features, targets = _joined(train)
    queries, _ = _joined(rows)
    wanted = [min(k, len(features)) for k in ks]
    search = NearestNeighbors(metric="cosine", algorithm="brute").fit(features)
    distances, places = search.kneighbors(queries, max(wanted))
    weights = 1 / np.maximum(distances, RESOLUTION).astype(np.float64)
    votes = np.zeros((len(queries), targets.shape[1]))
    for n in range(1, max(wanted) + 1):  # neighbor by neighbor: all at once need not fit
        votes += weights[:, n - 1, None] * targets[places[:, n - 1]]
        if n in wanted:
            yield (votes / weights[:, :n].sum(axis=1, keepdims=True)).astype(np.float32)


def _validated(part: FoldData, ks: list[int]) -> Iterator[PointResult]:
    """Validation result of each k, by the selection rules of the other probes."""
    for k, found in zip(ks, neighbor_shares(part.train, part.valid, ks), strict=True):
        selection = Selection(METRICS[part.metric].maximize, patience=1)
        selection.update(part.judge(found)[0])
        assert selection.best is not None, "it was updated"
        yield PointResult(Neighbors(k), 0, selection.best, 1, None)


def _joined(parts: Parts) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features and targets of all splits of a part in memory."""
    features, targets = zip(*((f[:], t.numpy()) for f, t in parts), strict=True)
    return np.concatenate(features), np.concatenate(targets)
