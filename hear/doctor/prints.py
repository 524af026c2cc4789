"""Near copies of recordings: a spectral print finds candidates, a correlation of waves decides.

The print is 24 levels and 24 durations of bands, without the clip's loudness and place in time. A
near copy passed a gain, another sample rate, a shift or a lossy codec: it is close to its original
in all of them, so that a tree finds it without comparing all pairs. The waves of two candidates are
then correlated at every lag, with all bands flattened to one level: the same wave correlates, two
takes of the same sound do not. Only the first 30 s of a clip are compared, below 3.6 kHz, which
most lower sample rates and codecs keep.

Of copies of 449 clips of 23 task folders, all are found after a gain, 16 kHz, 8 kHz and MP3, 448
after a shift of 37 ms, 96 % under white noise (20 dB), 93 % after MP3 of the least bits. Without
their first 10 ms 81 % are found, and 70 % without 80 ms: a drum without its stroke is another
sound. Of 23,627 nearest pairs of clips 37 are called copies: three of two programs of one
sample, 34 of strokes of one drum sampled at several loudnesses. The command is
`python -m benchmarks.near_copies`.
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
    """Return a view of all whole frames, float32 (n_frames, n_frame); samples are contiguous.

    It is NumPy's sliding window, which takes as long to set up as the spectra of a short clip.
    """
    n_frames = (len(samples) - n_frame) // hop + 1
    size = samples.itemsize
    return np.ndarray((n_frames, n_frame), samples.dtype, samples, 0, (hop * size, size))


def power_of(spectrum: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    """Return the squared magnitude of every value, without the root that ``abs`` draws."""
    return spectrum.real**2 + spectrum.imag**2


def spectral_print(samples: Samples) -> NDArray[np.float32] | None:
    """Return the print of an excerpt, float32 (2 * N_BANDS,) in dB; None if its bands are empty.

    First come the levels of the bands over the whole excerpt, their mean subtracted; then how many
    frames each band's power fills. Silence before or after a sound changes neither.
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
    """Return a length to which two excerpts are padded, so that every lag of them fits."""
    return next_fast_len(n_first + n_second, real=True)


def correlation(
    first: NDArray[np.complexfloating], second: NDArray[np.complexfloating], n_padded: int
) -> float:
    """Return the largest correlation of two excerpts at any lag, 0 to 1, whatever their signs.

    ``first`` and ``second`` are their `flattened` spectra of ``n_padded`` samples.
    """
    norm = np.sqrt(_energy(first) * _energy(second))
    if not norm:
        return 0.0
    return float(np.abs(irfft(first * second.conj(), n_padded)).max() * n_padded / norm)


def _energy(spectrum: NDArray[np.complexfloating]) -> float:
    return 2.0 * float(power_of(spectrum).sum(dtype=np.float64))


def flattened(samples: Samples, n_padded: int) -> NDArray[np.complexfloating]:
    """Return the spectrum of a padded excerpt, each stretch of 100 Hz at one level.

    What lies outside of `LOWEST_HZ` to `HIGHEST_HZ` is 0.
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
