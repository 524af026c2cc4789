"""Locations of downloads, and the free disk space that a study needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ARCHIVES = Path("resources/archives")
CHECKPOINTS = Path("resources/checkpoints")
TASKS = Path("resources/tasks/hear2021")
GIB = 2**30
SPARE_BYTES = GIB  # left free for features and scores of the first tasks


class SpaceError(ValueError):
    """Too little disk space; the message gives the required, free and missing space."""


@dataclass(frozen=True)
class Need:
    """Disk space of one task, in bytes.

    ``archives`` holds the size of each archive, or that of the unpacked audio, an upper bound, if
    it is unknown; ``unpacked_bytes`` is the size of the archive's audio, ``resampled_bytes`` that
    of its copy at the model's rate (0 if there is none).
    """

    task: str
    archives: dict[str, int]
    unpacked_bytes: int
    resampled_bytes: int


def check_space(needs: Iterable[Need], sizes: Mapping[str, int] | None = None) -> None:
    """Check that the remaining files fit on the disk; existing files are subtracted.

    The folders of archives and tasks may be on two file systems; ``sizes`` are exact archive sizes
    in bytes. SpaceError names the first file system that is too small, and the space that each task
    needs there.
    """
    wanted: dict[int, list[tuple[int, str, Path]]] = {}
    for need in needs:
        archives = 0
        for name, size in need.archives.items():
            here = _bytes_in(ARCHIVES / name) + _bytes_in(ARCHIVES / f"{name}.part")
            archives += max(0, (sizes or {}).get(name, size) - here)
        audio = need.unpacked_bytes + need.resampled_bytes - _bytes_in(TASKS / need.task)
        for folder, kind, n in ((ARCHIVES, "archives", archives), (TASKS, "audio", audio)):
            folder.mkdir(parents=True, exist_ok=True)
            row = (max(0, n), f"{need.task} ({kind})", folder)
            wanted.setdefault(os.stat(folder).st_dev, []).append(row)
    for rows in wanted.values():
        folder, total = rows[0][2], sum(n for n, _, _ in rows)
        free = shutil.disk_usage(folder).free - SPARE_BYTES
        if total <= max(free, 0):
            continue
        largest = sorted(rows, key=lambda row: -row[0])
        listed = "\n  ".join(f"{n / GIB:8.2f} GiB  {name}" for n, name, _ in largest if n)
        raise SpaceError(
            f"{folder}: {total / GIB:.2f} GiB required, {max(free, 0) / GIB:.2f} GiB free "
            f"(besides a reserve of {SPARE_BYTES / GIB:.0f} GiB): {(total - free) / GIB:.2f} GiB "
            "are missing. Free some space, run fewer tasks (tasks), or resample audio when it is "
            f"read (resample: on_the_fly).\n  {listed}"
        )


def _bytes_in(path: Path) -> int:
    """Bytes of a file or of all files below a folder; 0 if there is none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file())
