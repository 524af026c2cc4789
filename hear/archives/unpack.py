"""Unpacking of HEAR archives into task folders, streamed in one pass.

Members lie in `hear-x.y.z/tasks/<folder>/`, `tasks/<folder>/` or `<folder>/`; the unpacked task
folder is always `<destination>/<folder>`. Python's tarfile mistakes a damaged header or a missing
end for the end of an archive, and its stream mode does not compare gzip checksums; both are checked
here. Finding archives requires the standard library only, because it happens before anything is
installed; unpacking shows its progress with tqdm.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import platform
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Self

from hear.files import naming
from hear.tasks.problems import METADATA_FILE, listed, shorten

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1
BLOCK_BYTES = 512  # POSIX.1-1988 ustar: headers and the end marker are blocks of this size
CHUNK_BYTES = 2**20  # read at once: few system calls, little memory
MAX_MEMBER_BYTES = 8 * 2**30  # 8 GiB; the longest HEAR clip (600 s at 48 kHz) has 58 MB
MAX_FOLDERS = 100  # of a name; HEAR's clips are below five, and Python cannot remove a thousand
MAX_HEADER_BYTES = 2**20  # 1 MiB for a long name or an extended header, which are read at once
MAX_TOTAL_BYTES = 200 * 2**30  # 200 GiB; all of HEAR 2021 at 48 kHz unpacks to 148 GiB


EXTENDING = (  # headers that hold what does not fit into the next one
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip
SPARSE = "a sparse file; pack without --sparse"
UNNAMEABLE = (  # what the system says of names that are too long, malformed or taken otherwise
    errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ,
    errno.ELOOP, errno.ENOENT,
)  # fmt: skip


class ArchiveError(ValueError):
    """A damaged or unsafe archive; the message names it and the member."""


class Unpacked(NamedTuple):
    """Result of unpacking: task folder, hashes (hexadecimal), and warnings about omitted links."""

    folder: Path
    sha256: str
    md5: str
    warnings: list[str]


class _Member(tarfile.TarInfo):
    """A member's header; rejects headers that make tarfile read without limit into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError(SPARSE)
        if member.type in EXTENDING and member.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {member.size} bytes")
        return member

    def _proc_gnusparse_10(self, *_: object) -> None:  # tarfile's, for POSIX's form
        raise tarfile.ReadError(SPARSE)


@contextmanager
def open_tar(
    path: Path, wrap: Callable[[Any], Any] = lambda raw: raw, to_end: bool = True
) -> Iterator[tarfile.TarFile]:
    """Open a .tar or .tar.gz file (distinguished by content) for one pass over its members.

    ``wrap`` takes the open file and returns a replacement with a method ``read``. With ``to_end``,
    the rest of the file is read when the block ends, to check that it is complete. ArchiveError if
    the archive turns out to be corrupted or truncated.
    """
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            raw.seek(0)
            stream = gzip.GzipFile(fileobj=wrap(raw), mode="rb") if is_gzip else wrap(raw)
            with _malformed(path):  # the first header is read at once
                tar = tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES, tarinfo=_Member)
            with tar:
                yield tar
                n_behind = 0
                while to_end and (behind := stream.read(CHUNK_BYTES)):  # gzip's checksum is last
                    n_behind += len(behind)
                    if n_behind > MAX_MEMBER_BYTES:
                        raise tarfile.ReadError(f"more than {MAX_MEMBER_BYTES} bytes behind it")
                if to_end and not is_gzip:
                    raw.seek(tar.offset)
                    if raw.read(BLOCK_BYTES) != bytes(BLOCK_BYTES):
                        raise tarfile.ReadError("no end marker after the last member")
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ArchiveError(
            f"{path}: expected a complete tar archive (plain or gzip), found it corrupted or "
            f"truncated: {error}"
        ) from error


@contextmanager
def _malformed(path: Path) -> Iterator[None]:
    """Turn tarfile's errors about numbers and names in headers into ArchiveError."""
    try:
        yield
    except (ValueError, LookupError, ArithmeticError, RecursionError) as error:
        raise ArchiveError(
            f"{path}: expected headers of a tar archive, found an error: {error}"
        ) from error


