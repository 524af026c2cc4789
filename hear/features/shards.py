"""Shards of a task's features: parts that different jobs embed, and what a killed job had finished.

Shard i of n holds of each split the i-th of n runs of its clips, in files of its own::

    index.shard<i>of<n>.json
    <folder>/<split>.shard<i>of<n>.<level>.npy

Joining them writes ``index.json`` in place of their own, which names the number of shards: readers
see their rows as one, nothing is copied.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from hear.features.store import INDEX, read_index, remove_others, shard_suffix, write_index


@dataclass(frozen=True)
class Shard:
    """One of ``n`` parts; ``Shard(0, 1)`` is the whole task.

    Raises
    ------
    ValueError
        If not 0 <= i < n.
    """

    i: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.i < self.n:
            raise ValueError(f"shard: expected (i, n) with 0 <= i < n, found {(self.i, self.n)}")

    @property
    def suffix(self) -> str:
        """What the names of this shard's files carry; empty for a whole task."""
        return shard_suffix(self.i, self.n)

    def of(self, files: list[str]) -> list[str]:
        """This shard's run of a split's files."""
        return files[len(files) * self.i // self.n : len(files) * (self.i + 1) // self.n]

    def finished_rows(self, folder: Path, split: str, facts: dict) -> list[int] | None:
        """Rows per clip of a split that a killed job had finished from the same facts.

        Parameters
        ----------
        folder : Path
            Features of one task folder.
        split : str
        facts : dict
            View, storage, provenance and files.
        """
        try:
            note = json.loads(self._note(folder, split).read_text())
        except (OSError, json.JSONDecodeError):
            return None
        return note["n_rows"] if note["facts"] == json.loads(json.dumps(facts)) else None

    def mark_finished(self, folder: Path, split: str, facts: dict, n_rows: list[int]) -> None:
        """Note beside a split's arrays what they were made from; the arrays must be complete."""
        note = self._note(folder, split)
        note.parent.mkdir(parents=True, exist_ok=True)
        temporary = note.with_name(f"{note.name}.{os.getpid()}.part")
        temporary.write_text(json.dumps({"facts": facts, "n_rows": n_rows}))
        os.replace(temporary, note)

    def forget_finished(self, folder: Path, split: str) -> None:
        """Remove the note."""
        self._note(folder, split).unlink(missing_ok=True)

    def _note(self, folder: Path, split: str) -> Path:
        return folder / f"{split}.finished{self.suffix}.json"


def join_shards(directory: Path, n: int) -> dict:
    """Make the shards of a view one, without copying them; a view that is whole stays as it is.

    Parameters
    ----------
    directory : Path
        Where all ``n`` shards were embedded.
    n : int

    Returns
    -------
    dict
        The index of the whole, as `embed_task` returns it, with ``n_shards``.

    Raises
    ------
    ValueError
        Naming the shard that is missing, or that was made from something else than the first.
    """
    suffixes = [shard_suffix(i, n) for i in range(n)]
    if not (directory / INDEX).exists():  # embedding any shard anew removes it
        write_index(directory, _whole(directory, suffixes))
    for suffix in suffixes:
        (directory / f"index{suffix}.json").unlink(missing_ok=True)
    remove_others(directory, n)
    return read_index(directory)


def _whole(directory: Path, suffixes: list[str]) -> dict:
    """The index of all shards together."""
    indices = [read_index(directory, suffix) for suffix in suffixes]
    first, n = indices[0], len(indices)
    for i, index in enumerate(indices):
        for key in ("view", "provenance", "storage"):
            if index[key] != first[key]:
                raise ValueError(
                    f"{directory}: shard {i} of {n}: {key}: expected that of shard 0, "
                    f"{first[key]!r}, found {index[key]!r}"
                )
    folders = {
        name: {split: _joined([i["folders"][name][split] for i in indices]) for split in splits}
        for name, splits in first["folders"].items()
    }
    return first | {"folders": folders, "n_shards": n}


def _joined(splits: list[dict]) -> dict:
    keys = ("files", "n_rows")
    return {key: [value for split in splits for value in split[key]] for key in keys}
