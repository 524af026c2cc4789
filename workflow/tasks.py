"""Which tasks a study has, and where they come from."""

from __future__ import annotations

import csv
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from hear.archives import Source, find_sources
from hear.mini import MINI_TASKS, MissingSourceError, check_sources
from workflow.config import ConfigError, unknown

TABLE = Path(__file__).parent.parent / "config" / "tasks.tsv"
CACHE = Path("resources/tasks/archives.json")  # metadata of archives already looked into


@dataclass(frozen=True)
class TaskSpec:
    """One task of a study, as far as it is known before its archive is unpacked.

    ``sources`` are archives or folders; empty for a generated task.
    """

    slug: str
    category: str
    embedding_type: str
    sources: tuple[Path, ...] = ()

    @property
    def is_generated(self) -> bool:
        """True for a mini task."""
        return not self.sources

    @property
    def inputs(self) -> list[str]:
        """Files whose change makes the task another one."""
        return [str(p / "task_metadata.json" if p.is_dir() else p) for p in self.sources]


def read_task_table() -> dict[str, dict[str, str]]:
    """Rows of config/tasks.tsv by slug: the 19 tasks of HEAR 2021."""
    with open(TABLE, newline="") as stream:
        return {row["task"]: row for row in csv.DictReader(stream, delimiter="\t")}


def find_tasks(config: dict) -> dict[str, TaskSpec]:
    """List the tasks of a study.

    Parameters
    ----------
    config : dict
        A checked config: keys ``task_dir``, ``tasks``, ``categories``, ``study``.

    Returns
    -------
    dict of str to TaskSpec
        By slug, in the table's order, further tasks sorted after it.

    Raises
    ------
    ConfigError
        If a task is asked for that there is none of, or the folder holds none.
    """
    table = read_task_table()
    if config.get("task_dir") is None:
        specs = {
            slug: TaskSpec(slug, table[slug]["category"], table[slug]["embedding_type"])
            for slug in _available(table, wanted=config["tasks"])
        }
    else:
        if config["study"] == "mini":
            raise ConfigError(
                "config: task_dir needs a study of its own: add --config study=NAME, "
                "so that results/mini/ stays that of the generated tasks"
            )
        specs = _from_directory(Path(config["task_dir"]), table, config.get("categories", {}))
    if config["tasks"] == "all":
        return specs
    known = specs if config.get("task_dir") else MINI_TASKS
    for slug in config["tasks"]:
        if slug not in known:
            raise ConfigError(f"config: tasks: {unknown(slug, known)}")
    return {slug: spec for slug, spec in specs.items() if slug in config["tasks"]}


def _available(table: dict[str, dict[str, str]], wanted: str | list[str]) -> list[str]:
    """Mini tasks whose sound sources are installed; what is missing is said in one line each."""
    available = []
    for slug in table:
        if slug not in MINI_TASKS or (wanted != "all" and slug not in wanted):
            continue
        try:
            check_sources(MINI_TASKS[slug])
            available.append(slug)
        except MissingSourceError as error:
            if wanted != "all":
                raise ConfigError(f"config: tasks: {error}") from None
            print(f"without {error}", file=sys.stderr)
    return available


def _from_directory(
    directory: Path, table: dict[str, dict[str, str]], categories: dict[str, str]
) -> dict[str, TaskSpec]:
    official = {name: slug for slug, row in table.items() for name in row["folders"].split(";")}
    by_slug: dict[str, list[Source]] = {}
    for source in find_sources(directory, cache=CACHE):
        slug = official.get(source.folder_name) or _slug(source.task_name)
        by_slug.setdefault(slug, []).append(source)
    for slug, sources in list(by_slug.items()):
        if len(sources) > 1 and slug not in official.values():
            # Several versions or modes of one task: each is a task under its folder's name.
            del by_slug[slug]
            by_slug |= {_slug(source.folder_name): [source] for source in sources}
    specs = {}
    for slug in sorted(by_slug, key=lambda s: (list(table).index(s) if s in table else 99, s)):
        sources = by_slug[slug]
        kinds = {source.metadata.get("embedding_type") for source in sources}
        if len(kinds) != 1 or not kinds <= {"scene", "event"}:
            raise ConfigError(
                f"{sources[0].path}: embedding_type: expected 'scene' or 'event', "
                f"found {', '.join(map(repr, kinds))}"
            )
        category = categories.get(slug) or table.get(slug, {}).get("category", "custom")
        paths = tuple(source.path for source in sorted(sources, key=lambda s: s.folder_name))
        specs[slug] = TaskSpec(slug, category, kinds.pop(), paths)
    for slug in categories:
        if slug not in specs:
            raise ConfigError(f"config: categories: {unknown(slug, specs)}")
    return specs


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", name)

