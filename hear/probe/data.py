"""Training data of the probe: a task's arrays, checked before training."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hear.features.columns import Columns
from hear.metrics.registry import METRICS
from hear.probe.selection import EventInfo, Judge, clip_judge, event_judge
from hear.probe.training import FoldData, Parts, ProbeError, TrainPartError
from hear.protocol import Protocol
from hear.tasks.folder import Fold
from hear.tasks.metadata import PREDICTION_TYPES


@dataclass(frozen=True)
class ProbeData:
    """Embeddings and targets of one task, with its splits and metric.

    Attributes
    ----------
    task : str
        Name of the task in messages.
    features, targets : dict of ndarray, (n_rows, n_features) and (n_rows, n_labels), float32
        By split, in the reference's stored order; targets are 0 or 1. Features are finite, as
        checked by `hear.features.store`, and may be Columns, which are read batch by batch.
    labels : sequence of str
        The vocabulary in index order.
    prediction_type : str
        ``multiclass`` (exactly one label per row) or ``multilabel``.
    metric : str
        Slug of the primary metric.
    events : EventInfo, optional
        Frames and reference events, for event metrics.
    train_rows : mapping, optional
        Bool (n_rows,) by fold and split: the rows used for training; all rows in other folds.
    """

    task: str
    features: Mapping[str, NDArray[np.float32] | Columns]
    targets: Mapping[str, NDArray[np.float32]]
    folds: Sequence[Fold]
    labels: Sequence[str]
    prediction_type: str
    metric: str
    events: EventInfo | None = None
    train_rows: Mapping[str, Mapping[str, NDArray[np.bool_]]] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ProbeError, naming task and split, if the arrays are invalid."""
        if not self.folds:
            raise ProbeError(f"{self.task}: expected at least one fold, found none")
        if self.prediction_type not in PREDICTION_TYPES:
            expected = " or ".join(PREDICTION_TYPES)
            raise ProbeError(f"{self.task}: expected {expected}, found {self.prediction_type!r}")
        if METRICS[self.metric].kind == "event" and self.events is None:
            raise ProbeError(f"{self.task}: metric {self.metric} needs events, found none")
        n_features = {array.shape[1:] for array in self.features.values()}
        if len(n_features) != 1 or len(next(iter(n_features))) != 1:
            found = {split: array.shape for split, array in self.features.items()}
            raise ProbeError(f"{self.task}: expected (rows, features), same features: {found}")
        for split in self.features:
            self._check_split(split)

    def fold(self, fold: Fold, protocol: Protocol) -> FoldData:
        """Gather one fold's tensors and its judge.

        ProbeError if a part is empty; TrainPartError if the last training batch has a single row
        and there is a hidden layer; UserWarning if the training part has no example of a label.
        """
        where = f"{self.task}, fold {fold.name}"
        train = self._parts(where, fold.train, self.train_rows.get(fold.name))
        valid, test = (self._parts(where, splits) for splits in (fold.valid, fold.test))
        n_rows = sum(len(x) for x, _ in train)
        if any(protocol.hidden_layers) and n_rows % protocol.batch_size == 1:
            raise TrainPartError(
                f"{where}, every grid point: {n_rows} training rows in batches of "
                f"{protocol.batch_size} leave a last batch of one row, for which batch norm is "
                "undefined (the reference fails too); add or remove a clip or change batch_size"
            )
        seen = torch.stack([y.sum(dim=0) for _, y in train]).sum(dim=0)
        missing = [label for label, count in zip(self.labels, seen, strict=True) if not count]
        if missing:
            warnings.warn(f"{where}: no training example of {', '.join(missing)}", stacklevel=2)
        judge = self._judge(fold.valid, protocol)
        return FoldData(where, train, valid, test, self.prediction_type, self.metric, judge)

    def _check_split(self, split: str) -> None:
        """Check one split's features and targets."""
        where = f"{self.task}, split {split}"
        features, targets = self.features[split], self.targets[split]
        if features.dtype != np.float32 or targets.dtype != np.float32:
            raise ProbeError(f"{where}: expected float32, found {features.dtype}, {targets.dtype}")
        if targets.shape != (len(features), len(self.labels)):
            raise ProbeError(
                f"{where}: expected targets of shape {(len(features), len(self.labels))}, "
                f"found {targets.shape}"
            )
        if not np.isin(targets, (0, 1)).all():
            raise ProbeError(f"{where}: expected targets of 0 and 1, found other values")
        if self.prediction_type == "multiclass" and (targets.sum(axis=1) != 1).any():
            row = int(np.flatnonzero(targets.sum(axis=1) != 1)[0])
            raise ProbeError(
                f"{where}: expected one label per row, found {int(targets[row].sum())} in row {row}"
            )

    def _parts(
        self,
        where: str,
        splits: Sequence[str],
        rows: Mapping[str, NDArray[np.bool_]] | None = None,
    ) -> Parts:
        """Return the tensors of some splits, restricted to ``rows`` if given."""
        missing = [split for split in splits if split not in self.features]
        if missing or not sum(len(self.features[split]) for split in splits):
            raise ProbeError(f"{where}: expected rows in {splits}, missing or empty: {missing}")
        return [self._part(split, None if rows is None else rows[split]) for split in splits]

    def _part(self, split: str, rows: NDArray[np.bool_] | None) -> tuple[Columns, Tensor]:
        """Share a split's arrays, or copy the selected rows.

        Without ``rows``, targets are copied only if they are read-only or strided.
        """
        features, targets = self.features[split], self.targets[split]
        columns = features if isinstance(features, Columns) else Columns([features])
        if rows is not None:
            columns, targets = Columns([array[rows] for array in columns.arrays]), targets[rows]
        return columns, torch.from_numpy(np.require(targets, np.float32, ("C", "W")))

    def _judge(self, splits: Sequence[str], protocol: Protocol) -> Judge:
        """Return the function that scores the validation part."""
        if METRICS[self.metric].kind == "event" and self.events is not None:
            return event_judge(self.events, splits, self.metric, self.labels, protocol)
        return clip_judge(np.concatenate([self.targets[split] for split in splits]), self.metric)
