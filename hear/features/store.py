"""Stored features: one ``.npy`` per level of a view, in the order the probe reads them.

Layout of the directory of one (checkpoint or model, task, view):

    <level>.npy    float32 or float16 (n_rows, size): the splits of all task folders, concatenated
                   in the index's order
    index.json     view, storage, provenance, the SHA-256 of each array, and per folder and split
                   the clips in stored order
    cost.json      computing time by machine (`hear.features.cost`)

At timestamps, each clip has several rows; the index holds the distinct sequences of timestamps, and
for each clip the number of its sequence. An unfinished view is stored beside its directory, in
``<view>.part``, with a list of the complete splits.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hear.features.columns import Columns
from hear.features.cost import add_cost
from hear.features.names import COST, INDEX, part_of
from hear.files import MADE_AGAIN, naming, read_record, sha256_file, write_json, write_record
from hear.tasks.folder import TaskFolder

NOTE = "unfinished.json"
STORAGE = ("float32", "float16")


@dataclass(frozen=True)
class StoredSplit:
    """Features of one split in stored order and, for timestamps, the time of each row.

    ``timestamps_ms`` (n_rows,) and ``n_rows`` (per clip) are None for scenes.
    """

    features: np.ndarray | Columns
    timestamps_ms: np.ndarray | None = None
    n_rows: list[int] | None = None


class ViewWriter:
    """Write the levels of one view split by split; a killed job resumes after its last split.

    ``directory`` is the path of the finished view. ``facts`` are ``view``, ``storage`` and
    ``provenance``: everything that the values depend on. Splits of an earlier, unfinished job are
    kept only if its facts, and its ``levels`` if given, are the same.
    """

    def __init__(self, directory: Path, facts: dict, levels: Collection[str] | None = None) -> None:
        if facts["storage"] not in STORAGE:
            raise ValueError(f"storage: expected one of {STORAGE}, found {facts['storage']!r}")
        self.part = part_of(directory)
        self.dtype = np.dtype(facts["storage"])
        self.levels = levels
        self.note: dict = {"timestamps_ms": [], "folders": {}, "n_rows": 0}
        self.arrays: dict[str, _GrowingArray] = {}
        try:
            left = read_record(self.part / NOTE)
        except ValueError:
            left = {}
        begun = {path.stem for path in self.part.glob("*.npy")}
        if left.get("facts") == facts and (levels is None or begun == {*levels}):
            self.note = left
        else:
            shutil.rmtree(self.part, ignore_errors=True)
        self.note["facts"] = facts

    def has(self, folder: str, split: str) -> bool:
        """Return whether a split is already complete."""
        return split in self.note["folders"].get(folder, {})

    def append(self, level: str, rows: np.ndarray) -> None:
        """Append rows of shape (n, size) to a level.

        ValueError if the size differs from that of earlier rows, or a value is not finite, or too
        large for float16.
        """
        if level not in self.arrays:
            self.part.mkdir(parents=True, exist_ok=True)
            path = self.part / f"{level}.npy"
            self.arrays[level] = _GrowingArray(path, self.dtype, rows.shape[1], self.note["n_rows"])
        self.arrays[level].append(rows)

    def finish_split(
        self,
        folder: str,
        split: str,
        files: list[str],
        timestamps_ms: list[list[float]] | None,
        cost: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a split as complete, with its clips in stored order and timestamps or None."""
        entry: dict = {"files": files}
        if timestamps_ms is not None:
            known = self.note["timestamps_ms"]
            entry["timestamps"] = []
            for sequence in timestamps_ms:
                if sequence not in known:
                    known.append(sequence)
                entry["timestamps"].append(known.index(sequence))
        for array in self.arrays.values():
            array.write_header()
            self.note["n_rows"] = array.n_rows
        self.note["folders"].setdefault(folder, {})[split] = entry
        if cost is not None:
            add_cost(self.note.setdefault("cost", []), cost)
        write_record(self.part / NOTE, self.note)

    def close(self) -> None:
        """Close the files; without `finish`, the next job continues them."""
        for array in self.arrays.values():
            with suppress(OSError):  # what is complete has been flushed; the disk may be full
                array.stream.close()

    def finish(self, folders: dict[str, list[str]]) -> dict:
        """Write the index of the splits of each task folder, in stored order, and return it."""
        self.close()
        hashes = {path.stem: sha256_file(path) for path in sorted(self.part.glob("*.npy"))}
        index = {
            **self.note["facts"],
            "sha256": hashes,
            "timestamps_ms": self.note["timestamps_ms"],
            "folders": {
                folder: {split: self.note["folders"][folder][split] for split in splits}
                for folder, splits in folders.items()
            },
        }
        write_json(self.part / COST, self.note.get("cost", []))
        write_record(self.part / INDEX, index)
        (self.part / NOTE).unlink()
        return index


