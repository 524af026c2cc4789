"""A small task folder in the exact HEAR layout, which the tests then damage in one place."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from hear.api.model import HearModel
from tests.hear.small_model import HEAR_MODEL

RATE_HZ = 16000  # the lowest of HEAR's rates: small files
MakeTask = Callable[..., Path]


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def write_wav(path: Path, seconds: float, rate_hz: int = RATE_HZ, tone_hz: float = 440.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * tone_hz * times_s), rate_hz, "PCM_16")


@pytest.fixture
def make_task(tmp_path: Path) -> MakeTask:
    """Return a function that writes a valid task folder, scene or event, and returns its path."""

    def make(
        name: str = "tones-v1-full",
        splits: tuple[str, ...] = ("test", "train", "valid"),
        embedding_type: str = "scene",
        n_clips: int = 4,
        rate_hz: int = RATE_HZ,
        parent: Path = tmp_path,
        **metadata: Any,
    ) -> Path:
        folder = parent / name
        folder.mkdir(parents=True)
        is_event = embedding_type == "event"
        content = {
            "task_name": name.split("-")[0],
            "version": "v1",
            "mode": "full",
            "embedding_type": embedding_type,
            "prediction_type": "multilabel" if is_event else "multiclass",
            "split_mode": "trainvaltest" if "train" in splits else "new_split_kfold",
            "splits": list(splits),
            "sample_duration": 0.25,
            "evaluation": ["event_onset_200ms_fms"] if is_event else ["top1_acc", "mAP"],
        }
        write_json(folder / "task_metadata.json", {**content, **metadata})
        with (folder / "labelvocabulary.csv").open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerows([["idx", "label"], [0, "low"], [1, "high"]])
        for n, split in enumerate(splits):
            clips: dict[str, Any] = {}
            for i in range(n_clips):
                tone_hz = 440.0 + 8.0 * (n * n_clips + i)  # no recording is in two splits
                label = ("low", "high")[i % 2]
                events = [{"label": label, "start": 10.0 * i, "end": 10.0 * i + 300.0}]
                clips[f"{split}_{i}.wav"] = events if is_event else [label]
                path = folder / str(rate_hz) / split / f"{split}_{i}.wav"
                write_wav(path, 0.25, rate_hz, tone_hz)
            write_json(folder / f"{split}.json", clips)
        return folder

    return make


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(HEAR_MODEL)
    return HearModel(str(path))
