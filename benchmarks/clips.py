"""Task folders of generated clips for measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from hear.audio.read import read_clip
from hear.tasks.folder import TaskFolder
from tests.passt import golden

RATE_HZ = 48_000  # of the official archives
MODEL_RATE_HZ = 32_000
SPLIT = "train"


def write_task(folder: Path, clips: list[np.ndarray], rate_hz: int = RATE_HZ) -> TaskFolder:
    """Write clips as a task of one split.

    Parameters
    ----------
    folder : Path
    clips : list of ndarray
        (n_samples,) each, in [-1, 1].
    rate_hz : int
    """
    audio = folder / str(rate_hz) / SPLIT
    audio.mkdir(parents=True)
    for i, samples in enumerate(clips):
        soundfile.write(audio / f"clip{i:05d}.wav", samples, rate_hz, subtype="PCM_16")
    return open_task(folder)


def open_task(folder: Path) -> TaskFolder:
    """A folder of clips as a task for ``embed_task``, with placeholders for unused fields."""
    files = sorted(path.name for path in folder.glob(f"*/{SPLIT}/*.wav"))
    return TaskFolder(
        path=folder,
        name=folder.name,
        task_name=folder.name,
        version="v1",
        mode="full",
        embedding_type="scene",
        prediction_type="multiclass",
        split_mode="trainvaltest",
        splits=(SPLIT,),
        evaluation=("top1_acc",),
        sample_duration_s=None,
        labels=("clip",),
        metadata={},
        clips={SPLIT: {file: ["clip"] for file in files}},
    )


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
    for name in task.order[SPLIT]:
        path = folder / "resampled" / name
        clip = read_clip(task.path / str(RATE_HZ) / SPLIT / name, MODEL_RATE_HZ)
        soundfile.write(path, clip, MODEL_RATE_HZ, subtype="FLOAT")
        resampled.append(str(path))
    return task, resampled
