"""Long clips, read from their file in stretches, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

from hear.audio.read import RESAMPLING_QUALITY, ClipError, check_samples, check_shape, open_clip

BLOCK_S = 10.0  # read at a time, and kept behind the last stretch: reflections look back


class StoredClip:
    """One mono clip in its file, resampled while it is read.

    Its samples equal those of `hear.audio.read` bit for bit. Stretches are requested in the order
    of the clip; going back beyond the buffer reads the file again. ``shape`` is (1, n_samples) at
    the requested rate: a batch of one clip. ClipError if the file cannot be opened, has several
    channels or no samples; `hear.tasks.audio_checks.check_audio` checks that it is complete.
    """

    _kept: np.ndarray  # samples behind and ahead of the last stretch
    _first: int  # position of the first of them in the clip

    def __init__(self, path: Path | str, sample_rate_hz: int) -> None:
        self._path, self._rate_hz = Path(path), sample_rate_hz
        with open_clip(self._path) as file:
            n_samples, n_channels, rate_hz = file.frames, file.channels, file.samplerate
        check_shape(self._path, n_samples, n_channels)
        self.shape = (1, int(n_samples * sample_rate_hz / rate_hz + 0.5))  # as soxr
        self._start_over()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.shape[1] / self._rate_hz

    def stretch(self, start: int, stop: int) -> Tensor:
        """Samples ``start`` to ``stop``, 0 <= start < stop <= n_samples, at the requested rate.

        Returns float32 (1, stop - start) with full scale 1. ClipError if the file is unreadable or
        ends early, or samples are NaN or infinite.
        """
        if start < self._first:
            self._start_over()
        while self._first + len(self._kept) < stop:
            block = next(self._blocks, None)
            if block is None:
                found = self._first + len(self._kept)
                raise ClipError(self._path, f"{self.shape[1]} samples", found)
            n_forgotten = start - int(BLOCK_S * self._rate_hz) - self._first
            n_forgotten = min(max(n_forgotten, 0), len(self._kept))
            self._kept = np.concatenate([self._kept[n_forgotten:], block])
            self._first += n_forgotten
        return torch.from_numpy(self._kept[start - self._first : stop - self._first][None])

    def _start_over(self) -> None:
        self._blocks = self._read()
        self._kept = np.empty(0, np.float32)
        self._first = 0

    def _read(self) -> Iterator[np.ndarray]:
        """The clip's samples at the requested rate, in blocks."""
        with open_clip(self._path) as file:
            resampler = None
            if file.samplerate != self._rate_hz:
                rates = (file.samplerate, self._rate_hz)
                resampler = soxr.ResampleStream(*rates, 1, "float32", RESAMPLING_QUALITY)
            n_block = int(BLOCK_S * file.samplerate)
            for first in range(0, file.frames, n_block):
                block = file.read(n_block, dtype="float32")
                check_samples(self._path, block, first)
                if resampler is not None:
                    block = resampler.resample_chunk(block, last=first + n_block >= file.frames)
                yield block
