"""Areas under the precision-recall and ROC curves of labels: ``mAP``, ``aucroc``, ``d_prime``.

Without bootstrapping, the floating-point operations and their order are those of scikit-learn 1.9
(``average_precision_score``, ``roc_auc_score``), so that values, and the early stopping that
compares them, equal heareval's to the last bit. scikit-learn itself validates the arrays of every
label, which takes much longer than sorting a few hundred clips.

Scoring each bootstrap replicate in this way would cost a sort per label and replicate. The
``weighted`` functions compare the clips once; a replicate is a row of weights (how often each clip
was drawn), so that many replicates are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hear.metrics.metric import Matrix, Metric, Weights, check_clips

Counts = NDArray[np.float64]


def average_precision(true: NDArray[np.bool_], value: NDArray[np.floating]) -> float:
    """Return the area under the steps of one label's precision-recall curve, 0 to 1.

    ``true`` (n_clips,) marks the clips with the label; ``value`` (n_clips,) is finite and higher
    for clips that are more likely to have it. 0 if no clip has it (score.py, MeanAveragePrecision).
    """
    hits, misses = _counts(true, value)
    precision = np.flip(hits / (hits + misses))
    recall = np.flip(hits / hits[-1] if hits[-1] else np.ones_like(hits))
    steps = np.diff(np.append(recall, 0.0))
    return float(max(0.0, -np.sum(steps * precision)))


def roc_area(true: NDArray[np.bool_], value: NDArray[np.floating]) -> float:
    """Return the area under one label's ROC curve, 0 to 1; arguments as `average_precision`.

    NaN if no clip has the label, or all do (score.py, AUCROC).
    """
    hits, misses = _counts(true, value)
    if not hits[-1] or not misses[-1]:
        return float("nan")
    if len(hits) > 2:  # points on a straight line go, which moves the last bit of the area
        is_corner = np.diff(misses, 2).astype(bool) | np.diff(hits, 2).astype(bool)
        kept = np.concatenate(([True], is_corner, [True]))
        hits, misses = hits[kept], misses[kept]
    hits, misses = np.insert(hits, 0, 0.0), np.insert(misses, 0, 0.0)
    return float(np.trapezoid(hits / hits[-1], misses / misses[-1]))


def _counts(true: NDArray[np.bool_], value: NDArray[np.floating]) -> tuple[Counts, Counts]:
    """Clips with and without the label at or above each distinct value, from the highest down."""
    order = np.argsort(value)[::-1]
    last_of_value = np.append(np.flatnonzero(np.diff(value[order])), len(value) - 1)
    hits = np.cumsum(true[order], dtype=np.float64)[last_of_value]
    return hits, 1.0 + last_of_value - hits


def _weighted_average_precision(
    true: NDArray[np.bool_], value: NDArray[np.floating], weights: Weights
) -> NDArray[np.float64]:
    """Mean over the positive clips of the precision among all clips with at least their value."""
    above = (value[:, None] >= value[true]).astype(np.float32)  # (n_clips, n_positive)
    mine = weights[:, true]
    n_above = np.maximum(weights @ above, 1)  # 0 only where the positive itself was not drawn
    precision = (mine @ above[true]).astype(np.float64) / n_above
    total = mine.sum(axis=1, dtype=np.float64)
    sums = (mine * precision).sum(axis=1)
    return np.divide(sums, total, out=np.zeros(len(weights)), where=total > 0)


def _weighted_roc_area(
    true: NDArray[np.bool_], value: NDArray[np.floating], weights: Weights
) -> NDArray[np.float64]:
    """Fraction of correctly ordered (positive, negative) pairs; ties count half."""
    negative = value[~true][:, None]
    below = (negative < value[true]).astype(np.float32) + 0.5 * (negative == value[true])
    mine, others = weights[:, true], weights[:, ~true]
    pairs = mine.sum(axis=1, dtype=np.float64) * others.sum(axis=1, dtype=np.float64)
    right = (mine * (others @ below.astype(np.float32))).sum(axis=1, dtype=np.float64)
    return np.divide(right, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def distances(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return d' of each ROC area: the distance of two normal distributions with that area.

    sqrt(2) times the normal quantile; infinite for an area of 1 (score.py, DPrime).
    """
    # Here, not at the top: importing it takes longer than most jobs score.
    from scipy.special import ndtri

    return ndtri(areas) * np.sqrt(2.0)


def label_mean(
    of_label: Callable[..., float | NDArray[np.float64]],
    transform: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.asarray,
) -> Callable[..., Any]:
    """Make a metric: the unweighted mean over labels of a function of one label.

    The metric takes target (0 or 1) and prediction, matrices (n_clips, n_labels), and returns a
    number. With weights (n_replicates, n_clips) of bootstrapped clips, it returns the value of each
    replicate, shape (n_replicates,). ValueError as in `check_clips`.
    """

    def score(target: Matrix, prediction: Matrix, *weights: Weights) -> float | NDArray[np.float64]:
        check_clips(target, prediction)
        columns = zip(target.astype(bool).T, prediction.T, strict=True)
        values = [np.asarray(of_label(*column, *weights)) for column in columns]
        mean = transform(np.stack(values, axis=-1)).mean(axis=-1)
        return mean if weights else float(mean)

    return score


weighted_average_precision = label_mean(_weighted_average_precision)

METRICS = (
    Metric(
        "mAP",
        "Mean average precision",
        "clip",
        label_mean(average_precision),
        weighted_average_precision,
        # the mean share of clips per label: the expected average precision of random scores
        chance=lambda label_counts, n_clips: label_counts.mean() / n_clips,
    ),
    Metric(
        "d_prime",
        "d′",
        "clip",
        label_mean(roc_area, distances),
        label_mean(_weighted_roc_area, distances),
        chance=lambda label_counts, n_clips: 0.0,
        lower=-np.inf,
        upper=np.inf,
        needs_both=True,
    ),
    Metric(
        "aucroc",
        "ROC AUC",
        "clip",
        label_mean(roc_area),
        label_mean(_weighted_roc_area),
        chance=lambda label_counts, n_clips: 0.5,
        needs_both=True,
    ),
)
