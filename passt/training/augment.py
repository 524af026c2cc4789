"""Augmentation of waveforms (NumPy, where clips are read) and spectrograms (torch).

Every function takes the generator to draw from. Sources: the paper's Appendix A and the PaSST
repository, ``audioset/dataset.py`` and ``models/preprocess.py``.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from passt.mel import MAX_HZ, MIN_HZ

Floats = NDArray[np.float32]
MASK_VALUE = 0.0  # of the log-mel before its normalization, as torchaudio's masks in the reference


def roll(waveforms: Floats, max_samples: int, rng: np.random.Generator) -> Floats:
    """Shift each waveform circularly by up to ``max_samples``; shape (n_sounds, n_samples)."""
    if not max_samples:
        return waveforms
    shifts = rng.integers(-max_samples, max_samples + 1, size=len(waveforms))
    return np.stack([np.roll(x, shift) for x, shift in zip(waveforms, shifts, strict=True)])


def gain(waveforms: Floats, max_db: float, rng: np.random.Generator) -> Floats:
    """Scale each waveform by up to ``max_db`` decibels either way; shape (n_sounds, n_samples)."""
    decibels = rng.uniform(-max_db, max_db, size=(len(waveforms), 1))
    return waveforms * (10.0 ** (decibels / 20.0)).astype(np.float32)


def mixup_weights(beta: float, n: int, rng: np.random.Generator) -> Floats:
    """Mixup weights of the first sound, max(b, 1 - b) with b ~ Beta(beta, beta); shape (n,)."""
    weights = rng.beta(beta, beta, size=n)
    return np.maximum(weights, 1.0 - weights).astype(np.float32)


def mix_waveforms(
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
    beta: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Mix zero-mean waveforms (n_sounds, n_samples) and their targets (n_sounds, n_tags)."""
    weights = mixup_weights(beta, len(first[0]), rng)[:, None]
    centered = [x - x.mean(axis=1, keepdims=True) for x in (first[0], second[0])]
    targets = weights * first[1] + (1 - weights) * second[1]
    return weights * centered[0] + (1 - weights) * centered[1], targets


def mel_edges(
    min_hz_range: float, max_hz_range: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Draw the mel bank's lowest and highest edge in Hz, around those used at inference."""
    low = MIN_HZ + min_hz_range * rng.random()
    return low, MAX_HZ + max_hz_range * (0.5 - rng.random())


def mask(log_mel: Tensor, max_bands: int, max_frames: int, rng: np.random.Generator) -> Tensor:
    """SpecAugment: mask one stretch of bands and one of frames in each spectrogram.

    ``log_mel`` is (n_sounds, n_bands, n_frames), not normalized; widths are drawn from [0,
    ``max_*``).
    """
    n_sounds, n_bands, n_frames = log_mel.shape
    bands = _stretches(n_sounds, n_bands, max_bands, rng)[:, :, None]
    frames = _stretches(n_sounds, n_frames, max_frames, rng)[:, None, :]
    return log_mel.masked_fill((bands | frames).to(log_mel.device), MASK_VALUE)


def _stretches(n: int, size: int, max_width: int, rng: np.random.Generator) -> Tensor:
    """Bool (n, size), true in one random stretch per row."""
    width = np.floor(rng.random((n, 1)) * min(max_width, size))
    start = np.floor(rng.random((n, 1)) * (size - width + 1))
    places = np.arange(size)
    return torch.from_numpy((places >= start) & (places < start + width))


def mix_spectrograms(
    spectrograms: Tensor, targets: Tensor, beta: float, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mix each spectrogram and its targets with another one of the batch.

    Shapes (n_sounds, n_bands, n_frames) and (n_sounds, n_tags).
    """
    n = len(targets)
    weights = torch.from_numpy(mixup_weights(beta, n, rng)).to(targets.device)[:, None]
    others = torch.from_numpy(rng.permutation(n)).to(targets.device)
    mixed = torch.lerp(spectrograms[others], spectrograms, weights[:, :, None])
    return mixed, torch.lerp(targets[others], targets, weights)
