"""Archives of the 19 tasks of HEAR 2021: where they are and how large their audio is.

Everything here is known without the network: the study can be planned before anything is fetched.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from workflow.fetch.space import ARCHIVES, Need
from workflow.study.config import ConfigError

ARCHIVE_RATE_HZ = 48000  # of Zenodo's archives
SAMPLE_BYTES = 2  # 16 bit PCM
# FSD50K's clips differ in length; all of them together. Source: Fonseca et al., "FSD50K", 2022.
TOTAL_S = {"fsd50k": 108.3 * 3600}
COPY_SHARE = 32000 / 48000  # of a copy at PaSST's rate


@dataclass(frozen=True)
class Archives:
    """The archives of one task: where each is or will be, and how large their audio is."""

    paths: tuple[Path, ...]
    unpacked_bytes: int


def archives_of(row: dict[str, str], folder: str | None) -> Archives:
    """Find the archives of a task, in the user's folder if they are there.

    Parameters
    ----------
    row : dict
        Of config/tasks.tsv.
    folder : str or None
        The config's ``download.folder``.
    """
    names = row["archives"].split(";")
    given = Path(folder) if folder else None
    paths = tuple(
        given / name if given and (given / name).is_file() else ARCHIVES / name for name in names
    )
    seconds = TOTAL_S.get(row["task"])
    if seconds is None:  # each folder of Beehive has all clips
        seconds = int(row["n_clips"]) * float(row["duration_s"]) * len(row["folders"].split(";"))
    return Archives(paths, round(seconds * ARCHIVE_RATE_HZ * SAMPLE_BYTES))


def check_download(config: dict) -> None:
    """Check what the schema cannot.

    Raises
    ------
    ConfigError
        Naming the key.
    """
    folder = config["download"]["folder"]
    if folder is not None and not os.path.isdir(folder):  # Path.is_dir refuses long names
        raise ConfigError(f"config: download.folder: expected a folder, found no {folder}")
    if config["tasks_from"] == "hear2021" and config["task_dir"] is not None:
        raise ConfigError(
            "config: expected task_dir or tasks_from: hear2021, found both; archives that are here "
            "already belong into download.folder"
        )


def space_needs(
    table: dict[str, dict[str, str]], config: dict, unfinished: list[str]
) -> list[Need]:
    """What the unfinished tasks take on the disk, archives at their largest."""
    needs = []
    for slug in unfinished:
        archives = archives_of(table[slug], config["download"]["folder"])
        size = archives.unpacked_bytes // len(archives.paths)
        fetched = {path.name: size for path in archives.paths if path.parent == ARCHIVES}
        copy = 0 if config["resample"] == "on_the_fly" else archives.unpacked_bytes * COPY_SHARE
        needs.append(Need(slug, fetched, archives.unpacked_bytes, round(copy)))
    return needs