class _GrowingArray:
    """An ``.npy`` file to which rows are appended; keeps ``n_rows`` rows of an existing file."""

    def __init__(self, path: Path, dtype: np.dtype, size: int, n_rows: int) -> None:
        self.path, self.dtype, self.size, self.n_rows = path, dtype, size, n_rows
        self.stream = open(path, "r+b" if n_rows else "wb")
        self.write_header()
        self.stream.seek(n_rows * size * dtype.itemsize, os.SEEK_CUR)
        self.stream.truncate()

    def append(self, rows: np.ndarray) -> None:
        if rows.shape[1:] != (self.size,):
            raise ValueError(
                f"{self.path}: rows of shape {rows.shape[1:]} after rows of {(self.size,)}"
            )
        with np.errstate(over="ignore"):  # the message below says it, and where
            stored = np.ascontiguousarray(rows, dtype=self.dtype)
        if not np.isfinite(stored).all():
            raise ValueError(f"{self.path}: NaN, infinite, or too large for {self.dtype}")
        with naming(self.path):
            self.stream.write(stored.data)
        self.n_rows += len(rows)

    def write_header(self) -> None:
        # numpy pads the header so that it keeps its size while the first axis grows.
        end = self.stream.tell()
        self.stream.seek(0)
        header = {
            "descr": self.dtype.newbyteorder("<").str,
            "fortran_order": False,
            "shape": (self.n_rows, self.size),
        }
        with naming(self.path):
            np.lib.format.write_array_header_1_0(self.stream, header)
            self.stream.seek(max(end, self.stream.tell()))
            self.stream.flush()


def publish(directory: Path) -> None:
    """Move a finished view from its working folder to its final path, unless it is already there.

    A view that an older version stored without a cost file gets an empty one.
    """
    part = part_of(directory)
    if (part / INDEX).exists():
        directory.mkdir(parents=True, exist_ok=True)
        (directory / COST).unlink(missing_ok=True)
        for path in [*sorted(part.glob("*.npy")), *part.glob(COST)]:
            os.replace(path, directory / path.name)
        os.replace(part / INDEX, directory / INDEX)
        shutil.rmtree(part, ignore_errors=True)
    if (directory / INDEX).exists() and not (directory / COST).exists():
        write_json(directory / COST, [])


def discard(directory: Path) -> None:
    """Remove the unpublished working folder of a view."""
    shutil.rmtree(part_of(directory), ignore_errors=True)


def read_index(directory: Path) -> dict:
    """Read the index of one view; ValueError names a missing or damaged file."""
    return read_record(directory / INDEX)


def check_arrays(components: Iterable[tuple[Path, str]]) -> None:
    """Compare stored components (see `read_components`) with the hashes in their indices.

    ValueError, with the file and the remedy, if one is missing or has changed.
    """
    for directory, level in components:
        path, expected = directory / f"{level}.npy", read_index(directory)["sha256"][level]
        found = sha256_file(path) if path.is_file() else "no such file"
        if found != expected:
            said = f"expected SHA-256 {expected}, found {found}"
            raise ValueError(f"{path}: changed since it was written: {said}; {MADE_AGAIN}")


def split_rows(index: dict, folder: str, split: str) -> tuple[slice, list[int]]:
    """Rows of one split in the arrays of a view, and the number of rows of each clip."""
    lengths = [len(sequence) for sequence in index["timestamps_ms"]]
    first = 0
    for name, splits in index["folders"].items():
        for key, entry in splits.items():
            if "timestamps" in entry:
                n_rows = [lengths[i] for i in entry["timestamps"]]
            else:
                n_rows = [1] * len(entry["files"])
            last = first + sum(n_rows)
            if (name, key) == (folder, split):
                return slice(first, last), n_rows
            first = last
    raise ValueError(f"features of view {index['view']}: no split {folder}/{split}")


def read_components(components: Iterable[tuple[Path, str]], folder: str, split: str) -> Columns:
    """Map the components of an embedding for one split, float32 (n_rows, sum of sizes).

    ``components`` are pairs of a view's directory and a level, in the order of concatenation; rows
    are read on demand. ValueError if the components have different numbers of rows.
    """
    parts, names = [], []
    for directory, level in components:
        path, index = directory / f"{level}.npy", read_index(directory)
        try:
            rows, _ = split_rows(index, folder, split)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            said = f"{directory / INDEX}: not the index of {folder}/{split} ({error}); {MADE_AGAIN}"
            raise ValueError(said) from error
        try:
            array = np.lib.format.open_memmap(path, mode="r")
            if array.ndim != 2 or array.dtype.kind != "f":
                raise ValueError(f"found {array.ndim} axes of {array.dtype}")
        except Exception as error:  # of numpy, of many classes
            raise ValueError(f"{path}: not a file of features ({error}); {MADE_AGAIN}") from error
        parts.append(array[rows])
        names.append(f"{directory}: {level} of {folder}/{split}: {len(parts[-1])}")
    if len({len(part) for part in parts}) != 1:
        raise ValueError(f"components disagree on the number of rows: {', '.join(names)}")
    return Columns(parts)


def read_stored(components: list[tuple[Path, str]]) -> Callable[[TaskFolder, str], StoredSplit]:
    """Reader of one embedding for `hear.probe.predict.predict_task`.

    ``components`` as for `read_components`.
    """

    def read_split(folder: TaskFolder, split: str) -> StoredSplit:
        features = read_components(components, folder.name, split)
        if folder.embedding_type == "scene":
            return StoredSplit(features)
        index = read_index(components[0][0])
        entry = index["folders"][folder.name][split]
        sequences = [index["timestamps_ms"][i] for i in entry["timestamps"]]
        timestamps_ms = np.concatenate(sequences).astype(np.float64)
        return StoredSplit(features, timestamps_ms, list(map(len, sequences)))

    return read_split
