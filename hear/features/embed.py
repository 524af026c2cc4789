"""Embedding of a task: all clips of all splits through the views of one model.

A clip is decoded once for all views. Finished splits are kept, so that a killed job resumes with
the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from hear.api.source import WorkerError
from hear.audio.read import read_clip
from hear.audio.stored import StoredClip
from hear.features.cost import CPU, Meter
from hear.features.store import ViewWriter
from hear.tasks.audio_checks import source_sample_rate
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import Problems

TRIED_S = 0.8  # clips up to this length are tried first; validation of a model begins here

Part = tuple[dict[str, Tensor], Tensor | None]
Audio = Tensor | StoredClip
Batch = tuple[list[Path], Audio]


class EmbeddingModel(Protocol):
    """Interface of a model for `embed_task`."""

    sample_rate: int

    @property
    def batch_s(self) -> float:
        """Seconds of audio per call that fill the device within bounded memory."""

    def embed(self, audio: Tensor, view: str) -> Part:
        """Components of a batch of clips and, except for scenes, their timestamps in ms."""

    def stream(self, audio: Audio, view: str) -> Iterator[Part]:
        """Like `embed`, in consecutive stretches of timestamps, for long clips read from files."""


def embed_task(
    folders: list[TaskFolder],
    model: EmbeddingModel,
    views: dict[str, Path],
    provenance: dict,
    progress: bool = True,
    storage: str = "float32",
    levels: Mapping[str, Sequence[str]] | None = None,
    where: Mapping[str, Any] | None = None,
) -> dict[str, dict]:
    """Embed all clips of a task's folders through views of a model; return each view's index.

    Finished views stay in their working folders (`hear.features.store`) until `publish` moves them
    to their final paths. ValueError names the clip that cannot be read or embedded, or all clips
    that are too short.

    Parameters
    ----------
    views : dict of str to Path
        Directory of each view, in the layout of `hear.features.store`.
    provenance : dict
        Stored in the index. Splits that a killed job finished with the same provenance are kept, so
        it must include everything that the values depend on.
    storage : str
        Type of the stored values, ``float32`` or ``float16``. Readers get float32.
    levels : mapping, optional
        Levels to store, by view; by default all that the model returns.
    where : mapping, optional
        Machine, ``device`` (default ``cpu``) and further facts to store with the views' costs
        (`hear.features.cost`). The attribute ``worker_cpu_s`` of a model is its worker's CPU time.
    """
    where = where or {"device": CPU}
    for folder in folders:
        _try_short_clips(folder, model, views)
    writers = {
        view: ViewWriter(
            path,
            {"view": view, "storage": storage, "provenance": provenance},
            levels[view] if levels else None,
        )
        for view, path in views.items()
    }
    orders = {folder.name: folder.order for folder in folders}
    n_clips = sum(len(files) for order in orders.values() for files in order.values())
    label = f"embed {', '.join(views)}"
    try:
        with tqdm(total=n_clips, unit="clip", desc=label, disable=not progress) as bar:
            for folder in folders:
                for split, files in orders[folder.name].items():
                    todo = {v: w for v, w in writers.items() if not w.has(folder.name, split)}
                    if todo:
                        _embed_split(folder, split, files, model, todo, bar, where)
                    else:
                        bar.update(len(files))
    finally:
        for writer in writers.values():
            writer.close()
    splits = {name: list(order) for name, order in orders.items()}
    return {view: writer.finish(splits) for view, writer in writers.items()}


def embed_first(
    folder: TaskFolder, split: str, model: EmbeddingModel, view: str
) -> tuple[list[Path], dict[str, np.ndarray]]:
    """Embed the first batch of a split again, as `embed_task` did.

    Returns the files of its clips (a batch, or one clip), and by level their rows as stored,
    float32 (n_rows, size): all rows, or those of a long clip's first part.
    """
    audio = folder.audio(source_sample_rate(folder, model.sample_rate), split)
    paths = [audio[file] for file in folder.order[split]]
    batch, clips = next(_batches(paths, model, Meter(CPU, float)))
    levels, _ = next(_embed_batch(model, view, clips, batch))
    return batch, {level: values.flatten(0, -2).numpy() for level, values in levels.items()}


def _try_short_clips(folder: TaskFolder, model: EmbeddingModel, views: Iterable[str]) -> None:
    """Embed the shortest clips first, so that all clips that are too short can be reported."""
    if folder.sample_duration_s is not None:  # all of one length: the first clip tells
        return
    rate = source_sample_rate(folder, model.sample_rate)
    clips = {
        f"{rate}/{split}/{clip}": StoredClip(path, model.sample_rate)
        for split in folder.splits
        for clip, path in folder.audio(rate, split).items()
    }
    short = {at: clip for at, clip in clips.items() if clip.duration_s <= TRIED_S}
    problems = Problems(folder.path)
    for view in views:
        for at, clip in sorted(short.items(), key=lambda pair: pair[1].duration_s):
            try:
                list(model.stream(clip.stretch(0, clip.shape[1]), view))
                break
            except ValueError as error:
                found = f"{clip.duration_s:.3f} s: {error}"
                problems.add(at, f"a clip that can be embedded ({view})", found)
    problems.raise_any()


def _embed_split(
    folder: TaskFolder,
    split: str,
    files: list[str],
    model: EmbeddingModel,
    writers: dict[str, ViewWriter],
    bar: tqdm,
    where: Mapping[str, Any],
) -> None:
    rate = source_sample_rate(folder, model.sample_rate)
    audio = folder.audio(rate, split)
    paths = [audio[file] for file in files]
    timestamps: dict[str, list[list[float]]] = {view: [] for view in writers}
    meter, audio_s = Meter(where["device"], lambda: getattr(model, "worker_cpu_s", 0.0)), 0.0
    for batch, clips in _read_ahead(_batches(paths, model, meter), meter):
        for view, writer in writers.items():
            with meter.call(view):
                sequence: list[float] = []
                for levels, times in _embed_batch(model, view, clips, batch):
                    try:
                        for level in writer.levels or levels:
                            writer.append(level, levels[level].flatten(0, -2).numpy())
                    except ValueError as error:
                        raise ValueError(f"{_named(batch)}: {error}") from error
                    sequence += [] if times is None else times.tolist()
            timestamps[view] += [sequence] * len(batch)
        audio_s += len(batch) * clips.shape[1] / model.sample_rate
        bar.update(len(batch))
    seconds = meter.seconds()
    for view, writer in writers.items():
        known = None if view == "scene" else timestamps[view]
        cost = {**where, "audio_s": audio_s, "seconds": seconds[view]}
        writer.finish_split(folder.name, split, files, known, cost)


def _named(paths: list[Path]) -> str:
    more = f" and {len(paths) - 1} more clips" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"


def _embed_batch(
    model: EmbeddingModel, view: str, audio: Audio, paths: list[Path]
) -> Iterator[Part]:
    """Embed several clips in one part, a single clip in parts of bounded size."""
    if isinstance(audio, StoredClip) or len(paths) == 1:
        try:
            yield from model.stream(audio, view)
        except ValueError as error:
            raise ValueError(f"{paths[0]}: {error}") from error
        return
    try:
        yield model.embed(audio, view)
    except WorkerError as error:
        raise ValueError(f"{_named(paths)}: {error}") from error
    except ValueError as error:
        for path, clip in zip(paths, audio, strict=True):  # which one is it?
            list(_embed_batch(model, view, clip[None], [path]))
        raise ValueError(f"{_named(paths)}: {error}") from error


def _read_ahead(batches: Iterator[Batch], meter: Meter) -> Iterator[Batch]:
    """Prepare the next batch in a thread while the current one is embedded."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = reader.submit(meter.read, next, batches, None)
        while (batch := pending.result()) is not None:
            pending = reader.submit(meter.read, next, batches, None)
            yield batch


