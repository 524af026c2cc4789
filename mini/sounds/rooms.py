"""Rooms and backgrounds: reverberation and the noise of environments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from mini.sounds.synthesis import Samples, n_samples, times_s
from mini.task import SAMPLE_RATE_HZ

DECAY_60_DB = 6.908  # ln(1000): exponent of the amplitude at the reverberation time


@dataclass(frozen=True)
class Environment:
    """A background: noise with power falling as 1 / f**exponent, hum, and slow swelling."""

    exponent: float  # 0 is white noise, 1 pink, 2 brown
    hum_hz: tuple[float, ...] = ()  # frequencies of steady tones
    hum_share: float = 0.3  # share of all tones together in the power, 0 to 1
    swell_hz: float = 0.1  # rate of the loudness modulation
    swell_depth: float = 0.0  # its relative depth


def colored_noise(rng: np.random.Generator, length: int, exponent: float) -> Samples:
    """Gaussian noise with power falling as 1 / f**exponent, standard deviation 1, (length,)."""
    spectrum = np.fft.rfft(rng.normal(size=length))
    bins = np.maximum(np.arange(len(spectrum)), 20 * length / SAMPLE_RATE_HZ)  # flat below 20 Hz
    noise = np.fft.irfft(spectrum * bins ** (-exponent / 2), length)
    return noise / noise.std()


def background(rng: np.random.Generator, environment: Environment, duration_s: float) -> Samples:
    """Background noise of an environment, root mean square about 1."""
    time_s = times_s(duration_s)
    sound = colored_noise(rng, len(time_s), environment.exponent)
    if environment.hum_hz:
        amplitude = np.sqrt(2 * environment.hum_share / len(environment.hum_hz))
        sound = np.sqrt(1 - environment.hum_share) * sound
        for frequency_hz in environment.hum_hz:
            phase = rng.uniform(0, 2 * np.pi)
            sound = sound + amplitude * np.sin(2 * np.pi * frequency_hz * time_s + phase)
    phase = rng.uniform(0, 2 * np.pi)
    swelling = np.sin(2 * np.pi * environment.swell_hz * time_s + phase)
    return sound * (1 + environment.swell_depth * swelling)


def reverberate(
    rng: np.random.Generator, sound: Samples, reverberation_s: float, wet: float
) -> Samples:
    """Put a sound into a room: direct sound plus an exponentially decaying noise tail.

    Statistical room model of Polack (1988). The tail falls by 60 dB in `reverberation_s`; `wet` is
    its amplitude relative to the direct sound. The result is cut to the length of the sound.
    """
    length = n_samples(reverberation_s)
    tail = rng.normal(size=length) * np.exp(-DECAY_60_DB * np.arange(length) / length)
    response = wet * tail / np.sqrt(np.square(tail).sum())
    response[0] += 1
    return scipy.signal.fftconvolve(sound, response)[: len(sound)]


def tilt(sound: Samples, db_per_octave: float) -> Samples:
    """Tilt the spectrum of a sound around 1 kHz, as recorders and loudspeakers do.

    Positive for a brighter sound; flat below 50 Hz.
    """
    spectrum = np.fft.rfft(sound)
    frequencies_hz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ)
    octaves = np.log2(np.maximum(frequencies_hz, 50.0) / 1000.0)
    return np.fft.irfft(spectrum * 10 ** (db_per_octave * octaves / 20), len(sound))
