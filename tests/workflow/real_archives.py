"""Two archives as Zenodo has them, of noise: names and layout of real tasks, three folds each."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import soundfile

RECORD = 6332517
TASKS = {"esc50": "esc50-v2.0.0-full", "gunshot_triangulation": "gunshot_triangulation-v1.0-full"}
NAMES = {task: f"hear2021-{folder}-48000.tar.gz" for task, folder in TASKS.items()}


def make_archive(path: Path, folder: str, seed: int = 0) -> bytes:
    """An archive of three folds of noise in HEAR's layout, at 48 kHz."""
    rng, root = np.random.default_rng(seed), path / folder
    metadata = {
        "task_name": folder.split("-")[0],
        "version": "v1",
        "mode": "full",
        "splits": ["fold00", "fold01", "fold02"],
        "nfolds": 3,
        "embedding_type": "scene",
        "prediction_type": "multiclass",
        "split_mode": "new_split_kfold",
        "sample_duration": 1.0,
        "evaluation": ["top1_acc", "mAP"],
    }
    root.mkdir(parents=True)
    (root / "task_metadata.json").write_text(json.dumps(metadata))
    (root / "labelvocabulary.csv").write_text("idx,label\n0,low\n1,high\n")
    for split in metadata["splits"]:
        clips = {f"{split}_{i}.wav": [("low", "high")[i % 2]] for i in range(6)}
        (root / f"{split}.json").write_text(json.dumps(clips))
        (root / "48000" / split).mkdir(parents=True)
        for clip in clips:
            audio = rng.uniform(-0.5, 0.5, 48000)
            soundfile.write(root / "48000" / split / clip, audio, 48000, "PCM_16")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        tar.add(root, f"hear-2021.0.6/tasks/{folder}")
    return packed.getvalue()
