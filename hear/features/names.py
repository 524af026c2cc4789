"""Names of the files of stored features; requires no NumPy, so that a study can start without."""

from __future__ import annotations

from pathlib import Path

INDEX = "index.json"
COST = "cost.json"


def part_of(directory: Path) -> Path:
    """Folder of a view that is not finished, beside ``directory``."""
    return directory.with_name(f"{directory.name}.part")
