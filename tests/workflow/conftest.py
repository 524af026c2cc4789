"""A misbehaving file server with archives, and a small study that was run once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fetch_server import FileServer
from real_archives import NAMES, TASKS, make_archive
from tones import make_clone, run

INPUTS = ("mine", "mine.safetensors")  # of the study of tones


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
    import os

    if "TF" in os.environ:
        return Path(os.environ["TF"])
    clone = make_clone(tmp_path_factory.mktemp("finished"))
    done = run(clone)
    assert done.returncode == 0, done.stdout
    return clone


@pytest.fixture
def copy(finished) -> Iterator[Path]:
    """A copy of the finished clone beside it, times included; what lies there is put back."""
    folder = finished.parent
    shutil.rmtree(folder / "saved", ignore_errors=True)
    (folder / "saved").mkdir()
    for name in INPUTS:
        _copy(folder / name, folder / "saved" / name)
    _copy(finished, folder / "copy")
    yield folder / "copy"
    shutil.rmtree(folder / "copy")
    shutil.rmtree(folder / "mine")
    for name in INPUTS:
        (folder / "saved" / name).rename(folder / name)


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
