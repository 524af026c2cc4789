"""From archives to task folders that can be embedded: unpacked once, resampled if wanted."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from hear.archives.downsample import resample_folder
from hear.archives.tar import ArchiveError, sha256_file
from hear.archives.unpack import unpack
from hear.tasks.audio_checks import SAMPLE_RATES_HZ
from hear.tasks.metadata import METADATA_FILE

MODEL_RATE_HZ = 32000  # PaSST's, as in check_audio
RESAMPLE = ("on_the_fly", "disk", "disk_only")  # while reading; a copy; a copy and no original
NOTES = ".unpacked.json"  # what was unpacked in a folder, by archive


def prepare_archives(
    archives: Sequence[Path],
    destination: Path,
    resample: str = "on_the_fly",
    n_threads: int = 1,
    verify: Callable[[Path], str] = sha256_file,
    fetch_again: Callable[[Path], object] | None = None,
    progress: bool = True,
) -> tuple[list[Path], dict]:
    """Unpack archives and resample their audio; what an earlier, killed call finished is kept.

    Parameters
    ----------
    archives : sequence of Path
        Each with one task folder.
    destination : Path
        Task folders come to lie in it.
    resample : str
        One of `RESAMPLE`.
    n_threads : int
        For resampling.
    verify : callable
        Returns an archive's SHA-256; a ValueError says that it is not the right file.
    fetch_again : callable or None
        Called once with an archive that is damaged or not the right one; shall replace it.
    progress : bool
        Show bars.

    Returns
    -------
    folders : list of Path
    origin : dict
        ``archives``: SHA-256 by name; ``resampled``: from and to which rate, by folder.

    Raises
    ------
    ValueError
        Naming an archive that is damaged or wrong (again, if it was fetched again).
    AudioError
        Naming a clip that cannot be resampled.
    """
    if resample not in RESAMPLE:
        raise ValueError(f"resample: expected one of {', '.join(RESAMPLE)}; found {resample!r}")
    folders, origin = [], {"archives": {}}
    for archive in archives:
        notes = _Notes(destination, archive.name)
        try:
            entry = _unpack_once(archive, verify(archive), notes, resample, progress)
        except ValueError as error:
            if fetch_again is None:
                raise
            tqdm.write(f"{error}\n{archive.name}: fetched again, once", file=sys.stderr)
            fetch_again(archive)
            entry = _unpack_once(archive, verify(archive), notes, resample, progress)
        folder = destination / entry["folder"]
        folders.append(folder)
        origin["archives"][archive.name] = entry["sha256"]
        if (note := _resample(folder, entry, notes, resample, n_threads, progress)) is not None:
            origin.setdefault("resampled", {})[folder.name] = note
    return folders, origin


def check_folders(folders: Sequence[Path], names: Sequence[str], embedding_type: str) -> None:
    """Check that unpacked folders are those that the study was planned with.

    Raises
    ------
    ArchiveError
        Naming folders or kind expected and found.
    """
    found = sorted(folder.name for folder in folders)
    if found != sorted(names):
        raise ArchiveError(
            f"config/tasks.tsv: folders: expected {', '.join(sorted(names))}; the archives have "
            f"{', '.join(found)}"
        )
    for folder in folders:
        metadata = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
        if (kind := metadata.get("embedding_type")) != embedding_type:
            raise ArchiveError(
                f"{folder / METADATA_FILE}: embedding_type: expected {embedding_type!r} as in "
                f"config/tasks.tsv, found {kind!r}"
            )


class _Notes:
    """What is noted of one archive in the folder that it was unpacked in."""

    def __init__(self, destination: Path, archive: str) -> None:
        self.destination, self.path, self.archive = destination, destination / NOTES, archive

    def read(self) -> dict | None:
        return self._all().get(self.archive)

    def write(self, entry: dict) -> None:
        temporary = self.path.with_name(f"{NOTES}.{os.getpid()}.part")
        temporary.write_text(json.dumps(self._all() | {self.archive: entry}, indent=1))
        os.replace(temporary, self.path)

    def _all(self) -> dict[str, dict]:
        return json.loads(self.path.read_text()) if self.path.exists() else {}


def _unpack_once(archive: Path, sha256: str, notes: _Notes, resample: str, progress: bool) -> dict:
    """Unpack an archive unless all that is needed of it is here; return what is noted of it."""
    entry = notes.read()
    if entry is not None:
        folder = notes.destination / entry["folder"]
        is_whole = not entry["is_reduced"] or resample == "disk_only"
        if entry["sha256"] == sha256 and is_whole and (folder / METADATA_FILE).exists():
            return entry
        shutil.rmtree(folder, ignore_errors=True)
    (folder,) = unpack(archive, notes.destination, progress=progress)
    rates_hz = [rate for rate in SAMPLE_RATES_HZ if (folder / str(rate)).is_dir()]
    entry = {"sha256": sha256, "folder": folder.name, "rates_hz": rates_hz, "is_reduced": False}
    notes.write(entry)
    return entry


def _resample(
    folder: Path, entry: dict, notes: _Notes, resample: str, n_threads: int, progress: bool
) -> dict | None:
    """Bring a folder into the state that ``resample`` asks for; None if its files are as unpacked.

    Audio at the model's rate, or only below it, is left as it is.
    """
    above = [rate for rate in entry["rates_hz"] if rate > MODEL_RATE_HZ]
    if MODEL_RATE_HZ in entry["rates_hz"] or not above:
        return None
    if resample == "on_the_fly":
        shutil.rmtree(folder / str(MODEL_RATE_HZ), ignore_errors=True)  # of an earlier setting
        return None
    keep_source = resample == "disk"
    if not keep_source:
        notes.write(entry | {"is_reduced": True})
    done = resample_folder(folder, min(above), MODEL_RATE_HZ, keep_source, n_threads, progress)
    if done.n_clipped:
        said = f"{done.n_clipped} of {done.n_written} clips reach beyond full scale: clipped"
        tqdm.write(f"warning: {folder.name}: {said}", file=sys.stderr)
    return {"from_hz": min(above), "to_hz": MODEL_RATE_HZ}
