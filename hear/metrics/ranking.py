"""How well one label's values rank the clips that carry it: average precision and ROC area.

The floating-point operations are scikit-learn 1.9's (``average_precision_score``,
``roc_auc_score``) in their order, so that values, and the early stopping that compares them, are
heareval's to the last bit. scikit-learn itself checks every label's arrays anew, which takes much
longer than ranking a few hundred clips.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]


def average_precision(true: NDArray[np.bool_], value: NDArray[np.floating]) -> float:
    """Return the area under the steps of the precision-recall curve.

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
    """Return the area under the ROC curve; parameters as `average_precision`.

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
