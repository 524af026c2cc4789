"""Measurements of a clip: level, clipping, bandwidth, and a fingerprint for near copies."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.fft import rfft

from hear.audio.read import MAX_AMPLITUDE, check_samples, check_shape, open_clip
from hear.doctor.prints import EXCERPT_S, excerpt, frames_of, hann, power_of, spectral_print

BLOCK_S = 30.0  # read at a time, so that memory does not grow with the clip
FLAT = 3  # equal samples at the extreme that make a flat top
STEEP = 1e-3  # of the extreme: by how much the wave arrives there, which a smooth top does not
N_FRAMES = 16  # spectra per clip that its bandwidth is read from
N_FFT = 2048
# Half the sample rates in use below HEAR's highest, Hz: where the treble of upsampled audio ends.
CUTS_HZ = (4000.0, 5512.5, 6000.0, 8000.0, 11025.0, 12000.0, 16000.0)
DROP = 100.0  # power just below such a cut over all above it, 20 dB; 16 bits hold more


@dataclass(frozen=True, slots=True)
class Heard:
    """Measurements of one clip, about 500 bytes.

    ``audio_hash`` is the hash of the decoded samples; ``reach`` half the distance between the
    lowest and the highest sample, with full scale 1; ``n_flat`` the number of samples in flat tops;
    ``cut_hz`` the frequency at which the treble is cut off as in audio of a lower sample rate, 0 if
    there is none; ``print`` the spectral print, None for digital silence.
    """

    audio_hash: bytes
    n_samples: int
    reach: float
    n_flat: int
    cut_hz: float
    print: NDArray[np.float32] | None


def listen(path: Path) -> Heard:
    """Measure a mono clip in one pass; raises the errors of `hear.audio.read.read_samples`."""
    digest = hashlib.sha256()
    low, high = np.inf, -np.inf
    n_flat = {-1: 0, 1: 0}
    beginning = np.zeros(0, np.float32)
    with open_clip(path) as file:
        rate_hz, n_samples = file.samplerate, file.frames
        check_shape(path, n_samples, file.channels)
        n_block = int(BLOCK_S * rate_hz)
        for first in range(0, n_samples, n_block):
            block = _read(file, n_block)
            lowest, highest = float(block.min()), float(block.max())
            if not max(highest, -lowest) <= MAX_AMPLITUDE:  # or NaN
                check_samples(path, block, first)
            digest.update(block.data)
            for sign, peak, extreme in ((1, highest, high), (-1, -lowest, -low)):
                if peak >= extreme:
                    flat = _n_flat(block, sign, peak)
                    n_flat[sign] = flat + (n_flat[sign] if peak == extreme else 0)
            low, high = min(low, lowest), max(high, highest)
            if first == 0:
                beginning = block[: int(EXCERPT_S * rate_hz)]
    reach = (high - low) / 2
    return Heard(
        digest.digest(),
        n_samples,
        reach,
        sum(n_flat.values()),
        _cut_hz(beginning, rate_hz) if reach else 0.0,
        spectral_print(excerpt(beginning, rate_hz)) if reach else None,
    )


def _read(file: soundfile.SoundFile, n_samples: int) -> NDArray[np.float32]:
    """Read samples; 16 bits are scaled here, which takes half as long as in libsndfile."""
    if file.subtype == "PCM_16":
        return file.read(n_samples, dtype="int16") * np.float32(2**-15)
    return file.read(n_samples, dtype="float32")


def _n_flat(samples: NDArray[np.float32], sign: int, peak: float) -> int:
    """Samples in runs of at least `FLAT` at the peak, reached or left steeply.

    ``peak`` is the highest of ``sign * samples``.
    """
    at = np.flatnonzero(samples == sign * peak)
    if len(at) < FLAT or peak <= 0:
        return 0
    starts = np.flatnonzero(np.diff(at, prepend=-2) > 1)
    lengths = np.diff(starts, append=len(at))
    before, after = at[starts] - 1, at[starts] + lengths
    steep = np.zeros(len(starts), bool)
    for beside in (before, after):
        inside = (beside >= 0) & (beside < len(samples))
        steep[inside] |= peak - sign * samples[beside[inside]] > STEEP * peak
    return int(lengths[steep & (lengths >= FLAT)].sum())


def _cut_hz(samples: NDArray[np.float32], rate_hz: int) -> float:
    """Lowest of `CUTS_HZ` with energy below it and none above it."""
    if len(samples) < N_FFT:
        samples = np.pad(samples, (0, N_FFT - len(samples)))
    hop = max((len(samples) - N_FFT + 1) // N_FRAMES, 1)
    frames = frames_of(samples, N_FFT, hop)[:N_FRAMES]
    power = power_of(rfft(frames * hann(N_FFT), axis=1)).mean(axis=0)
    power = np.convolve(power, np.full(9, 1 / 9), "same")  # a single bin of noise is no content
    sums = np.cumsum(power, dtype=np.float64)
    highest = np.maximum.accumulate(power[-9::-1])[::-1]  # from each bin on
    for cut_hz, first, last, above in _cut_bins(rate_hz):
        if sums[last - 1] - sums[first - 1] > DROP * highest[above] * (last - first):
            return cut_hz
    return 0.0


@cache
def _cut_bins(rate_hz: int) -> list[tuple[float, int, int, int]]:
    """For each cutoff that a rate can show: bins below it (first, end), and the first above it."""
    bin_hz = rate_hz / N_FFT
    return [
        (hz, int(0.84 * hz / bin_hz), int(0.91 * hz / bin_hz), int(1.05 * hz / bin_hz))
        for hz in CUTS_HZ
        if hz <= 0.92 * rate_hz / 2
    ]
