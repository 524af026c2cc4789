"""Near copies of recordings: spectral prints find candidates, waveform correlation decides.

A print holds the levels and durations of 24 bands, independent of the clip's loudness and position
in time. A near copy went through a gain, another sample rate, a shift or a lossy codec; its print
stays close to the original's, so that a tree finds it without comparing all pairs. The waveforms of
two candidates are then correlated at every lag, with all bands flattened to one level: the same
waveform correlates, two takes of the same sound do not. Only the first 30 s of a clip are compared,
below 3.6 kHz, which most lower sample rates and codecs preserve.

Of the copies of 449 clips from 23 task folders, all are found after a gain, at 16 kHz, at 8 kHz and
after MP3; 448 after a shift of 37 ms; 96 % under white noise (20 dB); 93 % after MP3 at the lowest
bit rate. Without their first 10 ms, 81 % are found, and without 80 ms, 70 %: a drum stroke without
its attack is another sound. Of 23,627 nearest pairs of clips, 37 are reported as copies: three are
two programs of one sample, 34 are strokes of one drum sampled at several loudnesses. These numbers
come from `python -m benchmarks.near_copies`.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

RATE_HZ = 8000  # of what is compared
EXCERPT_S = 30.0  # from the start of a clip
N_FFT = 512  # 64 ms
HOP = 256  # 32 ms
N_BANDS = 24
LOWEST_HZ, HIGHEST_HZ = 100.0, 3600.0
FLOOR = 1e-3  # of the strongest band, -30 dB: what lies below is the codec's
SMOOTHED_HZ = 100.0  # width over which a spectrum is flattened: its lines stay
SAME = 0.8  # correlation from which two clips are one recording
CLOSE_DB = 2.0  # distance of prints (root mean square) up to which waves are correlated

Samples = NDArray[np.float32]


def excerpt(samples: Samples, rate_hz: int) -> Samples:
    """Return the first `EXCERPT_S` of a clip at `RATE_HZ`."""
    samples = samples[: int(EXCERPT_S * rate_hz)]
    return soxr.resample(samples, rate_hz, RATE_HZ, quality="MQ")


@cache
def _bands() -> NDArray[np.float32]:
    """Share of each frequency of a frame that each band takes, (n_frequencies, N_BANDS)."""
    bin_hz = RATE_HZ / N_FFT
    frequencies = np.arange(N_FFT // 2 + 1)[:, None]
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, N_BANDS + 1)[None] / bin_hz
    below = np.clip(edges - frequencies + 0.5, 0, 1)
    return np.diff(below, axis=1).astype(np.float32)


@cache
def hann(n: int) -> NDArray[np.float32]:
    """Return a Hann window, float32 (n,)."""
    return np.hanning(n).astype(np.float32)


def frames_of(samples: Samples, n_frame: int, hop: int) -> Samples:
    """Return a view of all full frames, float32 (n_frames, n_frame), of contiguous samples.

    Faster than NumPy's sliding window, whose set-up takes as long as the spectra of a short clip.
    """
    n_frames = (len(samples) - n_frame) // hop + 1
    size = samples.itemsize
    return np.ndarray((n_frames, n_frame), samples.dtype, samples, 0, (hop * size, size))


def power_of(spectrum: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    """Return the squared magnitude of every value, without the square root of ``abs``."""
    return spectrum.real**2 + spectrum.imag**2


def spectral_print(samples: Samples) -> NDArray[np.float32] | None:
    """Return the print of an excerpt, float32 (2 * N_BANDS,) in dB; None if its bands are empty.

    The first half are the levels of the bands over the excerpt, minus their mean; the second half
    is the number of frames that each band's power fills. Silence before or after a sound does not
    change them.
    """
    padded = np.zeros(len(samples) + 2 * N_FFT, np.float32)
    padded[N_FFT:-N_FFT] = samples
    frames = frames_of(padded, N_FFT, HOP)
    power = power_of(rfft(frames * hann(N_FFT), axis=1)) @ _bands()
    total = power.sum(axis=0, dtype=np.float64)
    if total.max() <= 0:
        return None
    floor = FLOOR * total.max()
    levels = 10 * np.log10(total + floor)
    filled = (total + floor) ** 2 / ((power + floor / len(power)) ** 2).sum(axis=0)
    return np.concatenate([levels - levels.mean(), 10 * np.log10(filled)]).astype(np.float32)


def padded_length(n_first: int, n_second: int) -> int:
    """Return the length to which two excerpts are padded, so that all lags fit."""
    return next_fast_len(n_first + n_second, real=True)


def correlation(
    first: NDArray[np.complexfloating], second: NDArray[np.complexfloating], n_padded: int
) -> float:
    """Return the largest absolute correlation of two excerpts over all lags, 0 to 1.

    ``first`` and ``second`` are their `flattened` spectra of ``n_padded`` samples.
    """
    norm = np.sqrt(_energy(first) * _energy(second))
    if not norm:
        return 0.0
    return float(np.abs(irfft(first * second.conj(), n_padded)).max() * n_padded / norm)


def _energy(spectrum: NDArray[np.complexfloating]) -> float:
    return 2.0 * float(power_of(spectrum).sum(dtype=np.float64))


def flattened(samples: Samples, n_padded: int) -> NDArray[np.complexfloating]:
    """Return the spectrum of a padded excerpt, with each 100 Hz band scaled to the same level.

    Values outside `LOWEST_HZ` to `HIGHEST_HZ` are 0.
    """
    spectrum = rfft(samples, n_padded)
    bin_hz = RATE_HZ / n_padded
    first, last = int(LOWEST_HZ / bin_hz) + 1, math.ceil(HIGHEST_HZ / bin_hz)
    sums = np.zeros(len(spectrum) + 1)
    np.cumsum(power_of(spectrum), dtype=np.float64, out=sums[1:])
    half = max(int(SMOOTHED_HZ / bin_hz) // 2, 1)
    places = np.arange(first, last)
    start, stop = np.maximum(places - half, 0), np.minimum(places + half + 1, len(spectrum))
    level = (sums[stop] - sums[start]) / (stop - start)
    floor = FLOOR * level.max() + np.finfo(np.float32).tiny
    flat = np.zeros_like(spectrum)
    flat[first:last] = spectrum[first:last] / np.sqrt(level + floor)
    return flat
