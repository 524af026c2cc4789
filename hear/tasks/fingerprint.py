"""The hash that tells task data apart in a score's provenance."""

from __future__ import annotations

import hashlib

from tqdm import tqdm

from hear.files import sha256_file
from hear.tasks.audio_checks import SAMPLE_RATES_HZ
from hear.tasks.folder import VOCABULARY_FILE, TaskFolder
from hear.tasks.problems import METADATA_FILE


def folder_fingerprint(folder: TaskFolder, progress: bool = False) -> str:
    """Return the hash of a task's data, `task_hash` in a score's provenance.

    SHA-256 over the metadata, the vocabulary, the split files and every audio file, their names
    relative to the folder: 64 hexadecimal digits, the same wherever the folder lies.
    """
    digest = hashlib.sha256()
    texts = [METADATA_FILE, VOCABULARY_FILE, *(f"{split}.json" for split in folder.splits)]
    folders = [folder.path / str(rate) for rate in SAMPLE_RATES_HZ]
    audio = [path for parent in folders for path in parent.rglob("*") if path.is_file()]
    names = [*texts, *sorted(path.relative_to(folder.path).as_posix() for path in audio)]
    for name in tqdm(names, f"{folder.name}: hash", unit="file", disable=not progress):
        digest.update(f"{name}\0{sha256_file(folder.path / name)}\0".encode())
    return digest.hexdigest()
