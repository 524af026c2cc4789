"""Embedding of a folder of audio files: in parallel, longest file first, resumable.

Each file is embedded separately, so that its rows depend on its content only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from passt import __version__, mkl
from passt.files import sha256_file
from passt.folder.audio import duration_s, find_audio, read_audio
from passt.folder.results import Results, Rows
from passt.hear_api import PaSSTModel
from passt.progress import ProgressLine
from passt.tags import tag_names
from passt.variants import Embedding

STORAGE = ("float32", "float16")


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
        self.settings = {
            "software": f"passt {__version__}, torch {torch.__version__}",
            "products": f"{model.embedder.precision} on {self._device.type}, MKL {mkl.path()}",
            "checkpoint": checkpoint.fingerprint(),
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

    def embed(self, path: Path, scratch: Path) -> Rows:
        """Embed a file; raises the errors of `passt.folder.audio.read_audio` and of the model."""
        audio = read_audio(path, scratch)
        with self._turn:
            parts, timestamps = self.model.components(audio, self._wanted)
        rows = {} if timestamps is None else {"timestamp_ms": timestamps.numpy()}
        joined = torch.cat(parts[: len(self.components)], dim=-1).flatten(0, -2)
        with np.errstate(over="ignore"):  # the message below says it
            rows["embedding"] = joined.numpy().astype(self.dtype)
        if not np.isfinite(rows["embedding"]).all():
            raise ValueError(f"the embedding is not finite, or too large for {self.dtype}")
        if self.n_tags:
            top = parts[-1].flatten(0, -2).sigmoid().topk(self.n_tags)
            rows["tags"] = top.indices.numpy().astype(np.int32)
            rows["probabilities"] = top.values.numpy()
        return rows


def embed_folder(
    folder: Path,
    output: Path,
    embedder: FileEmbedder,
    write: Callable[[Path, list[Record], Results, FileEmbedder], None],
    n_workers: int,
    progress: bool = True,
) -> list[Record]:
    """Embed all audio files below a folder into one table; return their outcomes, by name.

    Rows of finished files are kept in ``<output>.part``, from which an interrupted call resumes; at
    the end, ``write`` (of `passt.folder.table`) makes the table from them. ValueError if the folder
    has no audio files.
    """
    names = find_audio(folder)
    if not names:
        raise ValueError(f"{folder}: expected audio files, found none")
    results = Results(output.with_name(f"{output.name}.part"), embedder.settings)
    pool = ThreadPoolExecutor(n_workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        durations = dict(zip(names, pool.map(lambda n: duration_s(folder / n), names), strict=True))
        todo = sorted(names, key=lambda n: -(durations[n] or 0.0))
        line = _Progress(len(names), sum(d or 0.0 for d in durations.values()))
        work = [pool.submit(_embed, folder, n, durations[n], embedder, results) for n in todo]
        records = {}
        for done in as_completed(work):
            record, is_new = done.result()
            records[record.file] = record
            line.add(record, is_new, progress)
    finally:
        pool.shutdown(cancel_futures=True)
    ordered = [records[name] for name in names]
    write(output, ordered, results, embedder)
    results.remove()
    return ordered


def _embed(
    folder: Path, name: str, duration_s: float | None, embedder: FileEmbedder, results: Results
) -> tuple[Record, bool]:
    """Outcome of one file, and whether it was embedded by this call."""
    sha256, path = None, folder / name
    try:
        sha256 = sha256_file(path)
        rows, is_new = results.read(sha256), False
        if rows is None:
            rows, is_new = embedder.embed(path, results.folder), True
    except soundfile.LibsndfileError as error:
        return Record(name, sha256, duration_s, error=f"libsndfile: {error.error_string}"), False
    except OSError as error:
        return Record(name, sha256, duration_s, error=error.strerror or str(error)), False
    except ValueError as error:
        return Record(name, sha256, duration_s, error=str(error)), False
    if is_new:
        results.write(sha256, rows)
    return Record(name, sha256, duration_s, len(rows["embedding"])), is_new


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
            left = f", {self.left_s / rate / 60:.1f} min left" if rate else ""
            done = f"{self.n_done} of {self.n_files} files{failed}"
            return f"embed: {done}, {rate:.1f} s of audio per s{left}"

        if is_shown:
            self.show(text, self.n_done == self.n_files)
