"""A misbehaving file server with archives, and a small study that was run once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from real_archives import NAMES, TASKS, make_archive
from tones import copy, make_clone, restored, run

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
    with restored(finished) as clone:
        yield clone
