"""Embed a task: every clip of every split through one view of one model.

What is finished is kept: a job that is killed goes on with the next split, and a large task can be
cut into shards that different jobs embed (:mod:`hear.features.shards`).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from hear.audio.read import read_clip
from hear.audio.stored import StoredClip
from hear.features.shards import Shard
from hear.features.store import RowWriter, remove_others, write_index
from hear.tasks.audio_checks import source_sample_rate
from hear.tasks.folder import TaskFolder

BATCH_S = 60.0  # audio per forward pass, in seconds: bounds memory, fills a CPU's caches

Part = tuple[dict[str, Tensor], Tensor | None]
Audio = Tensor | StoredClip
Batch = tuple[list[Path], Audio]


class Model(Protocol):
    """What ``embed_task`` needs of a model."""

    sample_rate: int

    def levels(self, view: str) -> str:
        """One letter per component that the view gives."""

    def embed(self, audio: Tensor, view: str) -> Part:
        """Components of a batch of clips and, but for scenes, their timestamps in ms."""

    def stream(self, audio: Audio, view: str) -> Iterator[Part]:
        """The same, some timestamps at a time: what a long clip needs, which stays in its file."""


def embed_task(
    folders: list[TaskFolder],
    model: Model,
    view: str,
    directory: Path,
    provenance: dict,
    progress: bool = True,
    shard: tuple[int, int] = (0, 1),
    storage: str = "float32",
) -> dict:
    """Embed all clips of a task, or a shard of them, and store the components.

    Parameters
    ----------
    folders : list of TaskFolder
        The folders of the task (two for Beehive).
    model : Model
    view : str
        Passed to ``model.embed``.
    directory : Path
        Receives the layout of :mod:`hear.features.store`; the index last.
    provenance : dict
        Stored in the index as it is. Splits that a killed job has finished under the same
        provenance are kept, so it must name all that the values depend on.
    progress : bool
        Show clips per second.
    shard : tuple of int
        ``(i, n)``: of each split's clips the i-th of n runs, i from 0. Shards may be embedded at
        the same time, in any order; :func:`hear.features.shards.join_shards` makes them one.
    storage : str
        Type of the stored numbers, ``float32`` or ``float16``. Readers get float32.

    Returns
    -------
    dict
        The index.

    Raises
    ------
    ValueError
        Naming the clip that could not be read or embedded, or what is wrong with the shard.
    """
    piece = Shard(*shard)
    _clear(directory, piece)
    index: dict = {"view": view, "provenance": provenance, "storage": storage, "folders": {}}
    work = [
        (folder, split, piece.of(files))
        for folder in folders
        for split, files in folder.order.items()
    ]
    n_clips = sum(len(files) for _, _, files in work)
    with tqdm(total=n_clips, unit="clip", desc=f"embed {view}", disable=not progress) as bar:
        for folder, split, files in work:
            split_facts = index | {"folders": folder.name, "files": files}
            n_rows = piece.finished_rows(directory / folder.name, split, split_facts)
            if n_rows is None:
                piece.forget_finished(directory / folder.name, split)  # of other facts
                stem = directory / folder.name / f"{split}{piece.suffix}"
                n_rows = _embed_split(folder, split, files, model, view, stem, storage, bar)
                piece.mark_finished(directory / folder.name, split, split_facts, n_rows)
            else:
                bar.update(len(files))
            rows = {"files": files, "n_rows": n_rows}
            index["folders"].setdefault(folder.name, {})[split] = rows
    write_index(directory, index, piece.suffix)
    if piece.n == 1:
        remove_others(directory, 1)
    for folder, split, _ in work:  # the index says it all; a later run starts afresh
        piece.forget_finished(directory / folder.name, split)
    return index


def _clear(directory: Path, piece: Shard) -> None:
    """Remove what a killed run left, and indices of arrays that are about to be replaced."""
    for left_over in directory.rglob(f"*{piece.suffix}.*.part"):
        left_over.unlink()  # a job still writing it must not finish
    for outdated in {"", piece.suffix}:
        (directory / f"index{outdated}.json").unlink(missing_ok=True)


def _embed_split(
    folder: TaskFolder,
    split: str,
    files: list[str],
    model: Model,
    view: str,
    stem: Path,
    storage: str,
    bar: tqdm,
) -> list[int]:
    rate = source_sample_rate(folder, model.sample_rate)
    paths = [folder.path / str(rate) / split / file for file in files]
    names = [*model.levels(view)] + ([] if view == "scene" else ["timestamps"])
    n_rows: list[int] = []
    with ExitStack() as stack:
        types = {name: storage for name in names} | {"timestamps": "float32"}  # whole ms
        writers = {
            name: stack.enter_context(RowWriter(Path(f"{stem}.{name}.npy"), types[name]))
            for name in names
        }
        for batch, audio in _read_ahead(_batches(paths, model.sample_rate)):
            n_clip_rows = 0
            for part in _embed_batch(model, view, audio, batch):
                try:
                    n_clip_rows += _store(part, writers, len(batch))
                except ValueError as error:
                    raise ValueError(f"{_named(batch)}: {error}") from error
            n_rows += [n_clip_rows] * len(batch)
            bar.update(len(batch))
    return n_rows


def _store(part: Part, writers: dict[str, RowWriter], n_clips: int) -> int:
    """Append a part to its files; return its rows per clip."""
    levels, timestamps = part
    for level, values in levels.items():
        writers[level].append(values.flatten(0, -2).numpy())
    if timestamps is None:
        return 1
    writers["timestamps"].append(np.tile(timestamps.numpy(), n_clips))
    return len(timestamps)


def _named(paths: list[Path]) -> str:
    more = f" and {len(paths) - 1} more clips" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"


def _embed_batch(model: Model, view: str, audio: Audio, paths: list[Path]) -> Iterator[Part]:
    """One part for several clips, which ``BATCH_S`` bounds; a single clip in bounded parts."""
    try:
        if len(paths) == 1:
            yield from model.stream(audio, view)
        else:
            yield model.embed(audio, view)
    except ValueError as error:
        if len(paths) == 1:
            raise ValueError(f"{paths[0]}: {error}") from error
        for path, clip in zip(paths, audio, strict=True):  # which one is it?
            list(_embed_batch(model, view, clip[None], [path]))
        raise ValueError(f"{_named(paths)}: {error}") from error


def _read_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Decode and resample the next batch in a thread while this one is embedded."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = reader.submit(next, batches, None)
        while (batch := pending.result()) is not None:
            pending = reader.submit(next, batches, None)
            yield batch


def _batches(paths: list[Path], sample_rate: int) -> Iterator[Batch]:
    """Stack consecutive clips of equal length, up to ``BATCH_S``; longer ones stay in files."""
    batch: list[Path] = []
    clips: list[np.ndarray] = []
    for path in paths:
        stored = StoredClip(path, sample_rate)
        if stored.duration_s > BATCH_S:
            if clips:
                yield batch, torch.from_numpy(np.stack(clips))
                batch, clips = [], []
            yield [path], stored
            continue
        clip = read_clip(path, sample_rate)
        full = clips and (len(clips) + 1) * len(clip) > BATCH_S * sample_rate
        if clips and (full or len(clip) != len(clips[0])):
            yield batch, torch.from_numpy(np.stack(clips))
            batch, clips = [], []
        batch.append(path)
        clips.append(clip)
    if clips:
        yield batch, torch.from_numpy(np.stack(clips))
