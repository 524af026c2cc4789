"""Predictions of the probe for one embedding, task and seed, per clip.

`hear.scores.files` documents the file format.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from hear.features.store import StoredSplit
from hear.metrics.frames import frame_targets
from hear.probe.data import ProbeData
from hear.probe.search import FoldResult, ProbeResult, train_and_predict
from hear.probe.selection import EventInfo
from hear.probe.train_part import draw_train_clips
from hear.probe.training import PointResult, TrainPartError
from hear.probes import REFERENCE, Evaluation
from hear.protocol import Protocol
from hear.tasks.folder import Fold, TaskFolder

ReadSplit = Callable[[TaskFolder, str], StoredSplit]


def predict_task(
    folders: list[TaskFolder],
    read_split: ReadSplit,
    protocol: Protocol,
    seed: int,
    provenance: dict,
    progress: bool = True,
    evaluate: Callable[..., ProbeResult] = train_and_predict,
    evaluation: Evaluation = REFERENCE,
) -> tuple[dict, dict[str, np.ndarray]]:
    """Train the probes of a task and predict its test parts.

    Parameters
    ----------
    folders : list of TaskFolder
        Evaluated separately, as in the reference.
    read_split : callable
        Features of (folder, split).
    protocol : Protocol
        The study's protocol; the task's own settings are added here.
    provenance : dict
        Stored in the header; ``evaluator`` defaults to ``native``.
    evaluate : callable
        `hear.probe.search.train_and_predict` or a replacement.
    evaluation : Evaluation
        The probe, which adapts the protocol, and the fraction of the training part to use.

    Returns
    -------
    header, arrays : dict
        As described in `hear.scores.files`. If the fraction of the training part is too small,
        there are no folders and no arrays, and ``left_out`` gives the reason.

    Raises
    ------
    ProbeError
        Names task, embedding, fold and grid point.
    """
    provenance = {"evaluator": {"name": "native"}} | provenance
    header: dict = {"seed": seed if evaluation.has_seed else None, "provenance": provenance}
    try:
        described, arrays = _predict_folders(
            folders, read_split, protocol, seed, provenance, progress, evaluate, evaluation
        )
    except TrainPartError as error:
        if evaluation.train_fraction == 1:
            raise
        return header | {"folders": [], "left_out": str(error)}, {}
    return header | {"folders": described}, arrays


def _predict_folders(
    folders: list[TaskFolder],
    read_split: ReadSplit,
    protocol: Protocol,
    seed: int,
    provenance: dict,
    progress: bool,
    evaluate: Callable[..., ProbeResult],
    evaluation: Evaluation,
) -> tuple[list[dict], dict[str, np.ndarray]]:
    """Evaluate each folder of a task; see `predict_task`."""
    described: list[dict] = []
    arrays: dict[str, np.ndarray] = {}
    for i, folder in enumerate(folders):
        own = evaluation.probe.protocol(protocol.for_task(folder.metadata))
        stored = {split: read_split(folder, split) for split in folder.splits}
        targets = {split: split_targets(folder, split, stored[split]) for split in folder.splits}
        data = ProbeData(
            task=f"{folder.name} from {provenance.get('embedding', 'features')}",
            features={split: part.features for split, part in stored.items()},
            targets=targets,
            folds=folder.folds,
            labels=folder.labels,
            prediction_type=folder.prediction_type,
            metric=folder.evaluation[0],
            events=_event_info(folder, stored) if folder.embedding_type == "event" else None,
            train_rows=_train_rows(folder, stored, evaluation.train_fraction, seed),
        )
        result = evaluate(data, own, seed, progress)
        described.append(_describe(folder, own, result))
        for j, (fold, outcome) in enumerate(zip(folder.folds, result.folds, strict=True)):
            arrays |= _fold_arrays(f"{i}/{j}", fold, outcome, targets, stored)
    return described, arrays


def split_targets(folder: TaskFolder, split: str, stored: StoredSplit) -> np.ndarray:
    """Targets of a split's rows, float32 (n_rows, n_labels), in stored order.

    ValueError if the number of stored rows differs from the split's number of clips or frames.
    """
    files = folder.order[split]
    clips = folder.clips[split]
    if folder.embedding_type == "event":
        timestamps_ms, n_rows = _frames(stored)
        times = np.split(timestamps_ms, np.cumsum(n_rows)[:-1])
        targets = np.concatenate(
            [frame_targets(clips[f], t, folder.labels) for f, t in zip(files, times, strict=True)]
        )
    else:
        index = {label: i for i, label in enumerate(folder.labels)}
        targets = np.zeros((len(files), len(folder.labels)), np.float32)
        for row, file in enumerate(files):
            targets[row, [index[label] for label in clips[file]]] = 1
    if len(targets) != len(stored.features):
        raise ValueError(
            f"{folder.name}/{split}: expected {len(targets)} rows of features, found "
            f"{len(stored.features)}: the task has changed since it was embedded"
        )
    return targets


def _frames(stored: StoredSplit) -> tuple[np.ndarray, list[int]]:
    """Time of each row in ms and number of rows of each file, for timestamp embeddings."""
    assert stored.timestamps_ms is not None and stored.n_rows is not None, "scene embeddings"
    return stored.timestamps_ms, stored.n_rows


def _train_rows(
    folder: TaskFolder, stored: dict[str, StoredSplit], fraction: float, seed: int
) -> dict[str, dict[str, np.ndarray]]:
    """Rows of a fraction of each fold's training clips, for ``ProbeData``; empty if it is 1."""
    if fraction == 1:
        return {}
    clips = {f.name: draw_train_clips(folder, f, fraction, seed) for f in folder.folds}
    return {
        name: {s: np.repeat(kept, stored[s].n_rows or 1) for s, kept in of_splits.items()}
        for name, of_splits in clips.items()
    }


