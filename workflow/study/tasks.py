"""Tasks of a study and their sources."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hear.archives.find import Source, find_sources
from hear.tasks.problems import (
    EMBEDDING_TYPES,
    METADATA_FILE,
    SOURCES_FILE,
    VOCABULARY_FILE,
    printable,
)
from mini.registry import MINI_TASKS, is_installed, missing_sources
from workflow.study.archives import check_download, find_archives
from workflow.study.config import ROOT, ConfigError, unknown

TABLE = ROOT / "config" / "tasks.tsv"
CACHE = Path("resources/tasks/archives.json")  # metadata of archives already looked into

MAX_SLUG_BYTES = 200  # of a task's name in paths, whose parts may have 255


@dataclass(frozen=True)
class TaskSpec:
    """One task of a study, with the facts known before its archive is unpacked.

    ``name`` is shown on exhibits. ``sources`` are archives or folders; empty for a generated task.
    ``is_official``: their folders have the names of a HEAR 2021 task's official version.
    """

    slug: str
    name: str
    category: str
    embedding_type: str
    sources: tuple[Path, ...] = ()
    is_official: bool = False

    @property
    def is_generated(self) -> bool:
        """True for a mini task."""
        return not self.sources

    @property
    def inputs(self) -> list[str]:
        """Files on which the task depends."""
        return [str(p / METADATA_FILE if p.is_dir() else p) for p in self.sources]

    def state(self) -> str:
        """Hash of name, size and time of every file that is the task's in its folders.

        A folder is read where it lies, so that an edited label or a removed clip must be noticed,
        and what no split names must not.
        """
        digest = hashlib.sha256()
        for folder in self.sources:
            for path in _files(folder) if folder.is_dir() else ():
                status = path.stat()
                digest.update(os.fsencode(path))
                digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
        return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Metadata, vocabulary, sources and splits of a task folder, and the clips of the splits."""
    found = _json(folder / METADATA_FILE).get("splits")
    splits = found if isinstance(found, list) else []
    splits = [s for s in splits if isinstance(s, str) and re.fullmatch(r"[\w.+-]{1,200}", s)]
    texts = [METADATA_FILE, VOCABULARY_FILE, SOURCES_FILE, *(f"{split}.json" for split in splits)]
    yield from (folder / name for name in texts if (folder / name).is_file())
    for split in splits:
        clips = {unicodedata.normalize("NFC", clip) for clip in _json(folder / f"{split}.json")}
        for directory in sorted(folder.glob(f"*/{split}")):
            for name in sorted(os.listdir(directory)) if directory.is_dir() else ():
                if unicodedata.normalize("NFC", name) in clips:
                    yield directory / name


def _json(path: Path) -> dict:
    """An object in a file; empty if it is malformed, which the task's check will say."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def read_task_table() -> dict[str, dict[str, str]]:
    """Rows of config/tasks.tsv by slug: the 19 tasks of HEAR 2021."""
    with open(TABLE, newline="", encoding="utf-8") as stream:
        return {row["task"]: row for row in csv.DictReader(stream, delimiter="\t")}


def sized_tasks(config: dict) -> dict[str, dict[str, str]]:
    """The same rows, with numbers and lengths of clips by the table of a rehearsal if it is one."""
    table = read_task_table()
    if config["rehearsal"] is not None:
        with open(config["rehearsal"], newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                table[row["task"]] |= row
    return table


def find_tasks(config: dict) -> dict[str, TaskSpec]:
    """Tasks of a checked config by slug, in the table's order, followed by others, sorted.

    ConfigError for an unknown task, or if no task is left.
    """
    check_download(config)
    if config["task_dir"] is not None:
        _need_own_study(config, "task_dir")
        specs = _from_directory(Path(config["task_dir"]), config["categories"])
    elif config["tasks_from"] == "hear2021":
        _need_own_study(config, "tasks_from: hear2021")
        specs = official_tasks(config["download"]["folder"])
    else:
        specs = _generated()
    for key in ("tasks", "exclude_tasks"):
        for slug in config[key] if config[key] != "all" else ():
            if slug not in specs:
                raise ConfigError(f"config: {key}: {unknown(slug, specs)}")
    wanted = specs if config["tasks"] == "all" else config["tasks"]
    dropped = {*config["exclude_tasks"], *left_out(config)}
    chosen = {s: spec for s, spec in specs.items() if s in wanted and s not in dropped}
    if not chosen:
        raise ConfigError(
            "config: exclude_tasks: expected at least one task to be left, found none"
        )
    return chosen


def left_out(config: dict) -> dict[str, str]:
    """Mini tasks that cannot be made here, with the wheels that they lack, which not every platform
    has; none if the config names its tasks.

    Where torch is not installed either, jobs have an environment of their own, which may have them.
    """
    is_mini = config["task_dir"] is None and config["tasks_from"] == "mini"
    if not is_mini or config["tasks"] != "all" or not is_installed("torch"):
        return {}
    wanted = (task for slug, task in MINI_TASKS.items() if slug not in config["exclude_tasks"])
    lacking = {task.slug: ", ".join(missing_sources(task)) for task in wanted}
    return {slug: wheels for slug, wheels in lacking.items() if wheels}


def _need_own_study(config: dict, key: str) -> None:
    others = ("mini",) if config["task_dir"] is None else ("mini", "hear2021")
    if config["study"] in others:  # the tasks of these lie below resources/tasks by this name
        raise ConfigError(
            f"config: {key} needs a study name: add --config study=NAME, "
            f"so that {config['study']} stays that of its own tasks"
        )


def official_tasks(folder: str | None = None) -> dict[str, TaskSpec]:
    """The tasks of HEAR 2021 by slug; their archives, maybe in a user's folder, may be to come."""
    table, specs = read_task_table(), {}
    archives = find_archives(table, folder)
    for slug, row in table.items():
        sources = tuple(archives[name] for name in row["archives"].split(";"))
        known = row["name"], row["category"], row["embedding_type"]
        specs[slug] = TaskSpec(slug, *known, sources, is_official=True)
    return specs


