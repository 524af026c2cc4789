"""Preparation of task folders from archives: unpacking and optional resampling."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hear.archives.downsample import resample_folder
from hear.archives.unpack import unpack
from hear.files import write_json
from hear.tasks.audio_checks import MODEL_RATE_HZ, SAMPLE_RATES_HZ, unnamed_files
from hear.tasks.folder import read_task
from hear.tasks.problems import METADATA_FILE

RESAMPLE = ("on_the_fly", "disk", "disk_only")  # while reading; a copy; a copy and no original
NOTES = ".unpacked.json"  # what was unpacked in a folder, by archive


def prepare_archives(
    archives: Sequence[Path],
    destination: Path,
    resample: str = "on_the_fly",
    n_threads: int = 1,
    hashes: Mapping[str, Mapping[str, str]] | None = None,
    progress: bool = True,
) -> tuple[list[Path], dict]:
    """Unpack archives and resample their audio; work finished by an interrupted call is kept.

    ``resample`` is one of `RESAMPLE`; ``hashes`` holds, by archive name, the argument of
    `hear.archives.unpack.unpack`.

    Returns
    -------
    folders : list of Path
        One task folder per archive.
    origin : dict
        ``archives`` and ``md5``: SHA-256 and MD5 by name; ``resampled``: original and new sample
        rate by folder; ``warnings``: files that were left out or changed.

    Raises
    ------
    ArchiveError
        If an archive is damaged, unsafe or does not match ``hashes``.
    TaskError
        If a task folder to be resampled is malformed, or clips cannot be resampled.
    """
    if resample not in RESAMPLE:
        raise ValueError(f"resample: expected one of {', '.join(RESAMPLE)}; found {resample!r}")
    path = destination / NOTES
    notes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    folders: list[Path] = []
    origin: dict[str, Any] = {"archives": {}, "md5": {}, "warnings": []}
    for archive in archives:
        status = archive.stat()
        stamp = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
        entry = notes.get(archive.name, {})
        if not _is_unpacked(entry, stamp, destination, resample):
            if entry:
                shutil.rmtree(destination / entry["folder"], ignore_errors=True)
            known = (hashes or {}).get(archive.name)
            unpacked = unpack(archive, destination, known, progress=progress)._asdict()
            folder = unpacked["folder"]
            rates_hz = [rate for rate in SAMPLE_RATES_HZ if (folder / str(rate)).is_dir()]
            entry = {**unpacked, "folder": folder.name, "rates_hz": rates_hz, **stamp}
            entry["copy_warnings"] = []
        folder = destination / entry["folder"]
        from_hz = _rate_to_copy(entry["rates_hz"])
        entry["is_reduced"] = from_hz is not None and resample == "disk_only"
        notes[archive.name] = entry
        write_json(path, notes)  # before the first original is removed
        if from_hz is not None and resample == "on_the_fly":  # a copy of an earlier setting
            shutil.rmtree(folder / str(MODEL_RATE_HZ), ignore_errors=True)
        elif from_hz is not None:
            said = _copy(folder, from_hz, not entry["is_reduced"], n_threads, progress)
            entry["copy_warnings"] = list(dict.fromkeys([*entry["copy_warnings"], *said]))
            write_json(path, notes)  # a later call finds nothing to copy, so nothing to say
            origin["warnings"] += entry["copy_warnings"]
            rates = {"from_hz": from_hz, "to_hz": MODEL_RATE_HZ}
            origin.setdefault("resampled", {})[folder.name] = rates
        folders.append(folder)
        origin["archives"][archive.name] = entry["sha256"]
        origin["md5"][archive.name] = entry["md5"]
        origin["warnings"] += entry["warnings"]
    return folders, origin


def _is_unpacked(entry: dict, stamp: dict, destination: Path, resample: str) -> bool:
    """Return whether an archive is already unpacked with all required audio."""
    if not stamp.items() <= entry.items() or "md5" not in entry:  # as of an older version
        return False
    is_whole = not entry["is_reduced"] or resample == "disk_only"
    return is_whole and (destination / entry["folder"] / METADATA_FILE).exists()


def _rate_to_copy(rates_hz: Sequence[int]) -> int | None:
    """Lowest rate above the model's; None if audio exists at the model's rate, or only below."""
    above = [rate for rate in rates_hz if rate > MODEL_RATE_HZ]
    return None if MODEL_RATE_HZ in rates_hz or not above else min(above)


def _copy(
    folder: Path, from_hz: int, keep_source: bool, n_threads: int, progress: bool
) -> list[str]:
    """Resample a task folder's audio; return warnings."""
    task = read_task(folder)
    warnings = [f"{task.name}/{said}" for said in unnamed_files(task, from_hz)]
    done = resample_folder(task, from_hz, MODEL_RATE_HZ, keep_source, n_threads, progress)
    if done.n_clipped:
        said = f"{done.n_clipped} of {done.n_written} clips reach beyond full scale: clipped"
        warnings.append(f"{task.name}/{MODEL_RATE_HZ}: {said}")
    return warnings
