"""HEAR 2021's metrics, by their official slugs.

Clip metrics compare a target matrix with a prediction matrix; event metrics (in
``hear.metrics.events``) compare two lists of events per file. The reference comes first, the
estimate second. Values equal those of ``heareval`` 2021.1.3 (``score.py``), which calls
scikit-learn and sed_eval; neither is called here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hear.metrics.events import FMeasure, segment_error_rate
from hear.metrics.ranking import average_precision, roc_area

Matrix = NDArray[np.floating]

N_CHROMA = 12  # pitch classes in an octave


@dataclass(frozen=True)
class Metric:
    """A metric and how to read it.

    Attributes
    ----------
    slug : str
        HEAR's name.
    label : str
        For axes.
    maximize : bool
        False where lower is better.
    kind : str
        ``clip`` for ``function(target, prediction) -> float``, ``event`` for
        ``function(reference_events, estimated_events, labels) -> dict`` whose first value is the
        primary number.
    function : callable
    """

    slug: str
    label: str
    maximize: bool
    kind: str
    function: Callable[..., Any]

    def primary(self, *arguments: Any) -> float:
        """Return the number that selection and tables use (NaN where it is undefined)."""
        value = self.function(*arguments)
        return float(next(iter(value.values())) if isinstance(value, Mapping) else value)


def accuracy(target: Matrix, prediction: Matrix) -> float:
    """Return the share of clips whose most probable label is the true one.

    Parameters
    ----------
    target : ndarray, shape (n_clips, n_labels)
        One-hot; of several marked labels the first counts, as in the reference.
    prediction : ndarray, shape (n_clips, n_labels)
        Any increasing function of the probabilities; of equal values the first counts.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If the matrices are malformed (see ``validate``).

    Notes
    -----
    ``top1_acc`` and ``pitch_acc`` (score.py, Top1Accuracy).
    """
    return float(np.mean(label_hits(target, prediction)))


def chroma_accuracy(target: Matrix, prediction: Matrix) -> float:
    """Return the accuracy that forgives octave errors.

    Parameters, errors as for ``accuracy``; label indices are compared modulo 12, whatever pitch
    the first label is (score.py, ChromaAccuracy).
    """
    return float(np.mean(label_hits(target, prediction, modulo=N_CHROMA)))


def label_hits(target: Matrix, prediction: Matrix, modulo: int | None = None) -> NDArray[np.bool_]:
    """Tell for each clip, shape (n_clips,), whether its most probable label is the true one.

    Parameters, errors as for ``accuracy``; with ``modulo``, label indices are compared modulo it.
    """
    validate(target, prediction)
    true, found = target.argmax(axis=1), prediction.argmax(axis=1)
    return true == found if modulo is None else true % modulo == found % modulo


def mean_average_precision(target: Matrix, prediction: Matrix) -> float:
    """Return average precision, averaged over labels with equal weight.

    Parameters
    ----------
    target : ndarray, shape (n_clips, n_labels)
        0 or 1.
    prediction : ndarray, shape (n_clips, n_labels)

    Returns
    -------
    float
        0 to 1. A label that no clip has counts 0 (score.py, MeanAveragePrecision).

    Raises
    ------
    ValueError
        If the matrices are malformed (see ``validate``).
    """
    validate(target, prediction)
    return float(np.mean(_per_label(average_precision, target, prediction)))


def roc_auc(target: Matrix, prediction: Matrix) -> float:
    """Return the area under the ROC curve, averaged over labels with equal weight.

    Parameters, errors as for ``mean_average_precision``. NaN if a label is carried by no clip or
    by all of them (score.py, AUCROC).
    """
    validate(target, prediction)
    return float(np.mean(_per_label(roc_area, target, prediction)))


def d_prime(target: Matrix, prediction: Matrix) -> float:
    """Return d', the distance of two normal distributions with the same ROC area.

    Parameters, errors as for ``mean_average_precision``. The square root of 2 times the normal
    quantile of each label's ROC area, averaged over labels; infinite for a perfect label, NaN as
    for ``roc_auc`` (score.py, DPrime).
    """
    # Here, not at the top: importing it takes longer than most jobs score.
    from scipy.special import ndtri

    validate(target, prediction)
    areas = _per_label(roc_area, target, prediction)
    return float(np.mean(ndtri(areas) * np.sqrt(2.0)))


def validate(target: Matrix, prediction: Matrix) -> None:
    """Check a pair of matrices before they are scored.

    Parameters
    ----------
    target, prediction : ndarray, shape (n_clips, n_labels)

    Raises
    ------
    ValueError
        If they are not two matrices of the same non-empty shape, hold anything but finite
        numbers, or the target anything but 0 and 1.
    """
    for name, matrix in (("target", target), ("prediction", prediction)):
        if not isinstance(matrix, np.ndarray) or matrix.ndim != 2:
            found = getattr(matrix, "shape", type(matrix).__name__)
            raise ValueError(f"{name}: expected an array (clips, labels), found {found}")
        if matrix.size == 0:
            raise ValueError(f"{name}: expected at least one clip and label, found {matrix.shape}")
        if matrix.dtype.kind not in "fiub":
            raise ValueError(f"{name}: expected numbers, found dtype {matrix.dtype}")
        if not np.isfinite(matrix).all():
            row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
            raise ValueError(f"{name}: expected finite numbers, found NaN or infinity in row {row}")
    if target.shape != prediction.shape:
        raise ValueError(f"target {target.shape} and prediction {prediction.shape} differ in shape")
    if not np.isin(target, (0, 1)).all():
        raise ValueError("target: expected 0 or 1, found other values")


def _per_label(
    function: Callable[..., float], target: Matrix, prediction: Matrix
) -> NDArray[np.float64]:
    """Apply a function of one label's truth and values to every label."""
    columns = zip(target.astype(bool).T, prediction.T, strict=True)
    return np.array([function(true, value) for true, value in columns])


METRICS: dict[str, Metric] = {
    metric.slug: metric
    for metric in (
        Metric("top1_acc", "Accuracy", True, "clip", accuracy),
        Metric("pitch_acc", "Pitch accuracy", True, "clip", accuracy),
        Metric("chroma_acc", "Chroma accuracy", True, "clip", chroma_accuracy),
        Metric("mAP", "Mean average precision", True, "clip", mean_average_precision),
        Metric("d_prime", "d'", True, "clip", d_prime),
        Metric("aucroc", "ROC AUC", True, "clip", roc_auc),
        Metric(
            "event_onset_200ms_fms",
            "Onset F-measure (200 ms)",
            True,
            "event",
            FMeasure(0.2),  # score.py, t_collar
        ),
        Metric(
            "event_onset_50ms_fms",
            "Onset F-measure (50 ms)",
            True,
            "event",
            FMeasure(0.05),  # score.py, t_collar
        ),
        Metric(
            "event_onset_offset_50ms_20perc_fms",
            "Onset and offset F-measure (50 ms, 20 %)",
            True,
            "event",
            FMeasure(0.05, 0.2),  # score.py, t_collar, percentage_of_length
        ),
        Metric(
            "segment_1s_er",
            "Segment error rate (1 s)",
            False,
            "event",
            segment_error_rate,
        ),
    )
}
