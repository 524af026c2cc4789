"""Where downloads lie, and whether the disk has room for what a study downloads and unpacks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ARCHIVES = Path("resources/archives")
CHECKPOINTS = Path("resources/checkpoints")
GIB = 2**30
SPARE_BYTES = GIB  # left free for features and scores of the first tasks


class SpaceError(ValueError):
    """The disk is too small; the message says what is needed, free and missing."""


@dataclass(frozen=True)
class Need:
    """What one task takes on the disk, in bytes.

    Attributes
    ----------
    archives : dict of str to int
        Size by archive; where unknown, that of the unpacked audio, which is never less.
    unpacked_bytes, resampled_bytes : int
        Audio as the archive has it, and its copy at the model's rate (0 if there is none).
    """

    task: str
    archives: dict[str, int]
    unpacked_bytes: int
    resampled_bytes: int


def check_space(needs: Iterable[Need], archives_dir: Path, tasks_dir: Path) -> None:
    """Check that what is still to come fits onto the disk.

    Parameters
    ----------
    needs : iterable of Need
        All tasks of the study that are not finished; what is there already is taken off.
    archives_dir, tasks_dir : Path
        Where archives and `<task>/` folders lie; they may be on two file systems.

    Raises
    ------
    SpaceError
        Naming each file system that is too small and what the tasks need there.
    """
    wanted: dict[int, list[tuple[Path, str, int]]] = {}
    for need in needs:
        archives = sum(
            max(0, size - _bytes_in(archives_dir / name) - _bytes_in(archives_dir / f"{name}.part"))
            for name, size in need.archives.items()
        )
        unpacked = need.unpacked_bytes + need.resampled_bytes - _bytes_in(tasks_dir / need.task)
        for folder, kind, n_bytes in (
            (archives_dir, "archives", archives),
            (tasks_dir, "audio", max(0, unpacked)),
        ):
            folder.mkdir(parents=True, exist_ok=True)
            device = os.stat(folder).st_dev
            wanted.setdefault(device, []).append((folder, f"{need.task} ({kind})", n_bytes))
    for rows in wanted.values():
        _check_device(rows)


def _check_device(rows: list[tuple[Path, str, int]]) -> None:
    total = sum(n_bytes for _, _, n_bytes in rows)
    if not total:
        return
    free = shutil.disk_usage(rows[0][0]).free - SPARE_BYTES
    if total <= free:
        return
    largest = sorted(rows, key=lambda row: -row[2])
    listed = "\n  ".join(f"{n / GIB:8.2f} GiB  {name}" for _, name, n in largest if n)
    raise SpaceError(
        f"{rows[0][0]}: {total / GIB:.2f} GiB to come, {max(free, 0) / GIB:.2f} GiB free "
        f"(beside {SPARE_BYTES / GIB:.0f} GiB that is kept free): {(total - free) / GIB:.2f} GiB "
        "are missing. Free some, run fewer tasks (tasks), or do without the copy at the model's "
        f"rate (resample: on_the_fly).\n  {listed}"
    )


def _bytes_in(path: Path) -> int:
    """Bytes of a file or of all files below a folder; 0 if there is none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file())
