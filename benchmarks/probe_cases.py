"""Generated tasks of the sizes that matter for the speed of the probe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from hear.heareval.folder import write_folder, write_settings
from hear.metrics.frames import frame_targets
from hear.probe.data import ProbeData
from hear.probe.selection import EventInfo
from hear.protocol import GridPoint, Protocol, grid_points
from hear.tasks.folder import Fold

N_FEATURES = 1295  # PaSST's M and H
HOP_MS = 50.0
N_FRAMES = 2401  # of a clip of 120 s
EVENTS_PER_FILE = 33  # three of each of the 11 labels; an assumption
METRICS = {
    "scene": ["top1_acc", "mAP", "d_prime", "aucroc"],  # ESC-50's
    "event": ["event_onset_200ms_fms", "segment_1s_er"],  # DCASE 2016 Task 2's
}
# Case: kind, labels, clips per split, epochs, epochs between validations, grid points.
CASES: dict[str, tuple[str, int, dict[str, int], int, int, int]] = {
    "esc50_like": ("scene", 50, {f"fold{i:02d}": 400 for i in range(5)}, 12, 3, 1),
    "dcase_like": ("event", 11, {"train": 50, "valid": 8, "test": 14}, 10, 10, 1),
    "dcase_like_small": ("event", 11, {"train": 4, "valid": 8, "test": 2}, 10, 10, 1),
    "tiny": ("scene", 3, {"train": 40, "valid": 20, "test": 20}, 2, 1, 1),
    # As many clips as Speech Commands 5h and the whole search: for stacked probes.
    "speech_commands_like": ("scene", 12, {"train": 18000, "valid": 2000, "test": 4890}, 6, 3, 8),
}
ON_REQUEST = ("dcase_like_small", "tiny", "speech_commands_like")


def events_of(n_files: int, labels: list[str], prefix: str, seed: int) -> dict[str, list[dict]]:
    """Events of some files, ms."""
    rng = np.random.default_rng(seed)
    files = {}
    for i in range(n_files):
        starts = np.sort(rng.uniform(0, HOP_MS * N_FRAMES - 3000, EVENTS_PER_FILE))
        ends = starts + rng.uniform(200, 2500, EVENTS_PER_FILE)
        named = rng.permutation(np.resize(labels, EVENTS_PER_FILE))
        files[f"{prefix}{i:03d}.wav"] = [
            {"label": str(label), "start": float(start), "end": float(end)}
            for label, start, end in zip(named, starts, ends, strict=True)
        ]
    return files


def protocol_of(case: str) -> Protocol:
    """Few epochs of the search, or of the reference's second point for seed 42 (two layers)."""
    *_, epochs, every, n_points = CASES[case]
    few = replace(Protocol(name="benchmark"), max_epochs=epochs, validation_every=every)
    if n_points > 1:
        return replace(few, n_grid_points=n_points)
    point: GridPoint = grid_points(Protocol(), 42)[1]
    return replace(
        few,
        n_grid_points=1,
        hidden_layers=(point.hidden_layers,),
        learning_rates=(point.learning_rate,),
        initializations=(point.initialization,),
    )


def make(case: str, folder: Path, seed: int, threads: int) -> None:
    """Write one case in heareval's folder format, which both programs then read."""
    kind, n_labels, sizes, *_ = CASES[case]
    labels = [f"label{i:02d}" for i in range(n_labels)]
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((n_labels, N_FEATURES), dtype=np.float32)
    features, targets, times, files, reference = {}, {}, {}, {}, {}
    for number, (split, n) in enumerate(sizes.items()):
        if kind == "scene":
            y = np.eye(n_labels, dtype=np.float32)[rng.permutation(np.arange(n) % n_labels)]
        else:
            reference[split] = events_of(n, labels, split, seed + number)
            frames = np.arange(N_FRAMES) * HOP_MS
            y = np.concatenate(
                [frame_targets(e, frames, labels) for e in reference[split].values()]
            )
            times[split] = np.tile(frames, n)
            files[split] = np.repeat(list(reference[split]), N_FRAMES).tolist()
        noise = rng.standard_normal((len(y), N_FEATURES), dtype=np.float32)
        features[split], targets[split] = y @ centers + np.float32(3) * noise, y
    events = EventInfo(times, files, reference) if times else None
    prediction_type = "multiclass" if kind == "scene" else "multilabel"
    folds, metric = folds_of(list(sizes)), METRICS[kind][0]
    data = ProbeData(case, features, targets, folds, labels, prediction_type, metric, events)
    protocol = protocol_of(case)
    write_folder(folder, data, protocol, METRICS[kind])
    write_settings(folder, protocol, 42, threads)


def folds_of(splits: list[str]) -> list[Fold]:
    """The divisions of the case's splits."""
    if "train" in splits:
        return [Fold("test", ("train",), ("valid",), ("test",))]
    after = {split: splits[(i + 1) % len(splits)] for i, split in enumerate(splits)}
    return [
        Fold(s, tuple(o for o in splits if o not in (s, after[s])), (after[s],), (s,))
        for s in splits
    ]


def size_mib(case: str) -> float:
    """Size of a case's features."""
    kind, _, sizes, *_ = CASES[case]
    rows = sum(sizes.values()) * (1 if kind == "scene" else N_FRAMES)
    return rows * N_FEATURES * 4 / 2**20


def read(case: str, folder: Path) -> ProbeData:
    """Data of a case, features mapped from the folder's files."""
    kind, n_labels, sizes, *_ = CASES[case]
    labels = [f"label{i:02d}" for i in range(n_labels)]
    index = {label: i for i, label in enumerate(labels)}
    features, targets, times, files, reference = {}, {}, {}, {}, {}
    for split in sizes:
        shape = tuple(json.loads((folder / f"{split}.embedding-dimensions.json").read_text()))
        path = folder / f"{split}.embeddings.npy"
        features[split] = np.memmap(path, np.float32, "r", shape=shape)
        targets[split] = np.zeros((shape[0], n_labels), np.float32)
        rows = json.loads((folder / f"{split}.target-labels.pkl").read_text())
        for i, row in enumerate(rows):
            targets[split][i, [index[label] for label in row]] = 1
        if kind == "event":
            frames = json.loads((folder / f"{split}.filename-timestamps.json").read_text())
            files[split] = [file for file, _ in frames]
            times[split] = np.array([time_ms for _, time_ms in frames])
            reference[split] = json.loads((folder / f"{split}.json").read_text())
    return ProbeData(
        task=case,
        features=features,
        targets=targets,
        folds=folds_of(list(sizes)),
        labels=labels,
        prediction_type="multiclass" if kind == "scene" else "multilabel",
        metric=METRICS[kind][0],
        events=EventInfo(times, files, reference) if times else None,
    )
