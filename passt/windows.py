"""Windows of audio: one every hop, centered on its timestamp, the clip reflect-padded.

Reference: hear21passt 0.0.26, ``wrapper.py`` (``get_timestamp_embeddings``), which runs one
forward pass per window. Here windows are stacked into batches, and only the batches at the ends are
padded, so that memory does not grow with the clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from passt.checks import check_audio, check_padding
from passt.lengths import TIMESTAMP_HOP_MS, n_windows


@runtime_checkable
class StoredAudio(Protocol):
    """A clip that stays in its file; stretches are read in order, front to back.

    ``shape`` is (1, n_samples); ``stretch(start, stop)`` gives float32 (1, stop - start).
    """

    shape: tuple[int, int]

    def stretch(self, start: int, stop: int) -> Tensor:
        """Samples ``start`` to ``stop``."""


def stretch(audio: Tensor | StoredAudio, start: int, stop: int) -> Tensor:
    """Samples ``start`` to ``stop`` of a batch, or of a stored clip, which are then checked."""
    if isinstance(audio, Tensor):
        return audio[:, start:stop]
    samples = audio.stretch(start, stop)
    check_audio(samples)
    return samples


def timestamps_ms(n_timestamps: int) -> Tensor:
    """Window centers in ms, float32 (n_timestamps,), from 0 in steps of `TIMESTAMP_HOP_MS`."""
    return (torch.arange(n_timestamps, dtype=torch.float64) * TIMESTAMP_HOP_MS).float()


def batches(
    audio: Tensor | StoredAudio, window: int, hop: int, batch_size: int, what: str
) -> Iterator[Tensor]:
    """Yield the windows of clips (n_sounds, n_samples) as stacks (n_sounds, n_in_batch, window).

    ``window`` and ``hop`` are in samples; windows come in order. ``batch_size`` is the intended
    number of windows per stack, over all sounds; ``what`` names the window in errors. AudioError if
    a clip is too short for the reflect padding, or if a stored clip is not valid audio.
    """
    padding = window // 2
    check_padding(audio.shape[1], padding, what)
    n = n_windows(audio.shape[1], window, hop)
    step = max(1, batch_size // audio.shape[0])
    for first in range(0, n, step):
        start, last = first * hop - padding, min(first + step, n) - 1
        yield _reflected(audio, start, last * hop - padding + window).unfold(1, window, hop)


def _reflected(audio: Tensor | StoredAudio, start: int, stop: int) -> Tensor:
    """Samples ``start`` to ``stop`` of clips that are reflected at both ends.

    Equals ``F.pad(..., mode="reflect")`` without a padded copy of the whole clip.
    """
    last = audio.shape[1] - 1
    if start >= 0 and stop <= last + 1:
        return stretch(audio, start, stop)
    index = torch.arange(start, stop).abs()
    index = torch.minimum(index, 2 * last - index)
    first = int(index.min())
    return stretch(audio, first, int(index.max()) + 1)[:, index - first]
