"""Areas under the precision-recall and ROC curves of labels: ``mAP``, ``aucroc``, ``d_prime``.

On the clips as they are, the floating-point operations are scikit-learn 1.9's
(``average_precision_score``, ``roc_auc_score``) in their order, so that values, and the early
stopping that compares them, are heareval's to the last bit. scikit-learn itself checks every
label's arrays anew, which takes much longer than sorting a few hundred clips.

Bootstrapped clips: scoring each replicate so would cost a sort per label and replicate. The
``weighted`` functions compare the clips once, and a replicate is a row of weights (how often each
clip was drawn), so that many replicates are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hear.metrics.metric import LabelCounts, Matrix, Metric, Weights, check_clips

Counts = NDArray[np.float64]


def mean_average_precision(target: Matrix, prediction: Matrix) -> float:
    """Return average precision (0 to 1), averaged over labels with equal weight.

    Parameters
    ----------
    target : ndarray, shape (n_clips, n_labels)
        0 or 1.
    prediction : ndarray, shape (n_clips, n_labels)
        A label that no clip has counts 0 (score.py, MeanAveragePrecision).

    Raises
    ------
    ValueError
        If the matrices are malformed (see ``check_clips``).
    """
    return float(_per_label(average_precision, target, prediction).mean())


def roc_auc(target: Matrix, prediction: Matrix) -> float:
    """Return the area under the ROC curve, averaged over labels with equal weight.

    Parameters, errors as for ``mean_average_precision``. NaN if a label is carried by no clip or
    by all of them (score.py, AUCROC).
    """
    return float(_per_label(roc_area, target, prediction).mean())


def d_prime(target: Matrix, prediction: Matrix) -> float:
    """Return d', the distance of two normal distributions with the same ROC area.

    Parameters, errors as for ``mean_average_precision``. The square root of 2 times the normal
    quantile of each label's ROC area, averaged over labels; infinite for a perfect label, NaN as
    for ``roc_auc`` (score.py, DPrime).
    """
    return float(_distances(_per_label(roc_area, target, prediction)).mean())


def weighted_average_precision(
    target: Matrix, prediction: Matrix, weights: Weights
) -> NDArray[np.float64]:
    """Return the macro average precision of each replicate, shape (n_replicates,).

    Parameters
    ----------
    target, prediction : ndarray, shape (n_clips, n_labels)
        As for ``mean_average_precision``, errors too.
    weights : ndarray, shape (n_replicates, n_clips)
        A label that no drawn clip has counts 0.
    """
    return _per_label(_weighted_average_precision, target, prediction, weights).mean(axis=1)


def weighted_roc_auc(target: Matrix, prediction: Matrix, weights: Weights) -> NDArray[np.float64]:
    """Return the macro ROC area of each replicate; parameters as `weighted_average_precision`.

    NaN where a label is carried by no drawn clip or by all of them.
    """
    return _per_label(_weighted_roc_area, target, prediction, weights).mean(axis=1)


def weighted_d_prime(target: Matrix, prediction: Matrix, weights: Weights) -> NDArray[np.float64]:
    """Return d' of each replicate; parameters and NaN as `weighted_roc_auc`."""
    areas = _per_label(_weighted_roc_area, target, prediction, weights)
    return _distances(areas).mean(axis=1)


def average_precision(true: NDArray[np.bool_], value: NDArray[np.floating]) -> float:
    """Return the area under the steps of one label's precision-recall curve.

    Parameters
    ----------
    true : ndarray of bool, shape (n_clips,)
    value : ndarray, shape (n_clips,)
        Finite; higher for clips that rather carry the label.

    Returns
    -------
    float
        0 to 1; 0 if no clip carries the label.
    """
    hits, misses = _counts(true, value)
    precision = np.flip(hits / (hits + misses))
    recall = np.flip(hits / hits[-1] if hits[-1] else np.ones_like(hits))
    steps = np.diff(np.append(recall, 0.0))
    return float(max(0.0, -np.sum(steps * precision)))


def roc_area(true: NDArray[np.bool_], value: NDArray[np.floating]) -> float:
    """Return the area under one label's ROC curve; parameters as `average_precision`.

    Returns
    -------
    float
        0 to 1; NaN if no clip carries the label, or all do.
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
    """Average over the positive clips of the precision among all clips with as high a value."""
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
    """Share of (positive, negative) pairs that are in the right order, ties half."""
    negative = value[~true][:, None]
    below = (negative < value[true]).astype(np.float32) + 0.5 * (negative == value[true])
    mine, others = weights[:, true], weights[:, ~true]
    pairs = mine.sum(axis=1, dtype=np.float64) * others.sum(axis=1, dtype=np.float64)
    right = (mine * (others @ below.astype(np.float32))).sum(axis=1, dtype=np.float64)
    return np.divide(right, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def _per_label(
    function: Callable[..., float | NDArray[np.float64]],
    target: Matrix,
    prediction: Matrix,
    *weights: Weights,
) -> NDArray[np.float64]:
    """Apply a function of one label's truth, values and weights to every label, the last axis."""
    check_clips(target, prediction)
    columns = zip(target.astype(bool).T, prediction.T, strict=True)
    return np.stack([np.asarray(function(*column, *weights)) for column in columns], axis=-1)


def _distances(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    # Here, not at the top: importing it takes longer than most jobs score.
    from scipy.special import ndtri

    return ndtri(areas) * np.sqrt(2.0)


def _share_of_clips(label_counts: LabelCounts, n_clips: int) -> float:
    """Mean share of clips per label: the expected average precision of random scores."""
    return label_counts.mean() / n_clips


METRICS = (
    Metric(
        "mAP",
        "Mean average precision",
        "clip",
        mean_average_precision,
        weighted_average_precision,
        chance=_share_of_clips,
    ),
    Metric(
        "d_prime",
        "d′",
        "clip",
        d_prime,
        weighted_d_prime,
        chance=lambda label_counts, n_clips: 0.0,
        lower=-np.inf,
        upper=np.inf,
    ),
    Metric(
        "aucroc",
        "ROC AUC",
        "clip",
        roc_auc,
        weighted_roc_auc,
        chance=lambda label_counts, n_clips: 0.5,
    ),
)
