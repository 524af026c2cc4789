"""Archives read as streams: safely, without trust in member names, and to the very end.

Python's tarfile takes a damaged header or a missing end for the end of an archive, and its
stream mode does not compare gzip checksums; both are done here.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tqdm import tqdm

from hear.tasks.metadata import METADATA_FILE

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1
BLOCK_BYTES = 512  # POSIX.1-1988 ustar: headers and the end marker are blocks of this size
CHUNK_BYTES = 2**20  # read at once: few system calls, little memory
MAX_MEMBER_BYTES = 8 * 2**30  # 8 GiB; the longest HEAR clip (600 s at 48 kHz) has 58 MB
MAX_TOTAL_BYTES = 200 * 2**30  # 200 GiB; all of HEAR 2021 at 48 kHz unpacks to 148 GiB


class ArchiveError(ValueError):
    """An archive that cannot or must not be unpacked; the message names it and the member."""


@dataclass(frozen=True)
class OpenArchive:
    """An archive being read: its members in order, and the bytes beneath."""

    path: Path
    tar: tarfile.TarFile
    stream: BinaryIO  # the tar's bytes, decompressed
    raw: BinaryIO  # the file's own bytes

    def members(self, max_bytes: int = MAX_TOTAL_BYTES) -> Iterator[tarfile.TarInfo]:
        """Yield every member that is safe to unpack, in order; raise ArchiveError at others."""
        total_bytes = 0
        while (member := self.tar.next()) is not None:
            check_member(self.path, member)
            total_bytes += member.size
            if total_bytes > max_bytes:
                expected = f"at most {max_bytes} bytes unpacked"
                raise ArchiveError(
                    f"{self.path}: expected {expected}, found more at member {member.name}"
                )
            yield member

    def verify_end(self) -> None:
        """Raise ArchiveError unless the archive is complete; all members must have been read."""
        if isinstance(self.stream, gzip.GzipFile):
            while self.stream.read(CHUNK_BYTES):
                pass
            return
        self.raw.seek(self.tar.offset)
        if self.raw.read(BLOCK_BYTES) != bytes(BLOCK_BYTES):
            raise tarfile.ReadError("no end marker after the last member")


@contextmanager
def open_archive(path: Path, progress: bool = False) -> Iterator[OpenArchive]:
    """Open a .tar or .tar.gz (told apart by content) for one pass over its members.

    Parameters
    ----------
    path : Path
        The archive.
    progress : bool
        Show a bar of the compressed bytes read, with the rate.

    Raises
    ------
    ArchiveError
        Naming the archive, if it turns out to be corrupted or truncated while it is used.
    """
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            raw.seek(0)
            size = path.stat().st_size
            bar = {"total": size, "desc": f"unpacking {path.name}", "disable": not progress}
            with tqdm.wrapattr(raw, "read", **bar) as counted:
                stream = gzip.GzipFile(fileobj=counted, mode="rb") if is_gzip else counted
                with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES) as tar:
                    yield OpenArchive(path, tar, stream, raw)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        expected = "a complete tar archive (plain or gzip)"
        raise ArchiveError(
            f"{path}: expected {expected}, found it corrupted or truncated: {error}"
        ) from error


def check_member(path: Path, member: tarfile.TarInfo) -> None:
    """Raise ArchiveError if a member may not be unpacked.

    Refused are names that leave the folder, links, devices, and files above 8 GiB. Source:
    PEP 706 lists what archives can do; this is stricter, HEAR archives need none of it.
    """
    name = PurePosixPath(member.name.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts:
        raise ArchiveError(f"{path}: expected members inside the archive, found {member.name}")
    if not (member.isreg() or member.isdir()):
        kind = "a link" if member.issym() or member.islnk() else "a special file"
        raise ArchiveError(f"{path}: expected files and folders, found {kind}: {member.name}")
    if member.size > MAX_MEMBER_BYTES:
        expected = f"members of at most {MAX_MEMBER_BYTES} bytes"
        raise ArchiveError(f"{path}: expected {expected}, found {member.name}: {member.size}")


def metadata_folder(path: Path, member: tarfile.TarInfo) -> PurePosixPath | None:
    """Return the task folder that a member shows by being its metadata, None for other members.

    Raises
    ------
    ArchiveError
        If the metadata are in no folder.
    """
    name = PurePosixPath(member.name)
    if not member.isreg() or name.name != METADATA_FILE:
        return None
    if not name.parent.name:
        expected = f"{METADATA_FILE} inside a task folder"
        raise ArchiveError(f"{path}: expected {expected}, found it at the top")
    return name.parent


def no_metadata(path: Path) -> ArchiveError:
    """Return the error for an archive without a task folder."""
    return ArchiveError(f"{path}: expected a task folder with {METADATA_FILE}, found none")


def sha256_file(path: Path | str, progress: bool = True) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits.

    Parameters
    ----------
    path : Path or str
        The file.
    progress : bool
        Show a bar with the rate in bytes per second.
    """
    path = Path(path)
    digest = hashlib.sha256()
    bar = {"total": path.stat().st_size, "desc": f"hashing {path.name}", "disable": not progress}
    with path.open("rb") as raw, tqdm.wrapattr(raw, "read", **bar) as counted:
        while chunk := counted.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
