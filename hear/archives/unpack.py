"""Unpacking HEAR archives into task folders, hashed and verified in the same pass.

Members lie below `hear-x.y.z/tasks/<folder>/`, `tasks/<folder>/` or `<folder>/`; the unpacked
task folder is `<destination>/<folder>` in every case.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tqdm import tqdm

from hear.archives.tar import ArchiveError, no_task, open_tar, task_folder

MAX_MEMBER_BYTES = 8 * 2**30  # 8 GiB; the longest HEAR clip (600 s at 48 kHz) has 58 MB
MAX_TOTAL_BYTES = 200 * 2**30  # 200 GiB; all of HEAR 2021 at 48 kHz unpacks to 148 GiB


def unpack(
    archive: Path | str,
    destination: Path | str,
    hashes: Mapping[str, str] | None = None,
    max_bytes: int = MAX_TOTAL_BYTES,
    progress: bool = True,
) -> tuple[Path, str]:
    """Unpack an archive's task folder to `<destination>/<folder>`, reading the archive once.

    Everything goes to a hidden folder in the destination first and is renamed once the archive
    was read to its end, so an interrupted call leaves nothing that looks finished. A task folder
    of that name is replaced. Members outside the task folder are dropped.

    Parameters
    ----------
    archive : Path or str
        A .tar or .tar.gz with one task folder, as the official ones are.
    destination : Path or str
        Created if need be.
    hashes : mapping or None
        Hexadecimal hashes that the archive must have, by algorithm (`md5`, `sha256`).
    max_bytes : int
        Refuse archives that unpack to more.
    progress : bool
        Show a bar of compressed bytes with the rate.

    Returns
    -------
    folder : Path
        The task folder.
    sha256 : str
        Of the archive, hexadecimal.

    Raises
    ------
    ArchiveError
        If the archive is damaged, incomplete, another one than ``hashes`` say or unsafe (links,
        devices, members outside, absurd sizes), or holds no or several task folders.
    """
    archive, destination = Path(archive), Path(destination)
    destination.mkdir(parents=True, exist_ok=True)
    temporary = destination / f".{archive.name}.partial"
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "unpacked").mkdir(parents=True)
    hashes = hashes or {}
    digests = {name: hashlib.new(name) for name in {"sha256", *hashes}}
    bar = tqdm(
        desc=f"unpacking {archive.name}",
        total=archive.stat().st_size,
        unit="B",
        unit_scale=True,
        disable=not progress,
    )
    try:
        with bar, open_tar(archive, lambda raw: _Hashed(raw, digests.values(), bar)) as tar:
            folder = _extract(archive, tar, temporary / "unpacked", max_bytes)
        for name, expected in hashes.items():
            if (found := digests[name].hexdigest()) != expected:
                raise ArchiveError(f"{archive}: {name}: expected {expected}, found {found}")
        target = destination / folder.name
        if target.exists():
            os.replace(target, temporary / "replaced")
        os.replace(temporary / "unpacked" / folder, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target, digests["sha256"].hexdigest()


class _Hashed:
    """A file whose bytes are hashed and counted when they are read."""

    def __init__(self, raw: BinaryIO, digests, bar: tqdm) -> None:
        self.raw, self.digests, self.bar = raw, digests, bar

    def read(self, n_bytes: int = -1) -> bytes:
        content = self.raw.read(n_bytes)
        for digest in self.digests:
            digest.update(content)
        self.bar.update(len(content))
        return content


def _extract(
    archive: Path, tar: tarfile.TarFile, destination: Path, max_bytes: int
) -> PurePosixPath:
    """Extract every member; return the folder that has task metadata.

    Links and names that leave the folder are refused: tarfile's data filter (PEP 706) would let
    some of them pass, and HEAR archives have none.
    """
    folders, n_bytes = set(), 0
    for member in tar:
        name = PurePosixPath(member.name.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts:
            raise ArchiveError(f"{archive}: expected members inside the archive, found {name}")
        if not (member.isreg() or member.isdir()):
            kind = "a link" if member.issym() or member.islnk() else "a special file"
            raise ArchiveError(f"{archive}: expected files and folders, found {kind}: {name}")
        n_bytes += member.size
        if member.size > MAX_MEMBER_BYTES or n_bytes > max_bytes:
            raise ArchiveError(
                f"{archive}: expected at most {MAX_MEMBER_BYTES} bytes in a member and {max_bytes} "
                f"in all, found {name}: {member.size}, {n_bytes} so far"
            )
        tar.extract(member, destination, filter="data")
        if (folder := task_folder(archive, member)) is not None:
            folders.add(folder)
    if not folders:
        raise no_task(archive)
    if len(folders) > 1:
        found = ", ".join(sorted(map(str, folders)))
        raise ArchiveError(f"{archive}: expected one task folder per archive, found {found}")
    return folders.pop()
