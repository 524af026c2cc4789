"""HEAR archives as streams of members, read once and to the very end.

Python's tarfile takes a damaged header or a missing end for the end of an archive, and its
stream mode does not compare gzip checksums; both are done here. Only the standard library is
needed: archives are looked into before anything is installed.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from hear.tasks.problems import METADATA_FILE

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1
BLOCK_BYTES = 512  # POSIX.1-1988 ustar: headers and the end marker are blocks of this size
CHUNK_BYTES = 2**20  # read at once: few system calls, little memory


class ArchiveError(ValueError):
    """An archive that cannot or must not be unpacked; the message names it and the member."""


@contextmanager
def open_tar(
    path: Path, wrap: Callable[[Any], Any] | None = None, to_end: bool = True
) -> Iterator[tarfile.TarFile]:
    """Open a .tar or .tar.gz (told apart by content) for one pass over its members.

    Parameters
    ----------
    path : Path
        The archive.
    wrap : callable or None
        Takes the open file and returns what is read instead, with a method ``read``.
    to_end : bool
        Once the block ends, read on to the end of the file and check that it is one.

    Raises
    ------
    ArchiveError
        If the archive turns out to be corrupted or truncated while it is used.
    """
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            raw.seek(0)
            file = wrap(raw) if wrap else raw
            stream = gzip.GzipFile(fileobj=file, mode="rb") if is_gzip else file
            with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES) as tar:
                yield tar
                if not to_end:
                    return
                while stream.read(CHUNK_BYTES):  # gzip's checksum comes last
                    pass
                if not is_gzip:
                    raw.seek(tar.offset)
                    if raw.read(BLOCK_BYTES) != bytes(BLOCK_BYTES):
                        raise tarfile.ReadError("no end marker after the last member")
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ArchiveError(
            f"{path}: expected a complete tar archive (plain or gzip), found it corrupted or "
            f"truncated: {error}"
        ) from error


def task_folder(path: Path, member: tarfile.TarInfo) -> PurePosixPath | None:
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


def no_task(path: Path) -> ArchiveError:
    """Return the error for an archive without a task folder."""
    return ArchiveError(f"{path}: expected a task folder with {METADATA_FILE}, found none")
