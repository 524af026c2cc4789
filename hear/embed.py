"""Embed a task: every clip of every split through one view of one model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from hear.audio import read_clip
from hear.features import RowWriter, write_index
from hear.tasks import TaskFolder, source_sample_rate, stored_order

BATCH_S = 60.0  # audio per forward pass, in seconds: bounds memory, fills a CPU's caches


class Model(Protocol):
    """What ``embed_task`` needs of a model."""

    sample_rate: int

    def levels(self, view: str) -> str:
        """One letter per component that the view gives."""

    def embed(self, audio: Tensor, view: str) -> tuple[dict[str, Tensor], Tensor | None]:
        """Components of a batch of clips and, but for scenes, their timestamps in ms."""


def embed_task(
    folders: list[TaskFolder],
    model: Model,
    view: str,
    directory: Path,
    provenance: dict,
    progress: bool = True,
) -> dict:
    """Embed all clips of a task and store the components.

    Parameters
    ----------
    folders : list of TaskFolder
        The folders of the task (two for Beehive).
    model : Model
    view : str
        Passed to ``model.embed``.
    directory : Path
        Receives the layout of :mod:`hear.features`; ``index.json`` last.
    provenance : dict
        Stored in the index as it is.
    progress : bool
        Show clips per second.

    Returns
    -------
    dict
        The index.

    Raises
    ------
    ValueError
        Naming the clip that could not be read or embedded.
    """
    for left_over in directory.rglob("*.part"):
        left_over.unlink()  # of a killed run; a job still writing it must not finish
    n_clips = sum(len(files) for folder in folders for files in folder.clips.values())
    index: dict = {"view": view, "provenance": provenance, "folders": {}}
    with tqdm(total=n_clips, unit="clip", desc=f"embed {view}", disable=not progress) as bar:
        for folder in folders:
            splits = index["folders"][folder.name] = {}
            for split, files in stored_order(folder).items():
                stem = directory / folder.name / split
                splits[split] = _embed_split(folder, split, files, model, view, stem, bar)
    write_index(directory, index)
    return index


def _embed_split(
    folder: TaskFolder,
    split: str,
    files: list[str],
    model: Model,
    view: str,
    stem: Path,
    bar: tqdm,
) -> dict:
    rate = source_sample_rate(folder, model.sample_rate)
    paths = [folder.path / str(rate) / split / file for file in files]
    names = [*model.levels(view)] + ([] if view == "scene" else ["timestamps"])
    n_rows: list[int] = []
    with ExitStack() as stack:
        writers = {n: stack.enter_context(RowWriter(Path(f"{stem}.{n}.npy"))) for n in names}
        for batch, audio in _batches(paths, model.sample_rate):
            levels, timestamps = _embed_batch(model, view, audio, batch)
            for level, values in levels.items():
                writers[level].append(values.flatten(0, -2).numpy())
            if timestamps is not None:
                writers["timestamps"].append(np.tile(timestamps.numpy(), len(batch)))
            n_rows += [1 if timestamps is None else len(timestamps)] * len(batch)
            bar.update(len(batch))
    return {"files": files, "n_rows": n_rows}


def _embed_batch(
    model: Model, view: str, audio: Tensor, paths: list[Path]
) -> tuple[dict[str, Tensor], Tensor | None]:
    try:
        return model.embed(audio, view)
    except ValueError as error:
        if len(paths) == 1:
            raise ValueError(f"{paths[0]}: {error}") from error
        for path, clip in zip(paths, audio, strict=True):  # which one is it?
            _embed_batch(model, view, clip[None], [path])
        raise ValueError(f"{paths[0]} and {len(paths) - 1} more clips: {error}") from error


def _batches(paths: list[Path], sample_rate: int) -> Iterator[tuple[list[Path], Tensor]]:
    """Stack consecutive clips of equal length, up to ``BATCH_S`` of audio."""
    batch: list[Path] = []
    clips: list[np.ndarray] = []
    for path in paths:
        clip = read_clip(path, sample_rate)
        full = clips and (len(clips) + 1) * len(clip) > BATCH_S * sample_rate
        if clips and (full or len(clip) != len(clips[0])):
            yield batch, torch.from_numpy(np.stack(clips))
            batch, clips = [], []
        batch.append(path)
        clips.append(clip)
    if clips:
        yield batch, torch.from_numpy(np.stack(clips))
