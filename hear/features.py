"""Stored features: one ``.npy`` per level and split, in the order the probe reads them.

Layout below one directory per (checkpoint, task, view)::

    index.json                                files, levels, sizes, provenance; written last
    <folder>/<split>.<level>.npy              float32 (n_rows, size)
    <folder>/<split>.timestamps.npy           float32 (n_rows,), ms; not for scenes

Rows of a split follow its files in stored order, for timestamps all rows of a file together.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

import numpy as np

from hear.columns import Columns
from hear.predictions import StoredSplit
from hear.tasks import TaskFolder

INDEX = "index.json"


class RowWriter:
    """Append float32 rows to an ``.npy`` file whose length is not known beforehand.

    Writes to a temporary name; the file appears under its own name when closed without error.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
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
            If the trailing shape differs from that of earlier rows.
        """
        if not self.shape:
            self.shape = (0, *rows.shape[1:])
            self._write_header()
        if rows.shape[1:] != self.shape[1:]:
            raise ValueError(
                f"{self.path}: rows of shape {rows.shape[1:]} after rows of {self.shape[1:]}"
            )
        self.stream.write(np.ascontiguousarray(rows, dtype=np.float32).tobytes())
        self.shape = (self.shape[0] + len(rows), *self.shape[1:])

    def _write_header(self) -> None:
        # numpy pads the header so that it keeps its size while the first axis grows.
        self.stream.seek(0)
        header = {"descr": "<f4", "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(self.stream, header)

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.shape:
            self._write_header()
        self.stream.close()
        if kind is None:
            os.replace(self.temporary, self.path)
        else:
            self.temporary.unlink(missing_ok=True)


def write_index(directory: Path, index: dict) -> None:
    """Write ``index.json`` atomically; its presence says that the features are complete."""
    temporary = directory / f"{INDEX}.{os.getpid()}.part"
    temporary.write_text(json.dumps(index, indent=1))
    os.replace(temporary, directory / INDEX)


def read_index(directory: Path) -> dict:
    """Read ``index.json`` of one (checkpoint, task, view).

    Raises
    ------
    ValueError
        If it is missing or not JSON, naming the file.
    """
    path = directory / INDEX
    try:
        return json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: features incomplete or unreadable: {error}") from error


def is_embedded(directory: Path, view: str, provenance: dict) -> bool:
    """Tell whether a directory holds the finished features of a view, made from the same things.

    Parameters
    ----------
    directory : Path
    view : str
    provenance : dict
        Model, weights and task; as given to :func:`hear.embed.embed_task`.
    """
    try:
        index = read_index(directory)
    except ValueError:
        return False
    return (index.get("view"), index.get("provenance")) == (view, provenance)


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
    paths = [directory / folder / f"{split}.{level}.npy" for directory, level in components]
    arrays = [np.load(path, mmap_mode="r", allow_pickle=False) for path in paths]
    if len({len(array) for array in arrays}) != 1:
        rows = ", ".join(f"{path}: {len(a)}" for path, a in zip(paths, arrays, strict=True))
        raise ValueError(f"components disagree on the number of rows: {rows}")
    return Columns(arrays)


def read_stored(components: list[tuple[Path, str]]) -> Callable[[TaskFolder, str], StoredSplit]:
    """Reader of one embedding's rows, for :func:`hear.predictions.predict_task`.

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
        path = directory / folder.name / f"{split}.timestamps.npy"
        timestamps_ms = np.load(path, allow_pickle=False).astype(np.float64)
        n_rows = read_index(directory)["folders"][folder.name][split]["n_rows"]
        return StoredSplit(features, timestamps_ms, n_rows)

    return read_split
