"""Unpacking HEAR archives into task folders.

Members lie below `hear-x.y.z/tasks/<folder>/`, `tasks/<folder>/` or `<folder>/`; the unpacked
task folder is `<destination>/<folder>` in every case.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

from hear.archives.tar import (
    MAX_TOTAL_BYTES,
    ArchiveError,
    OpenArchive,
    metadata_folder,
    no_metadata,
    open_archive,
)


def unpack(
    archive: Path | str,
    destination: Path | str,
    max_bytes: int = MAX_TOTAL_BYTES,
    progress: bool = True,
) -> list[Path]:
    """Unpack an archive's task folders to `<destination>/<folder>`.

    Everything goes to a hidden folder in the destination first and is renamed once the archive
    was read to its end, so an interrupted call leaves nothing that looks finished. A task folder
    of that name is replaced. Members outside a task folder are dropped.

    Parameters
    ----------
    archive : Path or str
        A .tar or .tar.gz with one task folder, as the official ones are.
    destination : Path or str
        Created if need be.
    max_bytes : int
        Refuse archives that unpack to more.
    progress : bool
        Show a bar of compressed bytes with the rate.

    Returns
    -------
    list of Path
        The task folder.

    Raises
    ------
    ArchiveError
        If the archive is damaged, incomplete or unsafe (links, devices, members outside,
        absurd sizes), or holds no or several task folders.
    """
    archive, destination = Path(archive), Path(destination)
    destination.mkdir(parents=True, exist_ok=True)
    temporary = destination / f".{archive.name}.partial"
    if temporary.exists():
        shutil.rmtree(temporary)
    temporary.mkdir()
    try:
        with open_archive(archive, progress) as opened:
            folders = _extract(opened, temporary / "unpacked", max_bytes)
            opened.verify_end()
        if not folders:
            raise no_metadata(archive)
        return [_move(temporary, folder, destination) for folder in folders]
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _extract(opened: OpenArchive, temporary: Path, max_bytes: int) -> list[PurePosixPath]:
    """Extract every member; return the folders that have task metadata."""
    folders: list[PurePosixPath] = []
    for member in opened.members(max_bytes):
        opened.tar.extract(member, temporary, filter="data")
        folder = metadata_folder(opened.path, member)
        if folder is not None:
            folders.append(folder)
    if len(folders) > 1:
        found = ", ".join(map(str, folders))
        raise ArchiveError(f"{opened.path}: expected one task folder per archive, found {found}")
    return folders


def _move(temporary: Path, folder: PurePosixPath, destination: Path) -> Path:
    target = destination / folder.name
    if target.exists():
        os.replace(target, temporary / f"old-{folder.name}")
    os.replace(temporary / "unpacked" / folder, target)
    return target
