"""Embedding of a folder of audio files: in parallel, longest file first, resumable.

The rows of a file depend on its content only, also where files of equal length are embedded
together: on a CPU bit for bit, for networks as wide as the full and the mini ones.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from passt import __version__, mkl
from passt.download import locked
from passt.files import sha256_file
from passt.folder.audio import LongClip, duration_s, find_audio, read_audio
from passt.folder.results import Results, Rows
from passt.hear_api import PaSSTModel
from passt.lengths import SAMPLE_RATE_HZ
from passt.progress import ProgressLine
from passt.tags import tag_names
from passt.variants import Embedding

Write = Callable[[Path, "list[Record]", Results, "FileEmbedder"], None]  # makes the table
STORAGE = ("float32", "float16")
CPU_FILES = 8  # embedded together on a CPU; chosen: a kill loses them


@dataclass(frozen=True)
class Record:
    """Outcome of one file, by its path below the folder."""

    file: str
    sha256: str | None = None  # of its content; None if it could not be read
    duration_s: float | None = None
    n_rows: int = 0
    error: str | None = None  # why it was not embedded


class FileEmbedder:
    """Embedding and tags of a file.

    Gives the scene embedding of ``model`` or, with ``at_timestamps``, its timestamp embeddings; and
    the ``n_tags`` most probable tags of each row, at timestamps from the longest receptive field.
    ValueError if the model has no such embedding or fewer tags.
    """

    def __init__(
        self,
        model: PaSSTModel,
        at_timestamps: bool = False,
        n_tags: int = 0,
        storage: str = "float32",
    ) -> None:
        if storage not in STORAGE:
            raise ValueError(f"storage: expected one of {STORAGE}, found {storage!r}")
        variant, shape = model.variant, model.embedder.network.architecture
        name = variant.timestamp_embedding if at_timestamps else variant.scene_embedding
        if name is None:
            raise ValueError("levels: L exists at timestamps only, a scene needs M or H")
        self.model, self.at_timestamps, self.n_tags = model, at_timestamps, n_tags
        self.dtype = np.dtype(storage)
        self.components = list(Embedding.parse(name).components)
        self.size = Embedding.parse(name).size(shape)
        self.tags = tag_names(shape.n_classes)
        self._wanted = list(self.components)
        if n_tags:
            self._wanted.append((self._view_of_tags(), "H"))
        if not 0 <= n_tags <= len(self.tags):
            raise ValueError(f"tags: expected 0 to {len(self.tags)}, found {n_tags}")
        checkpoint = model.embedder.checkpoint
        file = Path(checkpoint.file) if checkpoint.file else None
        self.settings = {
            "software": f"passt {__version__}, torch {torch.__version__}",
            "products": f"{model.embedder.precision} on {self._device.type}, MKL {mkl.path()}",
            "checkpoint": checkpoint.fingerprint(),
            "weights": file.name if file else "random",
            "weights_sha256": sha256_file(file) if file else "",
            "embedding": name,
            "storage": storage,
            "tags": n_tags,
        }
        # A GPU works for one file at a time, while others are read; CPUs for as many as wanted.
        on_cpu = self._device.type == "cpu"
        self._turn = nullcontext() if on_cpu else threading.Lock()

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def _view_of_tags(self) -> str:
        views = [view for view, _ in self.components if view != "mel"]
        if not views:
            raise ValueError("tags: level L has none, expected M or H among the levels")
        return views[-1]

    @property
    def nothing(self) -> Rows:
        """One row of zeros, of the types that `embed` gives."""
        rows = {"timestamp_ms": np.zeros(1, np.float32)} if self.at_timestamps else {}
        rows["embedding"] = np.zeros((1, self.size), self.dtype)
        if self.n_tags:
            rows["tags"] = np.zeros((1, self.n_tags), np.int32)
            rows["probabilities"] = np.zeros((1, self.n_tags), np.float32)
        return rows

    def n_together(self, duration_s: float | None, share: int) -> int:
        """How many files of a duration are embedded at once: more where one leaves a device idle.

        On CPUs at most ``share``, since workers wait for the last one. Timestamps of one file are
        many windows already.
        """
        if self.at_timestamps or not duration_s:
            return 1
        n = self.model.embedder.batch_clips(round(duration_s * SAMPLE_RATE_HZ))
        return min(n, CPU_FILES, share) if self._device.type == "cpu" else n

    def embed(self, paths: Sequence[Path], scratch: Path) -> list[Rows | Exception]:
        """Rows of each file, or its error: of `passt.folder.audio.read_audio` or of the model.

        Files of the same length are embedded together; a CPU gives the bits that each has alone.
        """
        found: dict[Path, Rows | Exception] = {}
        lengths: dict[int, dict[Path, Tensor | LongClip]] = {}
        for path in paths:
            try:
                audio = read_audio(path, scratch)
                lengths.setdefault(audio.shape[1], {})[path] = audio
            except (OSError, ValueError, soundfile.LibsndfileError) as error:
                found[path] = error
        for clips in lengths.values():
            found |= dict(zip(clips, self._embed(list(clips.values())), strict=True))
        return [found[path] for path in paths]

    def _embed(self, clips: list[Tensor | LongClip]) -> list[Rows | Exception]:
        """Rows of clips of one length, or their errors."""
        whole = [clip for clip in clips if isinstance(clip, Tensor)]
        try:
            if len(whole) == len(clips):
                return self._rows(torch.cat(whole))
            if len(clips) == 1:
                return self._rows(clips[0])
        except ValueError as error:
            if len(clips) == 1:
                return [error]
        return [outcome for clip in clips for outcome in self._embed([clip])]

    def _rows(self, audio: Tensor | LongClip) -> list[Rows | Exception]:
        with self._turn:
            parts, timestamps = self.model.components(audio, self._wanted)
        joined = torch.cat(parts[: len(self.components)], dim=-1)
        outcomes: list[Rows | Exception] = []
        for i, vectors in enumerate(joined):
            rows = {} if timestamps is None else {"timestamp_ms": timestamps.numpy()}
            with np.errstate(over="ignore"):  # the message below says it
                rows["embedding"] = np.atleast_2d(vectors.numpy().astype(self.dtype))
            if self.n_tags:
                top = parts[-1][i].reshape(-1, len(self.tags)).sigmoid().topk(self.n_tags)
                rows["tags"] = top.indices.numpy().astype(np.int32)
                rows["probabilities"] = top.values.numpy()
            finite = bool(np.isfinite(rows["embedding"]).all())
            said = f"the embedding is not finite, or too large for {self.dtype}"
            outcomes.append(rows if finite else ValueError(said))
        return outcomes


def embed_folder(
    folder: Path,
    output: Path,
    embedder: FileEmbedder,
    write: Write,
    n_workers: int,
    progress: bool = True,
) -> list[Record]:
    """Embed all audio files below a folder into one table; return their outcomes, by name.

    Rows of finished files are kept in ``<output>.part``, from which an interrupted call resumes; at
    the end, ``write`` (of `passt.folder.table`) makes the table from them. A second call with the
    same output waits. ValueError if the folder has no audio files, or none of them can be embedded;
    then the table stays as it was.
    """
    lock = output.with_name(f"{output.name}.lock")
    with locked(lock, f"waiting for another run that writes {output}"):
        return _embed_folder(folder, output, embedder, write, n_workers, progress)


def _embed_folder(
    folder: Path,
    output: Path,
    embedder: FileEmbedder,
    write: Write,
    n_workers: int,
    progress: bool,
) -> list[Record]:
    names = find_audio(folder)
    if not names:
        raise ValueError(f"{folder}: expected audio files, found none")
    results = Results(output.with_name(f"{output.name}.part"), embedder.settings)
    pool = ThreadPoolExecutor(n_workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        durations = dict(zip(names, pool.map(lambda n: duration_s(folder / n), names), strict=True))
        todo = sorted(names, key=lambda n: -(durations[n] or 0.0))
        line = _Progress(len(names), sum(d or 0.0 for d in durations.values()))
        groups = _groups(todo, durations, embedder, n_workers)
        work = [pool.submit(_embed, folder, g, durations, embedder, results) for g in groups]
        records = {}
        for done in as_completed(work):
            for record, is_new in done.result():
                records[record.file] = record
                line.add(record, is_new, progress)
    finally:
        pool.shutdown(cancel_futures=True)
    ordered = [records[name] for name in names]
    if all(record.error for record in ordered):
        results.remove()
        first = ordered[0]
        raise ValueError(
            f"{folder}: none of {len(ordered)} files could be embedded, and {output} was not "
            f"written; {first.file}: {first.error}"
        )
    write(output, ordered, results, embedder)
    results.remove()
    return ordered


def _groups(
    names: list[str],
    durations: Mapping[str, float | None],
    embedder: FileEmbedder,
    n_workers: int,
) -> Iterator[list[str]]:
    """Neighbors of equal duration, as many as are embedded together: fewer toward the end."""
    n_left = len(names)
    for duration, equal in itertools.groupby(names, lambda name: durations[name]):
        files = deque(equal)
        while files:
            n = embedder.n_together(duration, max(1, n_left // (2 * n_workers)))
            group = [files.popleft() for _ in range(min(n, len(files)))]
            n_left -= len(group)
            yield group


def _embed(
    folder: Path,
    names: list[str],
    durations: Mapping[str, float | None],
    embedder: FileEmbedder,
    results: Results,
) -> list[tuple[Record, bool]]:
    """Outcome of each file, and whether it was embedded by this call."""
    hashes: dict[str, str] = {}
    found: dict[str, Rows | Exception] = {}
    for name in names:
        try:
            hashes[name] = sha256_file(folder / name)
            if (rows := results.read(hashes[name])) is not None:
                found[name] = rows
        except OSError as error:
            found[name] = error
    new = [name for name in names if name not in found]
    found |= zip(new, embedder.embed([folder / name for name in new], results.folder), strict=True)
    outcomes = []
    for name in names:
        outcome, facts = found[name], (name, hashes.get(name), durations[name])
        if isinstance(outcome, Exception):
            outcomes.append((Record(*facts, error=_in_words(outcome)), False))
            continue
        if name in new:
            results.write(hashes[name], outcome)
        outcomes.append((Record(*facts, len(outcome["embedding"])), name in new))
    return outcomes


def _in_words(error: Exception) -> str:
    if isinstance(error, soundfile.LibsndfileError):
        return f"libsndfile: {error.error_string}"
    return (isinstance(error, OSError) and error.strerror) or str(error)


class _Progress(ProgressLine):
    """Files, rate and time left, by the seconds of audio that are done and to come."""

    def __init__(self, n_files: int, audio_s: float) -> None:
        super().__init__()
        self.n_files, self.left_s = n_files, audio_s
        self.n_done = self.n_failed = 0
        self.embedded_s = 0.0

    def add(self, record: Record, is_new: bool, is_shown: bool) -> None:
        self.n_done += 1
        self.n_failed += record.error is not None
        self.left_s -= record.duration_s or 0.0
        self.embedded_s += (record.duration_s or 0.0) if is_new else 0.0

        def text(seconds: float) -> str:
            rate = self.embedded_s / seconds
            failed = f", {self.n_failed} not embedded" if self.n_failed else ""
            left = f", {max(0.0, self.left_s) / rate / 60:.1f} min left" if rate else ""
            done = f"{self.n_done} of {self.n_files} files{failed}"
            return f"embed: {done}, {rate:.1f} s of audio per s{left}"

        if is_shown:
            self.show(text, self.n_done == self.n_files)
