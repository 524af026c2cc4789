"""A misbehaving file server for the tests of everything that downloads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fetch_server import FileServer


@pytest.fixture
def server() -> Iterator[FileServer]:
    served = FileServer()
    yield served
    served.close()
