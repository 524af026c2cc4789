"""Accuracy of the most probable label: ``top1_acc``, ``pitch_acc``, and ``chroma_acc`` by octaves.

Source: ``heareval`` 2021.1.3, score.py, Top1Accuracy and ChromaAccuracy.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from hear.metrics.metric import LabelCounts, Matrix, Metric, Weights, check_clips

N_CHROMA = 12  # pitch classes in an octave


def accuracy(target: Matrix, prediction: Matrix, modulo: int | None = None) -> float:
    """Return the fraction (0 to 1) of clips whose most probable label is the true one.

    Both matrices are (n_clips, n_labels); with several true labels or tied predictions, the first
    is used, as in the reference. With ``modulo``, label indices are compared modulo this number
    (octaves, regardless of the first label's pitch). ValueError as in `check_clips`.
    """
    return float(np.mean(label_hits(target, prediction, modulo)))


def weighted_accuracy(
    target: Matrix, prediction: Matrix, weights: Weights, modulo: int | None = None
) -> NDArray[np.float64]:
    """Return the accuracy of each replicate, shape (n_replicates,); see ``accuracy``."""
    hits = label_hits(target, prediction, modulo).astype(np.float64)
    return (weights @ hits) / weights.sum(axis=1, dtype=np.float64)


def label_hits(target: Matrix, prediction: Matrix, modulo: int | None) -> NDArray[np.bool_]:
    """Return for each clip, bool (n_clips,), whether it counts as correct; see ``accuracy``."""
    check_clips(target, prediction)
    modulo = modulo or target.shape[1]
    return target.argmax(axis=1) % modulo == prediction.argmax(axis=1) % modulo


def most_frequent(label_counts: LabelCounts, n_clips: int, modulo: int | None = None) -> float:
    """Return the accuracy of always predicting the most frequent label."""
    n_labels = len(label_counts)
    answers = np.arange(n_labels) % (modulo or n_labels)
    return np.bincount(answers, weights=label_counts).max() / n_clips


METRICS = (
    Metric("top1_acc", "Accuracy", "clip", accuracy, weighted_accuracy, most_frequent),
    Metric("pitch_acc", "Pitch accuracy", "clip", accuracy, weighted_accuracy, most_frequent),
    Metric(
        "chroma_acc",
        "Chroma accuracy",
        "clip",
        partial(accuracy, modulo=N_CHROMA),
        partial(weighted_accuracy, modulo=N_CHROMA),
        partial(most_frequent, modulo=N_CHROMA),
    ),
)