def _event_info(folder: TaskFolder, stored: dict[str, StoredSplit]) -> EventInfo:
    frames = {split: _frames(part) for split, part in stored.items()}
    return EventInfo(
        timestamps_ms={split: times_ms for split, (times_ms, _) in frames.items()},
        files={
            split: [f for f, n in zip(folder.order[split], n_rows, strict=True) for _ in range(n)]
            for split, (_, n_rows) in frames.items()
        },
        reference=folder.clips,
    )


def _describe(folder: TaskFolder, protocol: Protocol, result: ProbeResult) -> dict:
    description: dict = {
        "name": folder.name,
        "labels": folder.labels,
        "metrics": folder.evaluation,
        "embedding_type": folder.embedding_type,
        "protocol": dataclasses.asdict(protocol),
        "grid": [_point(point) for point in result.grid],
        "folds": [],
    }
    for fold, outcome in zip(folder.folds, result.folds, strict=True):
        entry: dict[str, Any] = {"name": fold.name, "chosen": _point(outcome.chosen)}
        if outcome.reference_score is not None:
            entry["chosen"]["heareval_test_score"] = outcome.reference_score
        entry["files"] = [file for split in fold.test for file in folder.order[split]]
        if folder.embedding_type == "event":
            entry["reference"] = {f: e for s in fold.test for f, e in folder.clips[s].items()}
        description["folds"].append(entry)
    return description


def _point(result: PointResult) -> dict[str, Any]:
    named = {"point": result.point, "postprocessing": result.postprocessing}
    return vars(result) | {key: value and value._asdict() for key, value in named.items()}


def _fold_arrays(
    key: str,
    fold: Fold,
    outcome: FoldResult,
    targets: dict[str, np.ndarray],
    stored: dict[str, StoredSplit],
) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {
        f"{key}/probabilities": outcome.probabilities,
        f"{key}/targets": np.concatenate([targets[s] for s in fold.test]).astype(np.uint8),
    }
    if stored[fold.test[0]].timestamps_ms is not None:
        frames = [_frames(stored[split]) for split in fold.test]
        times = np.concatenate([times_ms for times_ms, _ in frames])
        arrays[f"{key}/timestamps_ms"] = times.astype(np.float64)
        arrays[f"{key}/n_rows"] = np.array([n for _, n_rows in frames for n in n_rows], np.int64)
    return arrays
