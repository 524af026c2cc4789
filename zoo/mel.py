"""Slaney's mel scale, librosa's default: linear below 1 kHz, logarithmic above."""

from __future__ import annotations

import numpy as np

HZ_PER_MEL = 200 / 3  # below the break; Slaney, "Auditory Toolbox", 1998
BREAK_HZ = 1000.0
LOG_STEP = np.log(6.4) / 27  # above: 27 mels from 1 to 6.4 kHz


def slaney_mel_bank(sample_rate: int, n_fft: int, n_mels: int) -> np.ndarray:
    """Triangular filters of equal area from 0 Hz to half the sample rate.

    ``sample_rate`` in Hz, ``n_fft`` in samples; float32, shape (n_mels, n_fft // 2 + 1).
    """
    bins_hz = np.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    corners_hz = _mel_to_hz(np.linspace(0, _hz_to_mel(sample_rate / 2), n_mels + 2))
    left, center, right = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    rising = (bins_hz - left) / (center - left)
    falling = (right - bins_hz) / (right - center)
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (right - left)).astype(np.float32)


def _hz_to_mel(hz: float) -> float:
    if hz < BREAK_HZ:
        return hz / HZ_PER_MEL
    return BREAK_HZ / HZ_PER_MEL + np.log(hz / BREAK_HZ) / LOG_STEP


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    above = mel - BREAK_HZ / HZ_PER_MEL
    return np.where(above < 0, mel * HZ_PER_MEL, BREAK_HZ * np.exp(LOG_STEP * above))
