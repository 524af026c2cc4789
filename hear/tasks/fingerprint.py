"""Hashes of a task's files, which identify its data."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tqdm import tqdm

from hear.files import sha256_file
from hear.tasks.audio_checks import SAMPLE_RATES_HZ
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import METADATA_FILE, VOCABULARY_FILE


def text_files(folder: TaskFolder) -> dict[str, Path]:
    """Return a task's metadata, vocabulary and split files, by their names."""
    names = [METADATA_FILE, VOCABULARY_FILE, *(f"{split}.json" for split in folder.splits)]
    return {name: folder.path / name for name in names}


def task_files(folder: TaskFolder) -> dict[str, Path]:
    """Return the existing files that belong to a task, by their names.

    These are `text_files` and the clips `<rate>/<split>/<clip>` in every audio folder. Files that
    no split names do not belong to the task.
    """
    clips = {
        f"{rate_hz}/{split}/{clip}": path
        for rate_hz in SAMPLE_RATES_HZ
        for split in folder.splits
        for clip, path in folder.audio(rate_hz, split).items()
        if path.is_file()
    }
    return text_files(folder) | dict(sorted(clips.items()))


def file_hashes(folder: TaskFolder, progress: bool = False) -> dict[str, str]:
    """Return the SHA-256 of each of `task_files`, by its name."""
    files = task_files(folder).items()
    bar = tqdm(files, f"{folder.name}: hash", unit="file", disable=not progress)
    return {name: sha256_file(path) for name, path in bar}


def states(folders: list[TaskFolder]) -> dict[Path, tuple[int, int]]:
    """Return size and change time (ns) of each of `task_files` of a task's folders.

    The time is ``st_ctime``, which programs cannot set.
    """
    statuses = {path: path.stat() for folder in folders for path in task_files(folder).values()}
    return {path: (status.st_size, status.st_ctime_ns) for path, status in statuses.items()}


def fingerprint(hashes: dict[str, str]) -> str:
    """Return the hash of a task's data, `task_hash` in a score's provenance.

    SHA-256 over the names and hashes from `file_hashes`: 64 hexadecimal digits, independent of the
    folder's location.
    """
    digest = hashlib.sha256()
    for name, sha256 in hashes.items():
        digest.update(f"{name}\0{sha256}\0".encode())
    return digest.hexdigest()
