"""Mini tasks of few clips, and the hashes of their files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mini.make import make_task
from mini.task import Scale

SCALE = Scale(0.1, 0.1)  # a tenth of the clips, at least one per split


def make_small(slug: str, destination: Path, seed: int = 0) -> list[Path]:
    return make_task(slug, destination, seed, scale=SCALE, progress=False)


def hashes(folder: Path, pattern: str = "*") -> dict[str, str]:
    """Hash of each file below a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob(pattern))
        if path.is_file()
    }
