"""The hashes of a task's files, which tell its data apart."""

from __future__ import annotations

import hashlib

from tqdm import tqdm

from hear.files import sha256_file
from hear.tasks.audio_checks import SAMPLE_RATES_HZ
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import METADATA_FILE, VOCABULARY_FILE


def file_hashes(folder: TaskFolder, progress: bool = False) -> dict[str, str]:
    """Return the SHA-256 of each file that a task names and that is there, by its name.

    They are the metadata, the vocabulary, the split files, and the clips `<rate>/<split>/<clip>` in
    every audio folder. A file that no split names is none of the task's.
    """
    texts = [METADATA_FILE, VOCABULARY_FILE, *(f"{split}.json" for split in folder.splits)]
    clips = {
        f"{rate_hz}/{split}/{clip}": path
        for rate_hz in SAMPLE_RATES_HZ
        for split in folder.splits
        for clip, path in folder.audio(rate_hz, split).items()
        if path.is_file()
    }
    paths = {name: folder.path / name for name in texts} | dict(sorted(clips.items()))
    bar = tqdm(paths.items(), f"{folder.name}: hash", unit="file", disable=not progress)
    return {name: sha256_file(path) for name, path in bar}


def fingerprint(hashes: dict[str, str]) -> str:
    """Return the hash of a task's data, `task_hash` in a score's provenance.

    SHA-256 over names and hashes as `file_hashes` gives them: 64 hexadecimal digits, the same
    wherever the folder lies.
    """
    digest = hashlib.sha256()
    for name, sha256 in hashes.items():
        digest.update(f"{name}\0{sha256}\0".encode())
    return digest.hexdigest()
