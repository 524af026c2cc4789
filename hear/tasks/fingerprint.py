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
    """Return the files that a task names and that are there, by their names.

    They are `text_files`, and the clips `<rate>/<split>/<clip>` in every audio folder. A file that
    no split names is none of the task's.
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
    """Return size and time of the last change (ns) of each of `task_files` of a task's folders.

    The time is the one that no program can set, of content or name (``st_ctime``).
    """
    statuses = {path: path.stat() for folder in folders for path in task_files(folder).values()}
    return {path: (status.st_size, status.st_ctime_ns) for path, status in statuses.items()}


def fingerprint(hashes: dict[str, str]) -> str:
    """Return the hash of a task's data, `task_hash` in a score's provenance.

    SHA-256 over names and hashes as `file_hashes` gives them: 64 hexadecimal digits, the same
    wherever the folder lies.
    """
    digest = hashlib.sha256()
    for name, sha256 in hashes.items():
        digest.update(f"{name}\0{sha256}\0".encode())
    return digest.hexdigest()
