"""Archives and released weights of a study: mirrors first, then Zenodo and GitHub; unpacking."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hear.archives.prepare import prepare_archives
from hear.archives.unpack import ArchiveError
from hear.files import replacing
from hear.tasks.problems import METADATA_FILE, Problems, read_json
from passt.download import Backoff, DownloadError, download, hashes_of, locked
from workflow.fetch.known import Facts, agreed, known_facts, known_hash, record
from workflow.fetch.record import RecordError, file_urls, find_file, get_record
from workflow.fetch.space import ARCHIVES, CHECKPOINTS, Need, SpaceError, check_space
from workflow.study.archives import archive_names
from workflow.study.tasks import read_task_table

LOCK = Path("resources/.downloads.lock")
WAITING = "waiting for another download to end"
QUICK_S = 10.0  # silence after which the record is done without, where it is only compared with


@contextmanager
def excludable(task: str) -> Iterator[None]:
    """Add to an error about one task how to continue without the task."""
    try:
        yield
    except (RecordError, SpaceError):
        raise
    except ValueError as error:
        raise DownloadError(
            f"{error}\nStart again to retry (with --keep-going, the other tasks continue), or "
            f"continue without this task by adding the line\nexclude_tasks: [{task}]"
        ) from error


def fetch_archive(
    name: str,
    settings: dict,
    needs: Sequence[Need] = (),
    backoff: Backoff | None = None,
    progress: bool = True,
) -> Path:
    """Download one archive to `resources/archives/<name>`, verified.

    ``settings`` are the config's ``download``, ``needs`` the disk space of the study's unfinished
    tasks (with archive sizes from the record, where known). Without the record, the archive is
    requested by its name and compared with local knowledge only. RecordError if that fails too;
    SpaceError if the disk is too small for the remaining files; DownloadError or KnownError if the
    archive cannot be downloaded or does not match the lock file or an earlier download.
    """
    known, urls, sizes = known_facts(name), _mirrors(name, settings), {}
    with locked(LOCK, WAITING):  # Zenodo throttles parallel clients
        lacking = None
        try:
            files = get_record(settings, backoff, progress=progress)
        except RecordError as error:
            lacking = error
            urls += file_urls(settings, name)
            print(f"{error}\ncontinuing without it, by the archive's name", file=sys.stderr)
        else:
            listed = find_file(files, name, archive_names(read_task_table()))
            known[f"record {settings['record']}"] = listed.facts
            urls += listed.urls
            sizes = {key: int(file.facts["size"]) for key, file in (files | {name: listed}).items()}
        check_space(needs, sizes)
        try:
            return _download(urls, ARCHIVES / name, known, backoff, progress)
        except DownloadError as error:
            if lacking is None:
                raise
            raise RecordError(f"{error}\n{lacking}") from error


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
    settings: dict | None = None,
    progress: bool = True,
) -> tuple[list[Path], dict]:
    """Return a task's folders, unpacked and resampled if from archives, and their origin.

    For a HEAR 2021 task, ``expected`` has ``folders`` and ``embedding_type`` from config/tasks.tsv;
    its archives must have the known hashes, and unknown hashes are recorded. With ``settings``, the
    config's ``download``, the user's archives are compared with the record if it is available: a
    different MD5 is one of the origin's ``warnings``. Otherwise like
    `hear.archives.prepare.prepare_archives`.
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
        given = [archive for archive in archives if archive.parent != ARCHIVES]
        if given and settings:
            origin["warnings"] += _other_than_published(given, origin["md5"], settings, progress)
    return [source for source in sources if source.is_dir()] + made, origin


def _other_than_published(
    archives: Sequence[Path], md5: Mapping[str, str], settings: dict, progress: bool
) -> list[str]:
    """Warnings about archives whose hash differs from the record, which is requested only once."""
    try:
        files = get_record(settings, Backoff(attempts=1), QUICK_S, progress)
    except RecordError as error:
        print(f"{error}\narchives are not compared with their published hashes", file=sys.stderr)
        return []
    return [
        f"{path.name}: another archive than Zenodo record {settings['record']} has under this "
        f"name: md5 {md5[path.name]}, published {files[path.name].facts['md5']}"
        for path in archives
        if path.name in files
        and files[path.name].facts.get("md5", md5[path.name]) != md5[path.name]
    ]


def _check_folders(folders: Sequence[Path], expected: Mapping) -> None:
    """Check that the unpacked folders are those expected by the study."""
    table, names = "config/tasks.tsv", sorted(expected["folders"])
    if (found := sorted(folder.name for folder in folders)) != names:
        raise ArchiveError(
            f"{table}: folders: expected {', '.join(names)}; the archives have {', '.join(found)}"
        )
    for path in (folder / METADATA_FILE for folder in folders):
        metadata = read_json(path, Problems(path))  # the task's check says what is wrong with it
        kind = metadata.get("embedding_type") if isinstance(metadata, dict) else None
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
