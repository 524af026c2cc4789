"""A misbehaving file server with archives, and a small study that was run once."""

from __future__ import annotations

import os
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
def finished(tmp_path_factory) -> Path:
    """A clone in which the study of tones has run, once for all of pytest's processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "finished"
    with FileLock(shared / "finished.lock"):
        if not folder.exists():
            clone = make_clone(tmp_path_factory.mktemp("unfinished"))
            done = run(clone)
            assert done.returncode == 0, done.stdout
            assert "The run took 0:" in done.stdout
            clone.parent.rename(folder)
    return folder / "clone"


@pytest.fixture
def clone(finished, tmp_path) -> Path:
    """A copy of the finished clone, times included, to be changed."""
    subprocess.run(["cp", "-a", finished.parent, tmp_path / "study"], check=True)
    return tmp_path / "study" / finished.name
