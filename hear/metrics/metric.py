"""The record of a metric, and the input check that all clip metrics share.

Each family of metrics has one file with the metric's function, its bootstrapped version, its chance
level and its record; `hear.metrics.registry` collects the records. The reference is the first
argument, the estimate the second. Values equal those of ``heareval`` 2021.1.3 (``score.py``), which
calls scikit-learn and sed_eval; neither is called here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hear.files import json_value

Matrix = NDArray[np.floating]
Weights = NDArray[np.float32]  # (n_replicates, n_clips), whole numbers: exact up to 2**24 clips
LabelCounts = NDArray[np.integer]  # (n_labels,), clips that carry each label

FACTS = ("label", "maximize", "lower", "upper", "missing_score")  # travel with every score


class MetricError(ValueError):
    """An operation that a metric does not support."""


@dataclass(frozen=True)
class Metric:
    """A metric with its functions, bounds and labels.

    Attributes
    ----------
    slug : str
        HEAR's name.
    label : str
        Name for axes and tables.
    kind : str
        ``clip``: the arguments are target and prediction, matrices (n_clips, n_labels).
        ``event``: they are reference and estimated events by file, and the vocabulary.
    function : callable
        ``function(*arguments)``: a number, or a dict of numbers whose first is the primary one.
    weighted : callable, optional
        ``weighted(*arguments, weights)``: the primary number of each replicate of the clips (files
        for events), shape (n_replicates,). Weights are the number of times each was drawn; values
        equal those of ``function`` on the drawn clips.
    chance : callable, optional
        ``chance(label_counts, n_clips)``: score of a prediction that ignores the audio.
    maximize : bool
        False where lower is better.
    lower, upper : float
        Range of the primary number.
    needs_both : bool
        Whether the metric is undefined (NaN) if a label is on no clip, or on all clips.
    missing_score : float, optional
        Value of a missing (NaN) primary score in aggregates; None if it stays missing.
    """

    slug: str
    label: str
    kind: str
    function: Callable[..., float | dict[str, float]]
    weighted: Callable[..., NDArray[np.float64]] | None = None
    chance: Callable[[LabelCounts, int], float] | None = None
    maximize: bool = True
    lower: float = 0.0
    upper: float = 1.0
    needs_both: bool = False
    missing_score: float | None = None

    def primary(self, *arguments: Any) -> float:
        """Return the number that selection and tables use (NaN if undefined)."""
        value = self.function(*arguments)
        return float(next(iter(value.values())) if isinstance(value, Mapping) else value)

    def bootstrap(self, *arguments: Any, weights: Weights) -> NDArray[np.float64]:
        """Return the primary number of each replicate; MetricError without ``weighted``."""
        if self.weighted is None:
            raise MetricError(f"metric {self.slug}: expected a weighted function, found none")
        return self.weighted(*arguments, weights)

    def chance_level(self, label_counts: LabelCounts, n_clips: int) -> float:
        """Return the score of a prediction that ignores the audio; MetricError without one."""
        if self.chance is None:
            raise MetricError(f"metric {self.slug}: expected a chance level, found none")
        return float(self.chance(label_counts, n_clips))

    def facts(self) -> dict[str, str | bool | float | None]:
        """Return the ``FACTS`` stored with scores, as strict JSON."""
        return json_value({name: getattr(self, name) for name in FACTS})


def check_clips(target: Matrix, prediction: Matrix) -> None:
    """Check a pair of matrices (n_clips, n_labels) before they are scored.

    ValueError unless they are two matrices of the same non-empty shape with finite numbers, and the
    target has only 0 and 1.
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
