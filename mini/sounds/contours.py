"""Sounds that follow curves: tones and voices with gliding pitch, sprinkled grains, filters.

All functions work at `SAMPLE_RATE_HZ` and draw only from the generator they are given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy

from mini.sounds.synthesis import Samples, n_samples, resonate
from mini.task import SAMPLE_RATE_HZ

JITTER_HZ = 30.0  # chosen: how fast the pitch of an untrained voice wavers


def curve(values: Sequence[float] | Samples, duration_s: float) -> Samples:
    """Line through equally spaced values, `n_samples(duration_s)` samples."""
    length = n_samples(duration_s)
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(values)), values)


def wobble(
    rng: np.random.Generator, duration_s: float, rate_hz: float, low: float, high: float
) -> Samples:
    """Random curve between `low` and `high` that turns about `rate_hz` times a second."""
    n_points = max(2, 1 + round(duration_s * rate_hz))
    return curve(rng.uniform(low, high, n_points), duration_s)


def tone(frequency_hz: Samples, partials: Sequence[float] = (1.0,)) -> Samples:
    """Sum of harmonics over a frequency in Hz that changes with time, (n_samples,).

    `partials` are the harmonics' amplitudes, the fundamental first.
    """
    phase = 2 * np.pi * np.cumsum(frequency_hz) / SAMPLE_RATE_HZ
    waves = (amplitude * np.sin(n * phase) for n, amplitude in enumerate(partials, start=1))
    return sum(waves, start=np.zeros(len(phase)))


def glottis(
    rng: np.random.Generator, pitch_hz: Samples, breath: float | Samples, roughness: float = 0.01
) -> Samples:
    """Source of a voice: a sawtooth that wavers, and breath (Klatt 1980, JASA 67, 971, simplified).

    `pitch_hz` has (n_samples,); `breath` is the share of noise, 0 to 1, `roughness` the relative
    standard deviation of the pitch's quick wavering.
    """
    length = len(pitch_hz)
    n_points = max(2, round(length / SAMPLE_RATE_HZ * JITTER_HZ))
    jitter = curve(rng.normal(size=n_points), length / SAMPLE_RATE_HZ)
    phase = np.cumsum(pitch_hz * (1 + roughness * jitter)) / SAMPLE_RATE_HZ
    return (1 - breath) * (1 - 2 * (phase % 1)) + breath * rng.normal(size=length)


def sing(
    rng: np.random.Generator,
    pitch_hz: Samples,
    formants: Sequence[tuple[float, float]],
    breath: float,
    roughness: float = 0.01,
) -> Samples:
    """Voice whose pitch follows a curve: `glottis` through `resonate`, peak 1."""
    return resonate(glottis(rng, pitch_hz, breath, roughness), formants)


def low_pass(sound: Samples, cutoff_hz: float, order: int = 2) -> Samples:
    """Butterworth low-pass."""
    sections = scipy.signal.butter(order, cutoff_hz, fs=SAMPLE_RATE_HZ, output="sos")
    return scipy.signal.sosfilt(sections, sound)


def sprinkle(rng: np.random.Generator, duration_s: float, rate_hz: float, spread: float) -> Samples:
    """Impulses of either sign at random moments, `rate_hz` a second on average, at least one.

    Their heights are log-normal: `spread` is the standard deviation of the logarithm.
    """
    length = n_samples(duration_s)
    count = max(1, rng.poisson(rate_hz * duration_s))
    canvas = np.zeros(length)
    heights = rng.lognormal(0, spread, count) * rng.choice((-1, 1), count)
    np.add.at(canvas, rng.integers(length, size=count), heights)
    return canvas


def pulse_train(frequency_hz: Samples) -> Samples:
    """One impulse per period of a frequency that changes with time."""
    cycles = np.floor(np.cumsum(frequency_hz) / SAMPLE_RATE_HZ)
    return np.diff(cycles, prepend=0.0)
