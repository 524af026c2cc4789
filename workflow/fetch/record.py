"""The Zenodo record of the archives: addresses, size and hash of each file.

Both forms of Zenodo's records are supported (developers.zenodo.org, "Records"): ``files`` as a
list, and InvenioRDM's ``files.entries``. Files without working links, and all files if the record
is unavailable, are requested by name.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from passt.download import TIMEOUT_S, Backoff, download, locked
from workflow.fetch.known import KINDS, KnownError
from workflow.fetch.space import ARCHIVES
from workflow.study.archives import fitting_name

LINKS = ("content", "self")  # of a file's links, those that may lead to its bytes


class RecordError(ValueError):
    """The record is unavailable or unreadable, so that nothing is known of any archive."""


@dataclass(frozen=True)
class Listed:
    """A file of the record: its addresses, the preferred one first; its size in bytes and hash."""

    urls: list[str]
    facts: dict[str, int | str]


def get_record(
    settings: Mapping[str, Any],
    backoff: Backoff | None = None,
    timeout_s: float = TIMEOUT_S,
    progress: bool = True,
) -> dict[str, Listed]:
    """Return the files of the record by name; it is downloaded once to `resources/archives/`.

    ``settings`` are the config's ``download``. RecordError lists each address with the reason.
    """
    site, number = settings["url"].rstrip("/"), settings["record"]
    path, reasons = ARCHIVES / f"zenodo-{number}.json", []
    with locked(path.with_suffix(".lock")):
        for url in (f"{site}/api/records/{number}", f"{site}/records/{number}/export/json"):
            try:
                if not path.exists():
                    download([url], path, None, backoff, timeout_s, progress)
                return read_record(path, settings)
            except ValueError as error:
                path.unlink(missing_ok=True)
                reasons.append(str(error))
    raise RecordError("\n".join(["the list of archives could not be downloaded:", *reasons]))


def file_urls(settings: Mapping[str, Any], name: str) -> list[str]:
    """Return a file's addresses by its name alone."""
    site, number = settings["url"].rstrip("/"), settings["record"]
    return [
        f"{site}/records/{number}/files/{quote(name)}?download=1",
        f"{site}/api/records/{number}/files/{quote(name)}/content",
    ]


def read_record(path: Path, settings: Mapping[str, Any]) -> dict[str, Listed]:
    """Read a stored record; KnownError if it has neither form."""
    try:
        files, listed = json.loads(path.read_text(encoding="utf-8"))["files"], {}
        entries = files["entries"] if isinstance(files, dict) else files
        for file in entries.values() if isinstance(entries, dict) else entries:
            name, (kind, _, value) = file["key"], file["checksum"].partition(":")
            if kind not in KINDS:
                raise ValueError(f"checksum {file['checksum']!r} of {name}")
            links = file.get("links") or {}
            given = [url for url in map(links.get, LINKS) if isinstance(url, str) and url]
            urls = [*given, *file_urls(settings, name)]
            facts = {"size": int(file["size"]), kind: value}
            listed[name] = Listed(list(dict.fromkeys(urls)), facts)
        return listed
    except (
        ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError
    ) as error:  # fmt: skip
        found = f"{type(error).__name__}: {error}"
        raise KnownError(
            f"{path}: expected a Zenodo record with files[].key, size and checksum, found {found}"
        ) from error


def find_file(files: Mapping[str, Listed], name: str, claimed: Collection[str] = ()) -> Listed:
    """Return the file of the record that corresponds to an archive.

    Its name may differ (`workflow.study.archives.fitting_name`). KnownError lists the available
    names, the nearest first.
    """
    if found := fitting_name(name, files, claimed):
        if found != name:
            print(f"{name}: taken is {found}, as the record names it", file=sys.stderr)
        return files[found]
    near = sorted(files, key=lambda key: -difflib.SequenceMatcher(None, key, name).ratio())
    listed = "\n  ".join(near) or "no file"
    raise KnownError(
        f"{name}: the record has no file of this name; correct the columns archives and folders "
        f"of config/tasks.tsv. It has, nearest first:\n  {listed}"
    )
