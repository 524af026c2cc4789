"""Weight files inside installed wheels, found without importing the wheel's code."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch


def read_weights(wheel: str, file: str) -> dict:
    """Read a weight file of a wheel (its name on PyPI) to the CPU, or raise FileNotFoundError."""
    try:
        path = Path(str(distribution(wheel).locate_file(file)))
    except PackageNotFoundError:
        raise FileNotFoundError(
            f"the wheel {wheel} is not installed: pip install --no-deps -r requirements-models.txt"
        ) from None
    if not path.is_file():
        raise FileNotFoundError(f"the wheel {wheel} has no file {file} at {path}")
    return torch.load(path, map_location="cpu", weights_only=True)
