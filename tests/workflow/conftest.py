"""A misbehaving file server with archives, and a small study that was run once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
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
def finished(tmp_path_factory) -> Path:
    """A clone in which the study of tones has run; tests change copies of it."""
    clone = make_clone(tmp_path_factory.mktemp("finished") / "study")
    done = run(clone)
    assert done.returncode == 0, done.stdout
    assert "The run took 0:" in done.stdout
    return clone


@pytest.fixture
def clone(finished) -> Iterator[Path]:
    """The finished clone, to be changed: all is put back as it was, times included."""
    folder = finished.parent
    saved = folder.with_name("saved")
    subprocess.run(["cp", "-a", str(folder), str(saved)], check=True)
    yield finished
    shutil.rmtree(folder)
    saved.rename(folder)
