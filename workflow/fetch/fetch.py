"""Fetch an archive or a checkpoint by the config's `download`: mirrors, then the official place."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from workflow.fetch.download import download
from workflow.fetch.errors import DownloadError
from workflow.fetch.facts import Facts, facts_of, known_facts, merge, record
from workflow.fetch.locks import locked
from workflow.fetch.patience import Patience
from workflow.fetch.space import Need, check_space
from workflow.fetch.unavailable import explained
from workflow.fetch.zenodo import Entry, RecordError, find_entry, read_record

ARCHIVES = Path("resources/archives")
CHECKPOINTS = Path("resources/checkpoints")
LOCK = Path("resources/.downloads.lock")


def one_at_a_time() -> AbstractContextManager:
    """Wait until no other process downloads: Zenodo throttles parallel clients."""
    return locked(LOCK, "waiting for another download to end")


def fetch_archive(
    name: str,
    settings: dict,
    needs: Sequence[Need] = (),
    tasks_dir: Path = Path("resources/tasks/hear2021"),
    patience: Patience | None = None,
    progress: bool = True,
) -> Path:
    """Download one archive to `resources/archives/<name>`, verified.

    Parameters
    ----------
    name : str
        The archive's.
    settings : dict
        The config's ``download``: record, url, mirrors, folder.
    needs : sequence of Need
        What the unfinished tasks of the study take on the disk; sizes of archives are replaced
        by those of the record where it is known.
    tasks_dir : Path
        Where the tasks will be unpacked.
    patience : Patience or None
        Back-off between tries.
    progress : bool
        Show bars.

    Raises
    ------
    DownloadError
        If it cannot be had, or is another file than the lock file or an earlier download says.
    SpaceError
        If the disk is too small for what is still to come.
    """
    path, site = ARCHIVES / name, settings["url"].rstrip("/")
    with one_at_a_time():
        known, urls = (
            known_facts(name),
            [f"{base.rstrip('/')}/{name}" for base in _mirrors(settings)],
        )
        try:
            files = read_record(site, settings["record"], ARCHIVES, patience, progress)
        except RecordError as error:
            if not urls:
                raise
            tqdm.write(f"{error}\ngoing on with the mirrors", file=sys.stderr)
            files = {}
        else:
            with explained(name):
                entry = find_entry(files, name)
            known[f"record {settings['record']}"] = entry.facts
            urls.append(entry.url)
        check_space([_with_sizes(need, files) for need in needs], ARCHIVES, tasks_dir)
        with explained(name):
            _download(urls, path, known, patience, progress)
    return path


def fetch_checkpoint(
    url: str, settings: dict, patience: Patience | None = None, progress: bool = True
) -> Path:
    """Download released weights to `resources/checkpoints/`, verified.

    Parameters and errors as :func:`fetch_archive`; ``url`` is the official address.
    """
    name = url.rsplit("/", 1)[1]
    path, known = CHECKPOINTS / name, known_facts(name)
    urls = [*(f"{base.rstrip('/')}/{name}" for base in _mirrors(settings)), url]
    with one_at_a_time():
        if settings["folder"] and (given := Path(settings["folder"]) / name).is_file():
            verify_file(given, progress)
            CHECKPOINTS.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"{name}.part")
            shutil.copyfile(given, temporary)
            os.replace(temporary, path)
        else:
            _download(urls, path, known, patience, progress)
    return path


def verify_file(path: Path, progress: bool = True) -> Facts:
    """Compare a file that is here with what is known of it; record what was not known.

    Returns
    -------
    Facts
        Of the file.

    Raises
    ------
    DownloadError
        Naming the file and, for each difference, both values and who says so.
    """
    facts = facts_of(path, progress)
    merge(path.name, known_facts(path.name) | {str(path): facts})
    record(path.name, facts, str(path))
    return facts


def _download(
    urls: list[str],
    path: Path,
    known: dict[str, Facts],
    patience: Patience | None,
    progress: bool,
) -> None:
    facts, url = download(urls, path, merge(path.name, known), patience, progress=progress)
    record(path.name, facts, url)


def _mirrors(settings: dict) -> list[str]:
    return settings.get("mirrors") or []


def _with_sizes(need: Need, files: dict[str, Entry]) -> Need:
    sizes = {
        name: files[name].facts.size if name in files else size
        for name, size in need.archives.items()
    }
    return replace(need, archives=sizes)


__all__ = ["DownloadError", "fetch_archive", "fetch_checkpoint", "one_at_a_time", "verify_file"]
