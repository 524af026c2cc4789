"""Archives and released weights of a study: mirrors first, then Zenodo and GitHub; unpacking."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hear.archives.prepare import prepare_archives
from hear.archives.unpack import ArchiveError
from hear.files import replacing
from hear.tasks.problems import METADATA_FILE
from passt.download import Backoff, DownloadError, download, hashes_of
from workflow.fetch.known import (
    Facts,
    agreed,
    find_file,
    known_facts,
    known_hash,
    locked,
    read_record,
    record,
)
from workflow.fetch.space import ARCHIVES, CHECKPOINTS, Need, SpaceError, check_space

LOCK = Path("resources/.downloads.lock")
WAITING = "waiting for another download to end"


class RecordError(ValueError):
    """The record cannot be had or read: nothing is known of any archive."""


@contextmanager
def excludable(task: str) -> Iterator[None]:
    """Add to an error that concerns one task how to go on without it."""
    try:
        yield
    except (RecordError, SpaceError):
        raise
    except ValueError as error:
        raise DownloadError(
            f"{error}\nStart again to try once more (with --keep-going the other tasks go on), or "
            f"go on without this one by the line\nexclude_tasks: [{task}]"
        ) from error


def fetch_archive(
    name: str,
    settings: dict,
    needs: Sequence[Need] = (),
    tasks_dir: Path = Path("resources/tasks/hear2021"),
    backoff: Backoff | None = None,
    progress: bool = True,
) -> Path:
    """Download one archive to `resources/archives/<name>`, verified.

    ``settings`` are the config's ``download``, ``needs`` what the unfinished tasks of the study
    take on the disk (sizes of archives are replaced by the record's where it is known),
    ``tasks_dir`` where they will be unpacked. Raised are a RecordError if the record cannot be had,
    a SpaceError if the disk is too small for what is still to come, a DownloadError or KnownError
    if the archive cannot be had or is another file than the lock file or an earlier download says.
    """
    with locked(LOCK, WAITING):  # Zenodo throttles parallel clients
        known, urls, files = known_facts(name), _mirrors(name, settings), {}
        try:
            files = _record(settings, backoff, progress)
        except RecordError as error:
            if not urls:
                raise
            print(f"{error}\ngoing on with the mirrors", file=sys.stderr)
        else:
            entry = find_file(files, name)
            known[f"record {settings['record']}"] = entry
            urls.append(str(entry["url"]))
        check_space(needs, ARCHIVES, tasks_dir, {key: files[key]["size"] for key in files})
        return _download(urls, ARCHIVES / name, known, backoff, progress)


def fetch_checkpoint(
    url: str, settings: dict, backoff: Backoff | None = None, progress: bool = True
) -> Path:
    """Download released weights from their address or a mirror to `resources/checkpoints/`."""
    name = url.rsplit("/", 1)[1]
    path, known = CHECKPOINTS / name, known_facts(name)
    with locked(LOCK, WAITING):
        if settings["folder"] and (given := Path(settings["folder"]) / name).is_file():
            found = hashes_of(given)
            agreed(name, known | {str(given): found})
            with replacing(path) as temporary:
                shutil.copyfile(given, temporary)
            record(name, found, str(given))
            return path
        return _download([*_mirrors(name, settings), url], path, known, backoff, progress)


def unpack_task(
    sources: Sequence[Path],
    destination: Path,
    resample: str,
    n_threads: int,
    expected: Mapping | None = None,
    progress: bool = True,
) -> tuple[list[Path], dict]:
    """Return a task's folders, unpacked and resampled if from archives, and what made them.

    Of a HEAR 2021 task, ``expected`` has ``folders`` and ``embedding_type`` by config/tasks.tsv;
    its archives must have the hashes that are known, and what is not known is recorded. The rest
    is as :func:`hear.archives.prepare.prepare_archives` takes, gives and raises it.
    """
    archives = [source for source in sources if source.is_file()]
    hashes = {path.name: known_hash(path.name) for path in archives} if expected else {}
    options = (resample, n_threads, hashes, progress)
    try:
        made, origin = prepare_archives(archives, destination, *options)
    except ArchiveError as error:
        raise ArchiveError(f"{error}\nReplace or remove the archive") from error
    if expected:
        _check_folders(made, expected)
        for archive in archives:
            record(archive.name, {"sha256": origin["archives"][archive.name]}, str(archive))
    return [source for source in sources if source.is_dir()] + made, origin


def _check_folders(folders: Sequence[Path], expected: Mapping) -> None:
    """Check that unpacked folders are those that the study was planned with."""
    table, names = "config/tasks.tsv", sorted(expected["folders"])
    if (found := sorted(folder.name for folder in folders)) != names:
        raise ArchiveError(
            f"{table}: folders: expected {', '.join(names)}; the archives have {', '.join(found)}"
        )
    for path in (folder / METADATA_FILE for folder in folders):
        kind = json.loads(path.read_text(encoding="utf-8")).get("embedding_type")
        if kind != expected["embedding_type"]:
            raise ArchiveError(
                f"{path}: embedding_type: expected {expected['embedding_type']!r} as in {table}, "
                f"found {kind!r}"
            )


def _mirrors(name: str, settings: dict) -> list[str]:
    return [f"{base.rstrip('/')}/{name}" for base in settings.get("mirrors") or []]


def _download(
    urls: list[str], path: Path, known: dict[str, Facts], backoff: Backoff | None, progress: bool
) -> Path:
    expected = agreed(path.name, known)
    found, url = download(urls, path, expected, backoff, progress=progress)
    record(path.name, found, url)
    return path


def _record(settings: dict, backoff: Backoff | None, progress: bool) -> dict[str, dict]:
    """Files of the Zenodo record; asked for once, then kept in `resources/archives/`."""
    site, number = settings["url"].rstrip("/"), settings["record"]
    path = ARCHIVES / f"zenodo-{number}.json"
    try:
        if not path.exists():
            download([f"{site}/api/records/{number}"], path, backoff=backoff, progress=progress)
        return read_record(path, f"{site}/records/{number}/files")
    except ValueError as error:
        raise RecordError(f"the list of archives could not be had: {error}") from error
