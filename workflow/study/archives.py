"""Archives of the 19 tasks of HEAR 2021: where they are and how large their audio is.

Everything here is known without the network: the study can be planned before anything is fetched.
"""

from __future__ import annotations

import os
from pathlib import Path

from workflow.fetch.space import ARCHIVES
from workflow.study.config import ConfigError

ARCHIVE_RATE_HZ = 48000  # of Zenodo's archives
SAMPLE_BYTES = 2  # 16 bit PCM
# FSD50K's clips differ in length; all together, and the shortest. Source: Fonseca et al., 2022.
TOTAL_S, SHORTEST_S = {"fsd50k": 108.3 * 3600}, {"fsd50k": 0.3}


def archives_of(row: dict[str, str], folder: str | None) -> tuple[Path, ...]:
    """Archives of a task, by its row of config/tasks.tsv; in the user's folder if there."""
    names = row["archives"].split(";")
    given = Path(folder) if folder else None
    return tuple(
        given / name if given and (given / name).is_file() else ARCHIVES / name for name in names
    )


def audio_bytes(row: dict[str, str]) -> int:
    """Bytes of a task's audio as its archives have it, by its row of config/tasks.tsv."""
    seconds = TOTAL_S.get(row["task"])
    if seconds is None:  # each folder of Beehive has all clips
        seconds = int(row["n_clips"]) * float(row["duration_s"]) * len(row["folders"].split(";"))
    return round(seconds * ARCHIVE_RATE_HZ * SAMPLE_BYTES)


def shortest_clip_s(row: dict[str, str]) -> float:
    """Length of a task's shortest clip, by its row of config/tasks.tsv."""
    return SHORTEST_S.get(row["task"]) or float(row["duration_s"])


def check_download(config: dict) -> None:
    """Check what the schema cannot; a ConfigError names the key."""
    folder = config["download"]["folder"]
    if folder is not None and not os.path.isdir(folder):  # Path.is_dir refuses long names
        raise ConfigError(f"config: download.folder: expected a folder, found no {folder}")
    if config["tasks_from"] == "hear2021" and config["task_dir"] is not None:
        raise ConfigError(
            "config: expected task_dir or tasks_from: hear2021, found both; archives that are here "
            "already belong into download.folder"
        )