def _batches(paths: list[Path], model: EmbeddingModel, meter: Meter) -> Iterator[Batch]:
    """Stack consecutive clips of equal length, up to ``batch_s``; longer ones stay in files."""
    batch: list[Path] = []
    clips: list[np.ndarray] = []
    for path, clip in _clips(paths, model, meter):
        if isinstance(clip, StoredClip):
            if clips:
                yield batch, torch.from_numpy(np.stack(clips))
                batch, clips = [], []
            yield [path], clip
            continue
        full = clips and (len(clips) + 1) * len(clip) > model.batch_s * model.sample_rate
        if clips and (full or len(clip) != len(clips[0])):
            yield batch, torch.from_numpy(np.stack(clips))
            batch, clips = [], []
        batch.append(path)
        clips.append(clip)
    if clips:
        yield batch, torch.from_numpy(np.stack(clips))


def _clips(
    paths: list[Path], model: EmbeddingModel, meter: Meter
) -> Iterator[tuple[Path, np.ndarray | StoredClip]]:
    """Decode and resample clips in order, in as many threads as the job has."""
    n_readers = torch.get_num_threads()
    with ThreadPoolExecutor(n_readers) as readers:
        pending: deque[Future[np.ndarray | StoredClip]] = deque()
        for i, path in enumerate(paths):
            while len(pending) < 2 * n_readers and i + len(pending) < len(paths):
                pending.append(readers.submit(meter.read, _read, paths[i + len(pending)], model))
            yield path, pending.popleft().result()


def _read(path: Path, model: EmbeddingModel) -> np.ndarray | StoredClip:
    stored = StoredClip(path, model.sample_rate)
    return stored if stored.duration_s > model.batch_s else read_clip(path, model.sample_rate)
