"""Inputs of the golden values: seeded numbers, drawn in the order in which they were drawn then.

The same draws went through heareval 2021.1.3, see the fixtures' ``made_with``.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from hear.metrics.frames import frame_targets
from hear.probe.data import ProbeData
from hear.probe.selection import EventInfo
from hear.tasks.folder import Fold

FIXTURES = Path(__file__).parent.parent / "fixtures"
N_FEATURES = 64
HOP_MS = 50.0
N_FRAMES = 400

# Case: the oracle's folder (it seeds the numbers), rows or files per split, labels, noise.
CASES: dict[str, tuple[str, dict[str, int], int, float]] = {
    "multiclass": ("a_multiclass_tvt", {"train": 600, "valid": 200, "test": 400}, 10, 4.0),
    "pitch": ("d2_pitch_chroma", {"train": 900, "valid": 200, "test": 300}, 24, 3.5),
    "binary": ("d_binary_aucroc", {"train": 300, "valid": 100, "test": 200}, 2, 6.0),
    "multiclass_5fold": ("b_multiclass_5fold", {f"fold{i:02d}": 150 for i in range(5)}, 10, 4.0),
    "multilabel": ("c_multilabel_tvt", {"train": 800, "valid": 200, "test": 400}, 12, 4.0),
    "events": ("e_event_tvt", {"train": 6, "valid": 2, "test": 2}, 5, 3.0),
    "events_5fold": ("f_event_kfold", {f"fold{i:02d}": 2 for i in range(5)}, 6, 3.0),
}


def load_golden(name: str) -> dict[str, Any]:
    """Read a fixture; a lost one fails."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def folds_of(splits: list[str]) -> list[Fold]:
    if "train" in splits:
        return [Fold("test", ("train",), ("valid",), ("test",))]
    pairs = [(s, splits[(i + 1) % len(splits)]) for i, s in enumerate(splits)]
    return [
        Fold(test, tuple(s for s in splits if s not in (test, valid)), (valid,), (test,))
        for test, valid in pairs
    ]


def probe_inputs(case: str, prediction_type: str, metric: str) -> ProbeData:
    """Make a case's data."""
    folder, sizes, n_labels, noise = CASES[case]
    labels = [f"lab{i:02d}" for i in range(n_labels)]
    centroids = _rng(folder, "centroids").standard_normal((n_labels, N_FEATURES))
    features, targets, times, files, reference = {}, {}, {}, {}, {}
    for split, size in sizes.items():
        rng = _rng(folder, split)
        if "event" in case:
            parts = [_event_file(rng, centroids, labels, noise) for _ in range(size)]
            names = [f"file{split}{i:03d}.wav" for i in range(size)]
            x = np.concatenate([part[0] for part in parts])
            y = np.concatenate([frame_targets(e, _frame_times(), labels) for _, e in parts])
            times[split] = np.tile(_frame_times(), size)
            files[split] = np.repeat(names, N_FRAMES).tolist()
            reference[split] = {name: e for name, (_, e) in zip(names, parts, strict=True)}
        elif prediction_type == "multiclass":
            index = np.arange(size) % n_labels
            rng.shuffle(index)
            x = centroids[index] + noise * rng.standard_normal((size, N_FEATURES))
            y = np.eye(n_labels)[index]
        else:
            y = rng.random((size, n_labels)) < np.linspace(0.05, 0.35, n_labels)
            y[np.arange(n_labels), np.arange(n_labels)] = True
            x = y @ centroids + noise * rng.standard_normal((size, N_FEATURES))
        features[split], targets[split] = x.astype(np.float32), y.astype(np.float32)
    events = EventInfo(times, files, reference) if times else None
    folds = folds_of(list(sizes))
    return ProbeData(case, features, targets, folds, labels, prediction_type, metric, events)


def clip_scores_input(
    seed: int, n_clips: int, n_labels: int, multilabel: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Make (target, prediction) for the clip metrics."""
    rng = np.random.default_rng(seed)
    if multilabel:
        marked = rng.random((n_clips, n_labels)) < np.linspace(0.05, 0.4, n_labels)
        target = marked.astype(np.float32)
    else:
        target = np.eye(n_labels, dtype=np.float32)[rng.integers(0, n_labels, n_clips)]
    logits = rng.standard_normal((n_clips, n_labels)) + 1.5 * target
    if multilabel:
        return target, (1 / (1 + np.exp(-logits))).astype(np.float32)
    powers = np.exp(logits)
    return target, (powers / powers.sum(1, keepdims=True)).astype(np.float32)


def event_scores_input(seed: int) -> tuple[dict[str, list[dict]], dict[str, np.ndarray]]:
    """Make reference events and frame probabilities of four files of 20 s with five labels."""
    rng = np.random.default_rng(seed)
    reference, probabilities = {}, {}
    for number in range(4):
        events, active = [], np.zeros((N_FRAMES, 5))
        for label in range(5):
            start = rng.uniform(0, 1500)
            while start < 17500:
                end = start + rng.uniform(150, 1200)
                events.append({"label": f"lab{label}", "start": float(start), "end": float(end)})
                active[int(np.ceil(start / HOP_MS)) : int(end // HOP_MS) + 1, label] = 1
                start = end + rng.uniform(100, 2500)
        logits = (2 * active - 1) * 2.0 + 1.3 * rng.standard_normal((N_FRAMES, 5))
        file = f"f{number}.wav"
        reference[file] = sorted(events, key=lambda event: event["start"])
        probabilities[file] = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return reference, probabilities


def _rng(*key: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32("/".join(key).encode()))


def _frame_times() -> np.ndarray:
    return np.arange(N_FRAMES) * HOP_MS


def _event_file(
    rng: np.random.Generator, centroids: np.ndarray, labels: list[str], noise: float
) -> tuple[np.ndarray, list[dict]]:
    active, events = np.zeros((N_FRAMES, len(labels))), []
    for index, label in enumerate(labels):
        first = int(rng.integers(0, 30))
        while first < N_FRAMES - 12:
            last = min(N_FRAMES - 1, first + int(rng.integers(6, 24)))
            active[first : last + 1, index] = 1
            start = first * HOP_MS + (float(rng.uniform(-20, 20)) if first else 0)
            events.append({"label": label, "start": start, "end": last * HOP_MS + 5.0})
            first = last + int(rng.integers(12, 60))
    events.sort(key=lambda event: event["start"])
    return active @ centroids + noise * rng.standard_normal((N_FRAMES, N_FEATURES)), events
