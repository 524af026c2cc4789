"""Building blocks of synthesized sounds: modes, formants, filtered noise, levels, mixing.

All functions work at `SAMPLE_RATE_HZ` and draw only from the generator they are given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy  # scipy.signal, which takes a second to import, comes with its first use
from numpy.typing import ArrayLike, NDArray

from mini.task import SAMPLE_RATE_HZ

Samples = NDArray[np.floating]
LEVEL_FRAME_S = 0.01  # chosen: frames over which the level is measured
LEVEL_RANGE_DB = 25.0  # chosen: frames this far below the loudest one count as pauses


def n_samples(duration_s: float) -> int:
    """Number of samples of a duration in seconds."""
    return round(duration_s * SAMPLE_RATE_HZ)


def times_s(duration_s: float) -> Samples:
    """Time of every sample of a sound in seconds, (n_samples,)."""
    return np.arange(n_samples(duration_s)) / SAMPLE_RATE_HZ


def decay(duration_s: float, attack_s: float, decay_s: float) -> Samples:
    """Envelope in [0, 1]: linear attack, then an exponential fall to 1/e in `decay_s`."""
    time_s = times_s(duration_s)
    return np.minimum(time_s / attack_s, 1) * np.exp(-np.maximum(time_s - attack_s, 0) / decay_s)


def swell(length: int, exponent: float = 1.0) -> Samples:
    """Envelope: half a period of a sine to the power `exponent`, `length` samples."""
    return np.sin(np.pi * np.linspace(0, 1, length)) ** exponent


def strike(
    rng: np.random.Generator, modes_hz: ArrayLike, decays_s: ArrayLike, duration_s: float
) -> Samples:
    """Struck object: a sum of decaying modes with random phases, peak about n_modes.

    `modes_hz` and `decays_s`: frequency and time constant of each mode, (n_modes,).
    """
    time_s = times_s(duration_s)
    frequencies, decays = np.broadcast_arrays(np.asarray(modes_hz, float), decays_s)
    phases = rng.uniform(0, 2 * np.pi, len(frequencies))
    waves = np.sin(2 * np.pi * frequencies[:, None] * time_s + phases[:, None])
    return (waves * np.exp(-time_s / decays[:, None])).sum(axis=0)


def noise_band(
    rng: np.random.Generator, duration_s: float, low_hz: float, high_hz: float
) -> Samples:
    """White noise through a fourth-order Butterworth band-pass from `low_hz` to `high_hz`."""
    return band_pass(rng.normal(size=n_samples(duration_s)), low_hz, high_hz)


def band_pass(sound: Samples, low_hz: float, high_hz: float) -> Samples:
    """Fourth-order Butterworth band-pass from `low_hz` to `high_hz`."""
    band = scipy.signal.butter(2, [low_hz, high_hz], "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    return scipy.signal.sosfilt(band, sound)


def resonate(source: Samples, formants: Sequence[tuple[float, float]]) -> Samples:
    """Pass a sound through parallel resonators (frequency_hz, bandwidth_hz); peak 1."""
    sound = sum(resonator(source, *formant) for formant in formants)
    return sound / np.abs(sound).max()


def resonator(source: Samples, frequency_hz: float, bandwidth_hz: float) -> Samples:
    """Two-pole resonator."""
    radius = np.exp(-np.pi * bandwidth_hz / SAMPLE_RATE_HZ)
    angle = 2 * np.pi * frequency_hz / SAMPLE_RATE_HZ
    return scipy.signal.lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], source)


def voice(
    rng: np.random.Generator,
    duration_s: float,
    pitch_hz: float,
    formants: Sequence[tuple[float, float]],
    breath: float,
    roughness: float = 0.01,
) -> Samples:
    """Vowel-like sound: sawtooth and noise through parallel resonators, peak 1.

    Parallel formant synthesis (Klatt 1980, J. Acoust. Soc. Am. 67, 971), simplified. `breath` is
    the share of noise in the source, `roughness` the relative random drift of the pitch.
    """
    length = n_samples(duration_s)
    drift = np.cumsum(rng.normal(size=length)) / np.sqrt(length)
    phase = np.cumsum(pitch_hz * (1 + 10 * roughness * drift) / SAMPLE_RATE_HZ)
    source = (1 - breath) * (1 - 2 * (phase % 1)) + breath * rng.normal(size=length)
    return resonate(source, formants)


def add_at(canvas: Samples, sound: Samples, start_s: float) -> None:
    """Add `sound` to `canvas` in place from `start_s` >= 0 on; what does not fit is cut off."""
    start = n_samples(start_s)
    length = max(0, min(len(sound), len(canvas) - start))
    canvas[start : start + length] += sound[:length]


def active_rms(sound: Samples) -> float:
    """Root mean square over the frames that are not pauses; 0 for silence."""
    frame = n_samples(LEVEL_FRAME_S)
    padded = np.pad(np.asarray(sound, float), (0, -len(sound) % frame))
    power = np.square(padded).reshape(-1, frame).mean(axis=1)
    return float(np.sqrt(power[power >= power.max() * 10 ** (-LEVEL_RANGE_DB / 10)].mean()))


def set_level(sound: Samples, level_db: float) -> Samples:
    """Scale to an active level in dB relative to full scale; silence stays silent."""
    rms = active_rms(sound)
    return sound * (10 ** (level_db / 20) / rms) if rms > 0 else sound
