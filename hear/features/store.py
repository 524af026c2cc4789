"""Stored features: one ``.npy`` per level and split, in the order the probe reads them.

Layout below one directory per (checkpoint, task, view)::

    index.json                                files, rows per file, provenance; written last
    <folder>/<split>.<level>.npy              float32 or float16 (n_rows, size)
    <folder>/<split>.timestamps.npy           float32 (n_rows,), ms; not for scenes

Rows of a split follow its files in stored order, for timestamps all rows of a file together. The
files of a view embedded in shards carry the shard's name (:mod:`hear.features.shards`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from hear.features.columns import Columns, Rows
from hear.tasks.folder import TaskFolder

INDEX = "index.json"
STORAGE = ("float32", "float16")


@dataclass(frozen=True)
class StoredSplit:
    """Features of one split in stored order, and for timestamps where each row lies.

    ``timestamps_ms`` (n_rows,) and ``n_rows`` (per file) are None for scenes.
    """

    features: np.ndarray | Columns
    timestamps_ms: np.ndarray | None = None
    n_rows: list[int] | None = None


class RowWriter:
    """Append rows to an ``.npy`` file whose length is not known beforehand.

    Writes to a temporary name; the file appears under its own name when closed without error.

    Parameters
    ----------
    path : Path
    storage : str
        Type of the stored numbers, one of ``STORAGE``.

    Raises
    ------
    ValueError
        If it is another.
    """

    def __init__(self, path: Path, storage: str = "float32") -> None:
        if storage not in STORAGE:
            raise ValueError(f"storage: expected one of {STORAGE}, found {storage!r}")
        self.path = path
        self.dtype = np.dtype(storage)
        self.temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        self.shape: tuple[int, ...] = ()

    def __enter__(self) -> RowWriter:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.stream = open(self.temporary, "wb")
        return self

    def append(self, rows: np.ndarray) -> None:
        """Append rows of shape (n, ...); all calls share the trailing shape.

        Raises
        ------
        ValueError
            If the trailing shape differs from that of earlier rows, or a value is not finite,
            or too large for float16.
        """
        if not self.shape:
            self.shape = (0, *rows.shape[1:])
            self._write_header()
        if rows.shape[1:] != self.shape[1:]:
            raise ValueError(
                f"{self.path}: rows of shape {rows.shape[1:]} after rows of {self.shape[1:]}"
            )
        with np.errstate(over="ignore"):  # it is said below, and where
            stored = np.ascontiguousarray(rows, dtype=self.dtype)
        if not np.isfinite(stored).all():
            raise ValueError(f"{self.path}: NaN, infinite, or too large for {self.dtype}")
        self.stream.write(stored)
        self.shape = (self.shape[0] + len(rows), *self.shape[1:])

    def _write_header(self) -> None:
        # numpy pads the header so that it keeps its size while the first axis grows.
        self.stream.seek(0)
        header = {
            "descr": self.dtype.newbyteorder("<").str,
            "fortran_order": False,
            "shape": self.shape,
        }
        np.lib.format.write_array_header_1_0(self.stream, header)

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        complete = kind is None and self.shape  # without rows there is no shape to write
        if complete:
            self._write_header()
        self.stream.close()
        if complete:
            os.replace(self.temporary, self.path)
        else:
            self.temporary.unlink(missing_ok=True)


def shard_suffix(i: int, n: int) -> str:
    """What the file names of shard i of n carry; empty if there is only one."""
    return f".shard{i}of{n}" if n > 1 else ""


def write_index(directory: Path, index: dict, suffix: str = "") -> None:
    """Write the index atomically; its presence says that the features (of a shard) are complete."""
    path = directory / f"index{suffix}.json"
    temporary = directory / f"{path.name}.{os.getpid()}.part"
    temporary.write_text(json.dumps(index, indent=1))
    os.replace(temporary, path)


def read_index(directory: Path, suffix: str = "") -> dict:
    """Read the index of one (checkpoint, task, view), or of a shard of it.

    Raises
    ------
    ValueError
        If it is missing or not JSON, naming the file.
    """
    path = directory / f"index{suffix}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: features incomplete or unreadable: {error}") from error


def remove_others(directory: Path, n: int) -> None:
    """Remove arrays that an earlier run stored in another number of shards than ``n``."""
    for path in directory.glob("*/*.npy"):
        sharded = re.search(r"\.shard\d+of(\d+)\.", path.name)
        if (int(sharded[1]) if sharded else 1) != n:
            path.unlink()


def is_embedded(directory: Path, view: str, provenance: dict, suffix: str = "") -> bool:
    """Tell whether a directory holds the finished features of a view, made from the same things.

    Parameters
    ----------
    directory : Path
    view : str
    provenance : dict
        Model, weights and task; as given to :func:`hear.features.embed.embed_task`.
    suffix : str
        Of a shard (:func:`shard_suffix`); empty for the whole.
    """
    try:
        index = read_index(directory, suffix)
    except ValueError:
        return False
    return (index.get("view"), index.get("provenance")) == (view, provenance)


def open_rows(directory: Path, folder: str, split: str, name: str) -> list[np.ndarray]:
    """Memory-mapped arrays of one component (or ``timestamps``): one, or one per shard in order."""
    index = directory / INDEX
    n = json.loads(index.read_text()).get("n_shards", 1) if index.exists() else 1
    paths = [directory / folder / f"{split}{shard_suffix(i, n)}.{name}.npy" for i in range(n)]
    # a shard may have no clip of a small split, and then no file
    return [
        np.load(path, mmap_mode="r", allow_pickle=False)
        for path in paths
        if n == 1 or path.exists()
    ]


def read_components(components: Iterable[tuple[Path, str]], folder: str, split: str) -> Columns:
    """Map the stored components that make up the embedding of one split.

    Parameters
    ----------
    components : iterable of (Path, str)
        Directory of a view and level, in the order of concatenation.
    folder, split : str
        Task folder and split.

    Returns
    -------
    Columns
        float32, shape (n_rows, sum of sizes); rows are read from the files when they are used.

    Raises
    ------
    ValueError
        If the components disagree on the number of rows.
    """
    components = list(components)
    opened = [open_rows(directory, folder, split, level) for directory, level in components]
    lengths = [sum(map(len, shards)) for shards in opened]
    names = [f"{directory / folder}/{split}.{level}" for directory, level in components]
    if len(set(lengths)) != 1:
        rows = ", ".join(f"{name}: {n}" for name, n in zip(names, lengths, strict=True))
        raise ValueError(f"components disagree on the number of rows: {rows}")
    return Columns([Rows(shards) for shards in opened])


def read_stored(components: list[tuple[Path, str]]) -> Callable[[TaskFolder, str], StoredSplit]:
    """Reader of one embedding's rows, for :func:`hear.probe.predict.predict_task`.

    Parameters
    ----------
    components : list of (Path, str)
        Directory of a view and level, in the order of concatenation.

    Returns
    -------
    callable
        ``(folder, split) -> StoredSplit``.
    """

    def read_split(folder: TaskFolder, split: str) -> StoredSplit:
        features = read_components(components, folder.name, split)
        directory = components[0][0]
        if folder.embedding_type == "scene":
            return StoredSplit(features)
        shards = open_rows(directory, folder.name, split, "timestamps")
        timestamps_ms = np.concatenate(shards).astype(np.float64)
        n_rows = read_index(directory)["folders"][folder.name][split]["n_rows"]
        return StoredSplit(features, timestamps_ms, n_rows)

    return read_split
