"""Small mini tasks, made when a test first asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_tasks import make_small

from mini.registry import find_mini_task


@pytest.fixture(scope="session")
def made(once) -> Callable[[str], list[Path]]:
    """A function that returns the folders of a mini task of few clips, seed 0."""

    def folders(slug: str) -> list[Path]:
        parent = once(f"mini-{slug}", lambda folder: make_small(slug, folder))
        return [parent / part.folder for part in find_mini_task(slug).parts]

    return folders