def _generated() -> dict[str, TaskSpec]:
    """Every mini task: the analogs of the 19 in the table's order, then the others."""
    table, specs = read_task_table(), {}
    for slug in dict.fromkeys([*table, *MINI_TASKS]):
        if task := MINI_TASKS.get(slug):
            name = table[slug]["name"] if slug in table else task.name or slug
            specs[slug] = TaskSpec(slug, name, task.category, task.embedding_type)
    return specs


def _from_directory(directory: Path, categories: dict[str, str]) -> dict[str, TaskSpec]:
    table, specs = read_task_table(), {}
    by_slug = _sources_by_slug(directory, table)
    place = {slug: i for i, slug in enumerate(table)}
    for slug in sorted(by_slug, key=lambda s: (place.get(s, len(place)), s)):
        sources = by_slug[slug]
        kinds: list[Any] = [source.metadata.get("embedding_type") for source in sources]
        kind = kinds[0]
        if kind not in EMBEDDING_TYPES or kinds.count(kind) < len(kinds):
            raise ConfigError(
                f"{sources[0].path}: embedding_type: expected 'scene' or 'event', the same in all "
                f"folders of a task, found {', '.join(dict.fromkeys(map(repr, kinds)))}"
            )
        row = table.get(slug, {"name": slug, "category": "custom", "folders": ""})
        category = categories.get(slug) or row["category"]
        paths = tuple(source.path for source in sources)  # by folder name already
        folders = [source.folder_name for source in sources]
        is_official = folders == sorted(row["folders"].split(";"))
        specs[slug] = TaskSpec(slug, row["name"], category, kind, paths, is_official)
    for slug in categories:
        if slug not in specs:
            raise ConfigError(f"config: categories: {unknown(slug, specs)}")
    return specs


def _sources_by_slug(directory: Path, table: dict[str, dict[str, str]]) -> dict[str, list[Source]]:
    """Folders and archives of a directory by task; ConfigError if two tasks would have one slug.

    Another version of an official task, or one of several versions, goes by its folder's name.
    """
    official = {name: slug for slug, row in table.items() for name in row["folders"].split(";")}
    sources = find_sources(directory, CACHE)
    for source in sources:
        if (shown := printable(str(source.path))) != str(source.path):
            raise ConfigError(
                f"config: task_dir: {shown}: expected a path in UTF-8 of one line; rename it"
            )
    names = [_slug(source.task_name) for source in sources]
    by_slug: dict[str, list[Source]] = {}
    for source, name in zip(sources, names, strict=True):
        by_folder = name in table or names.count(name) > 1
        slug = official.get(source.folder_name, _slug(source.folder_name) if by_folder else name)
        if not 0 < len(slug.encode()) <= MAX_SLUG_BYTES:
            found = f"{slug[:40]!r}, {len(slug.encode())} bytes"
            expected = f"a name of 1 to {MAX_SLUG_BYTES} bytes"
            raise ConfigError(f"{source.path}: task_name: expected {expected}, found {found}")
        mine = by_slug.setdefault(slug, [])
        if mine and any(official.get(s.folder_name) != slug for s in (*mine, source)):
            raise ConfigError(
                f"{source.path} and {mine[0].path} would both be task {slug!r}: rename one of the "
                "folders"
            )
        mine.append(source)
    return by_slug


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", unicodedata.normalize("NFC", name))  # letters of every script
