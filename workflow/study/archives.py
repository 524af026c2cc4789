"""Archives of the 19 tasks of HEAR 2021: sources and sizes.

No network access is needed, so that a study can be planned before anything is downloaded.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from workflow.fetch.space import ARCHIVES
from workflow.study.config import ConfigError

ARCHIVE_RATE_HZ, SUFFIX = 48000, ".tar.gz"  # of Zenodo's archives
SAMPLE_BYTES = 2  # 16 bit PCM
# FSD50K's clips differ in length; all together, and the shortest. Source: Fonseca et al., 2022.
TOTAL_S, SHORTEST_S = {"fsd50k": 108.3 * 3600}, {"fsd50k": 0.3}
LONGEST_S = {"fsd50k": 30.0}


def find_archives(table: dict[str, dict[str, str]], folder: str | None) -> dict[str, Path]:
    """Path of each archive in config/tasks.tsv, in the user's folder or after its download."""
    names = archive_names(table)
    here = sorted(path.name for path in Path(folder).iterdir() if path.is_file()) if folder else []
    found = {name: fitting_name(name, here, names) for name in names}
    return {
        name: Path(folder) / file if folder and file else ARCHIVES / name
        for name, file in found.items()
    }


def archive_names(table: dict[str, dict[str, str]]) -> list[str]:
    """Names of all archives of config/tasks.tsv."""
    return [name for row in table.values() for name in row["archives"].split(";")]


def fitting_name(name: str, names: Collection[str], claimed: Collection[str]) -> str | None:
    """Return the name of an archive in a record or folder; None if it is missing.

    That is ``name`` itself, `hear2021-<folder>-48000.tar.gz`, or else the only one with
    `<folder>-48000` in it that is not ``claimed`` as another archive's: six names of
    config/tasks.tsv are inferred.
    """
    if name in names:
        return name
    part = name.removeprefix("hear2021-").removesuffix(SUFFIX)
    alike = [n for n in names if part in n and n.endswith(SUFFIX) and n not in claimed]
    return alike[0] if len(alike) == 1 else None


def audio_bytes(row: dict[str, str]) -> int:
    """Bytes of a task's audio as its archives have it, by its row of config/tasks.tsv."""
    if row["duration_s"]:  # each folder of Beehive has all clips
        seconds = int(row["n_clips"]) * float(row["duration_s"]) * len(row["folders"].split(";"))
    else:
        seconds = TOTAL_S[row["task"]]
    return round(seconds * ARCHIVE_RATE_HZ * SAMPLE_BYTES)


def shortest_clip_s(row: dict[str, str]) -> float:
    """Length of a task's shortest clip, by its row of config/tasks.tsv."""
    return SHORTEST_S.get(row["task"]) or float(row["duration_s"])


def check_download(config: dict) -> None:
    """Check constraints that the schema cannot express; ConfigError names the key."""
    folder = config["download"]["folder"]
    if folder is not None and not os.path.isdir(folder):  # Path.is_dir refuses long names
        raise ConfigError(f"config: download.folder: expected a folder, found no {folder}")
    if config["tasks_from"] == "hear2021" and config["task_dir"] is not None:
        raise ConfigError(
            "config: expected task_dir or tasks_from: hear2021, found both; archives that are here "
            "already belong into download.folder"
        )