def members(path: Path, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield an archive's members; ArchiveError for an invalid header or a huge member."""
    while True:
        with _malformed(path):
            member = tar.next()
        if member is None:
            return
        if not 0 <= member.size <= MAX_MEMBER_BYTES:
            expected = f"at most {MAX_MEMBER_BYTES} bytes in a member"
            found = f"{shorten(member.name)}: {member.size}"
            raise ArchiveError(f"{path}: expected {expected}, found {found}")
        yield member


def task_folder(path: Path, member: tarfile.TarInfo) -> PurePosixPath | None:
    """Return the task folder whose metadata file this member is; None for other members."""
    name = PurePosixPath(member.name)
    if not member.isreg() or name.name != METADATA_FILE:
        return None
    if name.parent.name.startswith(".") or not name.parent.name:
        expected = f"{METADATA_FILE} inside a task folder"
        found = f"it in {name.parent.name!r}" if name.parent.name else "it at the top"
        raise ArchiveError(f"{path}: expected {expected}, found {found}")
    return name.parent


def unpack(
    archive: Path | str,
    destination: Path | str,
    hashes: Mapping[str, str] | None = None,
    max_bytes: int = MAX_TOTAL_BYTES,
    progress: bool = True,
) -> Unpacked:
    """Unpack an archive's task folder to `<destination>/<folder>`.

    Files are extracted to a hidden folder in the destination, which is renamed once the archive has
    been read to its end, so that an interrupted call leaves no seemingly finished folder. An
    existing task folder of that name is replaced. Members outside the task folder are dropped. A
    hard link to an earlier member becomes a copy of it; other links are omitted with a warning.
    ``hashes`` are the expected hexadecimal hashes by algorithm (`md5`, `sha256`).

    Raises
    ------
    ArchiveError
        If the archive is damaged, incomplete, does not match ``hashes``, is unsafe (devices,
        members outside the folder, more than ``max_bytes``), or holds no or several task folders.
    """
    from tqdm import tqdm  # here: what finds tasks imports this module and needs no packages

    archive, destination, hashes = Path(archive), Path(destination), hashes or {}
    if not hasattr(tarfile, "data_filter"):
        raise ArchiveError(
            f"{archive}: expected Python 3.11.4 or later, whose tarfile has extraction filters, "
            f"found {platform.python_version()}"
        )
    temporary = destination / f".{archive.name}.partial"
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "unpacked").mkdir(parents=True)
    digests = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
    size, label = archive.stat().st_size, f"unpacking {archive.name}"
    bar = tqdm(desc=label, total=size, unit="B", unit_scale=True, disable=not progress)
    taps: list[Callable[[bytes], object]] = [digest.update for digest in digests.values()]
    taps.append(lambda content: bar.update(len(content)))
    try:
        with bar, open_tar(archive, lambda raw: _Tapped(raw, taps)) as tar:
            folder, left_out = _extract(archive, tar, temporary / "unpacked", max_bytes)
        for name, expected in hashes.items():
            if (found := digests[name].hexdigest()) != expected:
                raise ArchiveError(f"{archive}: {name}: expected {expected}, found {found}")
        target = destination / folder.name
        if target.exists():
            os.replace(target, temporary / "replaced")
        os.replace(temporary / "unpacked" / folder, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    links = [str(name) for name in left_out if folder in name.parents]
    warnings = [f"{archive.name}: links left out: {listed(links)}"] if links else []
    return Unpacked(target, digests["sha256"].hexdigest(), digests["md5"].hexdigest(), warnings)


class _Tapped:
    """A file that passes all bytes read from it to ``taps``."""

    def __init__(self, raw: Any, taps: list[Callable[[bytes], object]]) -> None:
        self.raw, self.taps = raw, taps

    def read(self, n_bytes: int = -1) -> bytes:
        content = self.raw.read(n_bytes)
        for tap in self.taps:
            tap(content)
        return content


def _extract(
    archive: Path, tar: tarfile.TarFile, destination: Path, max_bytes: int
) -> tuple[PurePosixPath, list[PurePosixPath]]:
    """Extract all members; return the folder with task metadata, and the omitted links.

    Stricter than tarfile's data filter (PEP 706), which allows some links and names that HEAR
    archives do not contain.
    """
    folders, left_out, n_bytes = set(), [], 0
    for member in members(archive, tar):
        name = PurePosixPath(member.name.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts:
            raise ArchiveError(f"{archive}: expected members inside the archive, found {name}")
        if len(name.parts) > MAX_FOLDERS or "\0" in member.name:
            found = shorten(str(name))
            expected = f"names below at most {MAX_FOLDERS} folders"
            raise ArchiveError(f"{archive}: expected {expected}, found {found}")
        is_link = member.issym() or member.islnk()
        if not (member.isreg() or member.isdir() or is_link):
            raise ArchiveError(
                f"{archive}: expected files and folders, found a special file: {name}"
            )
        linked = _linked_file(member, destination)
        if is_link and linked is None:
            left_out.append(name)
            continue
        n_bytes += linked.stat().st_size if linked else member.size
        if n_bytes > max_bytes:
            found = f"{n_bytes} with {name}"
            raise ArchiveError(
                f"{archive}: expected at most {max_bytes} bytes in all, found {found}"
            )
        with naming(destination / name), _nameable(archive, name):
            if linked:
                (destination / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(linked, destination / name)
            else:
                tar.extract(member, destination, filter="data")
        if (folder := task_folder(archive, member)) is not None:
            folders.add(folder)
    if len(folders) != 1:
        found = ", ".join(sorted(map(str, folders))) or "none"
        raise ArchiveError(
            f"{archive}: expected one task folder per archive, with {METADATA_FILE}, found {found}"
        )
    return folders.pop(), left_out


@contextmanager
def _nameable(archive: Path, name: PurePosixPath) -> Iterator[None]:
    """Turn system errors caused by a member's name or time into ArchiveError."""
    try:
        yield
    except (OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno not in UNNAMEABLE:
            raise
        raise ArchiveError(
            f"{archive}: expected each file once, with a name and a time that this system can "
            f"store, found {shorten(str(name))}: {error}"
        ) from error


def _linked_file(member: tarfile.TarInfo, destination: Path) -> Path | None:
    """Return the extracted file that a hard link refers to; None for anything else."""
    name = PurePosixPath(member.linkname)
    if not member.islnk() or name.is_absolute() or ".." in name.parts:
        return None
    file = destination / name
    is_there = os.path.isfile(file)  # Path.is_file raises where a name is too long
    return file if is_there and name != PurePosixPath(member.name) else None
