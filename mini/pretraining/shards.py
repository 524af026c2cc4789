"""Shards of pretraining clips, each made by a fresh process.

    <destination>/
        dataset.json         seed, numbers of clips, generator version
        tags.csv             idx,label
        index.csv            file,split,labels (tag names joined by ';'), of all shards
        clips/train-000/     train-000000.wav, ...: 16 bit, mono, 32 kHz, 4 s
        shards/train-000.csv rows of the index; its existence says that the shard is complete

eSpeak NG keeps state between calls, so each shard is made in a fresh process, and its bytes depend
on the seed and its own clips only. Shards can be made in any order and by several processes at
once; a killed run resumes with the missing shards.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mini.make import run_fresh
from mini.pretraining.scenes import SPLITS, make_scenes
from mini.pretraining.tags import TAGS
from mini.task import SAMPLE_RATE_HZ, MiniTaskError
from mini.writer import write_json, write_text, write_vocabulary, write_wav

PRETRAINING_VERSION = 1  # raised whenever the bytes of the clips change
SHARD_SIZE = 500  # clips of a shard, fixed: the bytes depend on it


@dataclass(frozen=True)
class Shard:
    """Clips `start` to `stop` (not included) of a split."""

    split: str
    start: int
    stop: int

    @property
    def name(self) -> str:
        """Name of its folder and table, for example "train-003"."""
        return f"{self.split}-{self.start // SHARD_SIZE:03d}"


def shards_of(n_clips: int, n_valid: int) -> list[Shard]:
    """All shards of a data set, those of the training split first; each split needs a clip."""
    counts = dict(zip(SPLITS, (n_clips, n_valid), strict=True))
    if min(counts.values()) < 1:
        raise MiniTaskError(f"every split needs at least 1 clip, found {counts}")
    return [
        Shard(split, start, min(start + SHARD_SIZE, count))
        for split, count in counts.items()
        for start in range(0, count, SHARD_SIZE)
    ]


def make_dataset(
    destination: Path, n_clips: int, n_valid: int, seed: int, numbers: Iterable[int] | None = None
) -> Path:
    """Make the missing shards, each in a fresh process, and the index of the existing ones.

    The training split has `n_clips` clips, the validation split `n_valid`; `seed` (>= 0) determines
    all random draws; `numbers` selects shards of `shards_of(n_clips, n_valid)`, by default all.
    Returns the path of `index.csv`, which is written once all shards exist.

    Raises
    ------
    MiniTaskError
        If the folder holds another data set, a number or the seed is out of range, or a process
        failed.
    """
    if seed < 0:
        raise MiniTaskError(f"seed must be >= 0, found {seed}")
    shards = shards_of(n_clips, n_valid)
    numbers = range(len(shards)) if numbers is None else list(numbers)
    if any(not 0 <= number < len(shards) for number in numbers):
        raise MiniTaskError(f"shards must be in 0 to {len(shards) - 1}, found {list(numbers)}")
    destination = Path(destination).resolve()
    _claim(destination, n_clips, n_valid, seed)
    tables = [_table(destination, shard) for shard in shards]
    for number in numbers:
        if not tables[number].exists():
            arguments = ["--n-clips", str(n_clips), "--n-valid", str(n_valid), "--seed", str(seed)]
            arguments += ["--in-process", str(number)]
            if status := run_fresh("mini.pretraining", str(destination), *arguments):
                raise MiniTaskError(
                    f"shard {number} of {destination} failed with exit status {status}"
                )
    index = destination / "index.csv"
    if all(table.exists() for table in tables):
        bodies = [table.read_text(encoding="utf-8").split("\n", 1)[1] for table in tables]
        write_text(index, "file,split,labels\n" + "".join(bodies))
    return index


def write_shard(destination: Path, shard: Shard, seed: int) -> None:
    """Make one shard in this process, which must not have called eSpeak NG before."""
    folder = Path(destination) / "clips" / shard.name
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["file,split,labels"]
    indices = range(shard.start, shard.stop)
    for index, scene in zip(indices, make_scenes(shard.split, indices, seed), strict=True):
        path = folder / f"{shard.split}-{index:06d}.wav"
        write_wav(path, scene.audio)
        rows.append(f"clips/{shard.name}/{path.name},{shard.split},{';'.join(scene.tags)}")
    write_text(_table(Path(destination), shard), "\n".join(rows) + "\n")


def _table(destination: Path, shard: Shard) -> Path:
    return destination / "shards" / f"{shard.name}.csv"


def _claim(destination: Path, n_clips: int, n_valid: int, seed: int) -> None:
    """Write the description of the folder's data set, or check it against an existing one."""
    content: dict[str, Any] = {
        "pretraining_version": PRETRAINING_VERSION,
        "seed": seed,
        "n_train": n_clips,
        "n_valid": n_valid,
        "n_tags": len(TAGS),
        "sample_rate_hz": SAMPLE_RATE_HZ,
    }
    record = destination / "dataset.json"
    if record.exists():
        found = json.loads(record.read_text(encoding="utf-8"))
        if found != content:
            raise MiniTaskError(f"{record}: expected {content}, found {found}; choose a new folder")
    (destination / "shards").mkdir(parents=True, exist_ok=True)
    write_json(record, content)
    write_vocabulary(destination / "tags.csv", TAGS)
