"""Discovery of tasks in a directory: archives and task folders with their metadata.

Official archives are named `hear2021-<task>-<version>-<mode>-48000.tar.gz` (Zenodo record
6332517) or `hear-2021.0.6-<task>-<version>-<mode>-44100.tar.gz` (the open tasks). Archives are
identified by their content, not by their name. Requires the standard library only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hear.archives.unpack import ArchiveError, members, open_tar, task_folder
from hear.files import write_json
from hear.tasks.problems import METADATA_FILE

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar")  # official archives are .tar.gz
MAX_DEPTH = 4  # folders below the given one: `<any>/hear-x.y.z/tasks/<folder>`
MAX_METADATA_BYTES = 2**20  # 1 MiB; the official ones have less than 10 kB


@dataclass(frozen=True)
class Source:
    """Source of one task: an archive (with one task folder) or a task folder."""

    path: Path
    folder_name: str
    task_name: str
    metadata: dict[str, Any]


def find_sources(directory: Path | str, cache: Path | str | None = None) -> list[Source]:
    """Find all HEAR archives and task folders in a directory and up to 4 levels below.

    Returns them sorted by folder name. Hidden entries are skipped; the directory itself may be a
    task folder. The JSON file ``cache``, created if necessary, stores the metadata of each archive
    by path, size and time of change: they may be the last member of a large archive.

    Raises
    ------
    ArchiveError
        If nothing is found, an archive is damaged, metadata are malformed, or two sources have the
        same folder name.
    """
    directory = Path(directory).absolute()
    if not os.path.isdir(directory):  # Path.is_dir raises where a name is too long
        raise ArchiveError(f"{directory}: expected a folder with HEAR archives, found no folder")
    known = _read_cache(cache)
    seen: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for path in _candidates(directory, MAX_DEPTH):
        source = _source(path, known, seen)
        other = sources.setdefault(source.folder_name, source)
        if other is not source:
            found = f"{other.path} and {source.path}"
            raise ArchiveError(f"{source.folder_name}: expected one source, found {found}")
    if not sources:
        suffixes = ", ".join(ARCHIVE_SUFFIXES)
        expected = f"HEAR archives ({suffixes}) or folders with {METADATA_FILE}"
        raise ArchiveError(f"{directory}: expected {expected}, found none")
    if cache is not None and seen != known:
        write_json(Path(cache), seen)
    return [sources[name] for name in sorted(sources)]


def _candidates(directory: Path, depth: int) -> Iterator[Path]:
    if (directory / METADATA_FILE).is_file():
        yield directory
        return
    for child in sorted(directory.iterdir()):
        if child.name.startswith("."):
            continue
        if child.is_dir() and depth > 0:
            yield from _candidates(child, depth - 1)
        elif child.is_file() and child.name.lower().endswith(ARCHIVE_SUFFIXES):
            yield child


def _source(path: Path, known: dict[str, Any], seen: dict[str, Any]) -> Source:
    if path.is_dir():
        file = path / METADATA_FILE
        metadata = _parse_metadata(file.read_bytes(), str(file))
        return Source(path, path.name, metadata["task_name"], metadata)
    status = path.stat()
    stamp = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
    entry = known.get(str(path), {})
    if not stamp.items() <= entry.items():
        name, metadata = _read_metadata(path)
        entry = {**stamp, "folder_name": name, "metadata": metadata}
    seen[str(path)] = entry
    return Source(path, entry["folder_name"], entry["metadata"]["task_name"], entry["metadata"])


def _read_cache(cache: Path | str | None) -> dict[str, Any]:
    """Return the cached entries; an unreadable cache is ignored."""
    needed = {"size", "mtime_ns", "folder_name", "metadata"}
    try:
        entries = json.loads(Path(cache).read_text(encoding="utf-8")) if cache else {}
        return {
            path: entry
            for path, entry in entries.items()
            if needed <= entry.keys() and isinstance(entry["metadata"]["task_name"], str)
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _read_metadata(archive: Path) -> tuple[str, dict[str, Any]]:
    """Return folder and metadata of an archive's task, reading the archive only as far as needed.

    `hear.archives.unpack` checks whether the archive is safe and complete.
    """
    with open_tar(archive, to_end=False) as tar:
        for member in members(archive, tar):
            if (folder := task_folder(archive, member)) is None:
                continue
            if member.size > MAX_METADATA_BYTES:
                found = f"{member.name}: {member.size} bytes"
                raise ArchiveError(f"{archive}: expected metadata below 1 MiB, found {found}")
            file = tar.extractfile(member)
            assert file is not None, "only a regular file shows a task folder"
            return folder.name, _parse_metadata(file.read(), f"{archive}: {member.name}")
    raise ArchiveError(f"{archive}: expected a task folder with {METADATA_FILE}, found none")


def _parse_metadata(content: bytes, where: str) -> dict[str, Any]:
    try:
        metadata = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"{where}: expected valid JSON, found an error: {error}") from error
    name = metadata.get("task_name") if isinstance(metadata, dict) else None
    if not isinstance(name, str):
        raise ArchiveError(f"{where}: expected an object with a task_name, found {name!r}")
    return metadata
