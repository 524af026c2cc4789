"""Embeddings of windows and their timestamps, for models that embed one window at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
