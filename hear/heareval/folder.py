"""Embedding folder in heareval's layout, between its first and second stage.

Source of the format: ``heareval`` 2021.1.3, ``embeddings/task_embeddings.py`` (what it writes) and
``predictions/task_predictions.py``, SplitMemmapDataset (what it reads).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hear.probe.data import ProbeData
from hear.protocol import GRID_LISTS, GRID_SCALARS, POSTPROCESSING_LISTS, Protocol
from hear.tasks.problems import METADATA_FILE

CHUNK_ROWS = 4096  # written at a time, so that mapped features never lie in memory as a whole


def write_folder(folder: Path, data: ProbeData, protocol: Protocol, metrics: Sequence[str]) -> None:
    """Write arrays in the output format of heareval's ``embeddings`` stage.

    ``folder`` must exist and be empty. ``protocol``, as resolved by ``Protocol.for_task``, is
    written as the task-specific grid that heareval supports. ``metrics`` are slugs, the primary one
    first.
    """
    is_kfold = data.folds[0].test != ("test",)
    grid = {key: list(getattr(protocol, name)) for key, name in GRID_LISTS.items()}
    grid |= {key: [getattr(protocol, name)] for key, name in GRID_SCALARS.items()}
    post = {key: list(getattr(protocol, name)) for key, name in POSTPROCESSING_LISTS.items()}
    metadata = {
        "task_name": data.task,
        "embedding_type": "scene" if data.events is None else "event",
        "prediction_type": data.prediction_type,
        "split_mode": "presplit_kfold" if is_kfold else "trainvaltest",
        "splits": list(data.features),
        "evaluation": list(metrics),
        "use_scoring_for_early_stopping": protocol.use_scoring_for_early_stopping,
        "evaluation_params": {"task_specific_param_grid": grid, "event_postprocessing_grid": post},
    }
    (folder / METADATA_FILE).write_text(json.dumps(metadata))
    with open(folder / "labelvocabulary.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("idx", "label"), *enumerate(data.labels)])
    for split in data.features:
        _write_split(folder, data, split)


def write_settings(
    folder: Path, protocol: Protocol, seed: int, threads: int, mkl: str | None = None
) -> None:
    """Write the settings that the runner needs in addition to heareval's own files."""
    settings = {
        "seed": seed,
        "threads": threads,
        "mkl": mkl,
        "n_grid_points": protocol.n_grid_points,
        "initializations": list(protocol.initializations),
    }
    (folder / "run.json").write_text(json.dumps(settings))


def _write_split(folder: Path, data: ProbeData, split: str) -> None:
    """Write one split: raw float32 rows, label lists, and for events frames and references."""
    features, targets = data.features[split], data.targets[split]
    (folder / f"{split}.embedding-dimensions.json").write_text(json.dumps(list(features.shape)))
    with open(folder / f"{split}.embeddings.npy", "wb") as stream:  # raw, without a header
        for start in range(0, len(features), CHUNK_ROWS):
            np.asarray(features[start : start + CHUNK_ROWS]).tofile(stream)
    names = np.array(data.labels, dtype=object)
    rows = [names[row != 0].tolist() for row in targets]
    (folder / f"{split}.target-labels.pkl").write_text(json.dumps(rows))  # see the runner's shims
    if data.events is not None:
        times_ms = data.events.timestamps_ms[split]
        frames = [
            [str(file), float(time_ms)]
            for file, time_ms in zip(data.events.files[split], times_ms, strict=True)
        ]
        (folder / f"{split}.filename-timestamps.json").write_text(json.dumps(frames))
        reference = {file: list(e) for file, e in data.events.reference[split].items()}
        (folder / f"{split}.json").write_text(json.dumps(reference))
