"""Accuracy of the most probable label: ``top1_acc``, ``pitch_acc``, and ``chroma_acc`` by octaves.

Source: ``heareval`` 2021.1.3, score.py, Top1Accuracy and ChromaAccuracy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hear.metrics.metric import LabelCounts, Matrix, Metric, Weights, check_clips

N_CHROMA = 12  # pitch classes in an octave


def accuracy(target: Matrix, prediction: Matrix) -> float:
    """Return the share (0 to 1) of clips whose most probable label is the true one.

    Parameters
    ----------
    target : ndarray, shape (n_clips, n_labels)
        One-hot; of several marked labels the first counts, as in the reference.
    prediction : ndarray, shape (n_clips, n_labels)
        Any increasing function of the probabilities; of equal values the first counts.

    Raises
    ------
    ValueError
        If the matrices are malformed (see ``check_clips``).
    """
    return float(np.mean(label_hits(target, prediction)))


def chroma_accuracy(target: Matrix, prediction: Matrix) -> float:
    """Return the accuracy that forgives octave errors.

    Parameters, errors as for ``accuracy``; label indices are compared modulo 12, whatever pitch
    the first label is.
    """
    return float(np.mean(label_hits(target, prediction, modulo=N_CHROMA)))


def weighted_accuracy(
    target: Matrix, prediction: Matrix, weights: Weights, modulo: int | None = None
) -> NDArray[np.float64]:
    """Return the accuracy of each replicate, shape (n_replicates,).

    Parameters
    ----------
    target, prediction : ndarray, shape (n_clips, n_labels)
        As for ``accuracy``, errors too.
    weights : ndarray, shape (n_replicates, n_clips)
    modulo : int, optional
        As for ``label_hits``.
    """
    hits = label_hits(target, prediction, modulo).astype(np.float64)
    return (weights @ hits) / weights.sum(axis=1, dtype=np.float64)


def label_hits(target: Matrix, prediction: Matrix, modulo: int | None = None) -> NDArray[np.bool_]:
    """Tell for each clip, shape (n_clips,), whether its most probable label is the true one.

    Parameters, errors as for ``accuracy``; with ``modulo``, label indices are compared modulo it.
    """
    check_clips(target, prediction)
    true, found = target.argmax(axis=1), prediction.argmax(axis=1)
    return true == found if modulo is None else true % modulo == found % modulo


def _weighted_chroma(target: Matrix, prediction: Matrix, weights: Weights) -> NDArray[np.float64]:
    return weighted_accuracy(target, prediction, weights, modulo=N_CHROMA)


def _most_frequent(label_counts: LabelCounts, n_clips: int) -> float:
    """Accuracy of always answering the most frequent label."""
    return label_counts.max() / n_clips


def _most_frequent_chroma(label_counts: LabelCounts, n_clips: int) -> float:
    chroma = np.arange(len(label_counts)) % N_CHROMA
    return np.bincount(chroma, weights=label_counts).max() / n_clips


METRICS = (
    Metric("top1_acc", "Accuracy", "clip", accuracy, weighted_accuracy, _most_frequent),
    Metric("pitch_acc", "Pitch accuracy", "clip", accuracy, weighted_accuracy, _most_frequent),
    Metric(
        "chroma_acc",
        "Chroma accuracy",
        "clip",
        chroma_accuracy,
        _weighted_chroma,
        _most_frequent_chroma,
    ),
)
