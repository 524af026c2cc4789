"""A misbehaving file server with archives, and a small study that was run once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from real_archives import NAMES, TASKS, make_archive
from tones import make_clone, run

from workflow.commands.rehearse.server import FileServer


@pytest.fixture
def server() -> Iterator[FileServer]:
    served = FileServer()
    yield served
    served.close()


@pytest.fixture(scope="session")
def archives(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("tasks")
    return {NAMES[task]: make_archive(folder, name) for task, name in TASKS.items()}


@pytest.fixture(scope="session")
def finished(once) -> Path:
    """A clone in which the study of tones has run, and which stays as it is."""

    def fill(folder: Path) -> None:
        done = run(make_clone(folder / "study"))
        assert done.returncode == 0, done.stdout
        assert "The run took 0:" in done.stdout
        copy(folder / "study", folder / "kept")

    return once("finished", fill) / "kept" / "clone"


@pytest.fixture
def clone(finished) -> Iterator[Path]:
    """The finished clone where it ran, to be changed by one test at a time."""
    place = finished.parent.with_name("study")
    with FileLock(f"{place}.lock"):
        shutil.rmtree(place)
        copy(finished.parent, place)
        yield place / finished.name


def copy(folder: Path, target: Path) -> None:
    """Copy a folder with the times of its files, by which Snakemake goes."""
    subprocess.run(["cp", "-a", folder, target], check=True)
