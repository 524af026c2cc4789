"""The record of the archives: which files there are, how large, and their MD5.

Format: Zenodo's REST API, `GET /api/records/<id>` (developers.zenodo.org, "Records").
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path

from workflow.fetch.download import download
from workflow.fetch.errors import DownloadError
from workflow.fetch.facts import NOTHING, Facts
from workflow.fetch.patience import Patience


class RecordError(DownloadError):
    """The record cannot be had or read: nothing is known of any archive."""


@dataclass(frozen=True)
class Entry:
    """One file of a record: where it is, its size and MD5."""

    url: str
    facts: Facts


def read_record(
    site: str, record: int, folder: Path, patience: Patience | None = None, progress: bool = True
) -> dict[str, Entry]:
    """Return the files of a record; asked for once, then kept in ``folder``.

    Parameters
    ----------
    site : str
        `https://zenodo.org`, or a server with the same interface.
    record : int
        Its number.
    folder : Path
        Where `zenodo-<record>.json` is kept; delete it to ask again.

    Raises
    ------
    RecordError
        If it cannot be had, or is not what Zenodo's interface describes.
    """
    path = folder / f"zenodo-{record}.json"
    if not path.exists():
        try:
            download([f"{site}/api/records/{record}"], path, NOTHING, patience, progress=progress)
        except DownloadError as error:
            raise RecordError(f"the list of archives could not be had: {error}") from error
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {file["key"]: _entry(file, f"{site}/records/{record}/files") for file in files}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise RecordError(
            f"{path}: expected a Zenodo record with files[].key, size and checksum, found {found}; "
            "delete it to ask again"
        ) from error


def _entry(file: dict, files_url: str) -> Entry:
    kind, _, value = file["checksum"].partition(":")
    if kind not in ("md5", "sha256"):
        raise ValueError(f"checksum {file['checksum']!r} of {file['key']}")
    url = file.get("links", {}).get("self") or f"{files_url}/{file['key']}?download=1"
    return Entry(url, Facts(size=int(file["size"]), **{kind: value}))


def find_entry(record: dict[str, Entry], name: str) -> Entry:
    """Return one file of a record.

    Raises
    ------
    DownloadError
        If it is not there, listing what is, the nearest names first.
    """
    if name in record:
        return record[name]
    near = sorted(record, key=lambda key: -difflib.SequenceMatcher(None, key, name).ratio())
    listed = "\n  ".join(near) or "no file"
    raise DownloadError(
        f"{name}: the record has no file of this name; correct the columns archives and folders "
        f"of config/tasks.tsv. It has, nearest first:\n  {listed}"
    )
