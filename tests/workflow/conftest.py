"""A misbehaving file server for the tests of everything that downloads, and archives for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fetch_server import FileServer
from real_archives import NAMES, TASKS, make_archive


@pytest.fixture
def server() -> Iterator[FileServer]:
    served = FileServer()
    yield served
    served.close()


@pytest.fixture(scope="session")
def archives(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("tasks")
    return {NAMES[task]: make_archive(folder, name) for task, name in TASKS.items()}
