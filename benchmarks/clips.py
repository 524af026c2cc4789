"""Task folders of generated clips to measure with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from hear.audio import read_clip
from hear.tasks import TaskFolder, read_task, stored_order
from tests.passt import golden

RATE_HZ = 48_000  # of the official archives
MODEL_RATE_HZ = 32_000


def write_task(folder: Path, clips: list[np.ndarray], rate_hz: int = RATE_HZ) -> TaskFolder:
    """Write a scene task whose clips all lie in ``train``, and read it.

    Parameters
    ----------
    folder : Path
    clips : list of ndarray
        (n_samples,) each, in [-1, 1].
    rate_hz : int
    """
    audio = folder / str(rate_hz) / "train"
    audio.mkdir(parents=True)
    metadata = {
        "task_name": folder.name,
        "version": "v1",
        "mode": "full",
        "embedding_type": "scene",
        "prediction_type": "multiclass",
        "split_mode": "trainvaltest",
        "splits": ["train", "valid", "test"],
        "sample_duration": None,
        "evaluation": ["top1_acc"],
    }
    (folder / "task_metadata.json").write_text(json.dumps(metadata))
    (folder / "labelvocabulary.csv").write_text("idx,label\n0,clip\n1,other\n")
    names = [f"clip{i:05d}.wav" for i in range(len(clips))]
    for name, samples in zip(names, clips, strict=True):
        soundfile.write(audio / name, samples, rate_hz, subtype="PCM_16")
    for split in metadata["splits"]:
        files = {name: ["clip"] for name in names} if split == "train" else {}
        (folder / f"{split}.json").write_text(json.dumps(files))
    return read_task(folder)


def write_files(folder: Path, seconds: float, n_clips: int) -> tuple[TaskFolder, list[str]]:
    """Write a task at the archives' rate, and the same clips resampled to the model's.

    Returns
    -------
    TaskFolder
    list of str
        The resampled files (float32, so that they are what the pipeline here computes), in the
        order in which the task's embeddings are stored.
    """
    stretched = golden.waveforms(seconds * RATE_HZ / MODEL_RATE_HZ, n_clips).numpy()
    task = write_task(folder, list(stretched))
    (folder / "resampled").mkdir()
    resampled = []
    for name in stored_order(task)["train"]:
        path = folder / "resampled" / name
        clip = read_clip(task.path / str(RATE_HZ) / "train" / name, MODEL_RATE_HZ)
        soundfile.write(path, clip, MODEL_RATE_HZ, subtype="FLOAT")
        resampled.append(str(path))
    return task, resampled
