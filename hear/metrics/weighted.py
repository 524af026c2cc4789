"""HEAR's metrics on resampled clips: a clip that was drawn twice counts twice.

Scoring each resample with `clips` costs a sort per label and resample. Here the clips are
compared once, and a resample is a row of weights (how often each clip was drawn), so that many
resamples are one matrix product. The values are those of `clips` on the drawn clips.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hear.metrics.clips import N_CHROMA, Matrix, label_hits, validate
from hear.metrics.events import f_measure_of_counts

Weights = NDArray[np.float32]  # (n_resamples, n_clips), whole numbers: exact up to 2**24 clips
ClipMetric = Callable[[Matrix, Matrix, Weights], NDArray[np.float64]]


def weighted_f_measure(counts: NDArray[np.integer], weights: Weights) -> NDArray[np.float64]:
    """Return the event-based F-measure of each resample of files.

    Parameters
    ----------
    counts : ndarray of int, shape (n_files, 3)
        Matched, reference and estimated events (``hear.metrics.events.FMeasure.counts``).
    weights : ndarray, shape (n_resamples, n_files)

    Returns
    -------
    ndarray, shape (n_resamples,)
        NaN without any estimated event.
    """
    return f_measure_of_counts(weights.astype(np.float64) @ counts)[0]


def weighted_accuracy(
    target: Matrix, prediction: Matrix, weights: Weights, modulo: int | None = None
) -> NDArray[np.float64]:
    """Return the accuracy of each resample, shape (n_resamples,).

    Parameters
    ----------
    target, prediction : ndarray, shape (n_clips, n_labels)
        As for ``hear.metrics.clips.accuracy``, errors too.
    weights : ndarray, shape (n_resamples, n_clips)
    modulo : int, optional
        As for ``hear.metrics.clips.label_hits``.
    """
    hits = label_hits(target, prediction, modulo).astype(np.float64)
    return (weights @ hits) / weights.sum(axis=1, dtype=np.float64)


def weighted_average_precision(
    target: Matrix, prediction: Matrix, weights: Weights
) -> NDArray[np.float64]:
    """Return the macro average precision of each resample; parameters as `weighted_accuracy`.

    A label that no drawn clip has counts 0, as in ``hear.metrics.clips.mean_average_precision``.
    """
    return _per_label(target, prediction, weights, _average_precision).mean(axis=1)


def weighted_roc_auc(target: Matrix, prediction: Matrix, weights: Weights) -> NDArray[np.float64]:
    """Return the macro ROC area of each resample; parameters as `weighted_accuracy`.

    NaN where a label is carried by no drawn clip or by all of them.
    """
    return _per_label(target, prediction, weights, _roc_auc).mean(axis=1)


def weighted_d_prime(target: Matrix, prediction: Matrix, weights: Weights) -> NDArray[np.float64]:
    """Return d' of each resample; parameters and NaN as `weighted_roc_auc`."""
    areas = _per_label(target, prediction, weights, _roc_auc)
    return (ndtri(areas) * np.sqrt(2.0)).mean(axis=1)


def _weighted_chroma(target: Matrix, prediction: Matrix, weights: Weights) -> NDArray[np.float64]:
    return weighted_accuracy(target, prediction, weights, modulo=N_CHROMA)


WEIGHTED: dict[str, ClipMetric] = {  # clip metrics by slug
    "top1_acc": weighted_accuracy,
    "pitch_acc": weighted_accuracy,
    "chroma_acc": _weighted_chroma,
    "mAP": weighted_average_precision,
    "aucroc": weighted_roc_auc,
    "d_prime": weighted_d_prime,
}


def _per_label(
    target: Matrix, prediction: Matrix, weights: Weights, function: ClipMetric
) -> NDArray[np.float64]:
    """Apply a function of one label's positives, values and weights to every label."""
    validate(target, prediction)
    columns = zip(target.astype(bool).T, prediction.T, strict=True)
    return np.stack([function(true, value, weights) for true, value in columns], axis=1)


def _average_precision(
    true: NDArray[np.bool_], value: NDArray[np.floating], weights: Weights
) -> NDArray[np.float64]:
    """Average over the positive clips of the precision among all clips ranked as high or higher."""
    ranked = (value[:, None] >= value[true]).astype(np.float32)  # (n_clips, n_positive)
    mine = weights[:, true]
    n_ranked = np.maximum(weights @ ranked, 1)  # 0 only where the positive itself was not drawn
    precision = (mine @ ranked[true]).astype(np.float64) / n_ranked
    total = mine.sum(axis=1, dtype=np.float64)
    sums = (mine * precision).sum(axis=1)
    return np.divide(sums, total, out=np.zeros(len(weights)), where=total > 0)


def _roc_auc(
    true: NDArray[np.bool_], value: NDArray[np.floating], weights: Weights
) -> NDArray[np.float64]:
    """Share of (positive, negative) pairs that are in the right order, ties half."""
    negative = value[~true][:, None]
    below = (negative < value[true]).astype(np.float32) + 0.5 * (negative == value[true])
    mine, others = weights[:, true], weights[:, ~true]
    pairs = mine.sum(axis=1, dtype=np.float64) * others.sum(axis=1, dtype=np.float64)
    right = (mine * (others @ below.astype(np.float32))).sum(axis=1, dtype=np.float64)
    return np.divide(right, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
