"""Drums, gongs, cymbals and clappers as sums of decaying modes and noise.

Everything is float64 (n_samples,) at `SAMPLE_RATE_HZ` with an arbitrary level. Parameter ranges
are chosen by ear; the structure of the instruments is that of the sources named below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mini.draws import Draws
from mini.sounds.contours import curve, tone
from mini.sounds.synthesis import Samples, add_at, decay, n_samples, noise_band, strike, times_s

GONG_LENGTH_S = 1.2  # chosen: as long as a clip of the task that uses them
DRUM_LENGTH_S = 0.6  # chosen: as long as a clip of the task that uses it


def _glide(
    draws: Draws, modes_hz: Samples, decays_s: Samples, bend: float, bend_s: float
) -> Samples:
    """Decaying modes whose pitch moves from `bend` times its final value to 1."""
    time_s = times_s(GONG_LENGTH_S)
    course = 1 + (bend - 1) * np.exp(-time_s / bend_s)
    sound = np.zeros(len(time_s))
    for mode_hz, decay_s in zip(modes_hz, decays_s, strict=True):
        sound += tone(mode_hz * course) * np.exp(-time_s / decay_s) * draws.rng.uniform(0.5, 1)
    return sound


def bangu(draws: Draws) -> Samples:
    """Small clapper drum: a dry knock, one to three of them."""
    canvas = np.zeros(n_samples(GONG_LENGTH_S))
    modes_hz = draws.uniform(500, 1300) * np.array([1, 1.6, 2.3, 3.4])
    gap_s = draws.uniform(0.12, 0.4)
    for position in range(draws.rng.integers(1, 4)):
        hit = strike(draws.rng, modes_hz, draws.uniform(0.015, 0.05) / np.arange(1, 5), 0.3)
        snap = noise_band(draws.rng, 0.3, 1500, 9000) * decay(0.3, 0.001, 0.006)
        add_at(canvas, hit + draws.uniform(0.5, 2) * snap, position * gap_s)
    return canvas


def daluo(draws: Draws) -> Samples:
    """Large gong: the pitch falls (Fletcher and Rossing 1998, chapter 20)."""
    ratios = np.array([1, 1.52, 2.1, 2.8, 3.6, 4.4])
    modes_hz = draws.uniform(280, 640) * ratios * draws.rng.normal(1, 0.02, len(ratios))
    bend = draws.uniform(1.06, 1.25)
    sound = _glide(draws, modes_hz, draws.uniform(0.25, 0.75) / ratios**0.5, bend, 0.15)
    return sound + _crash(draws, 800, 6500, draws.uniform(0.08, 0.2))


def xiaoluo(draws: Draws) -> Samples:
    """Small gong: the pitch rises (Fletcher and Rossing 1998, chapter 20)."""
    ratios = np.array([1, 1.48, 2.05, 2.9, 3.7])
    modes_hz = draws.uniform(330, 760) * ratios * draws.rng.normal(1, 0.02, len(ratios))
    bend = draws.uniform(0.8, 0.95)
    sound = _glide(draws, modes_hz, draws.uniform(0.2, 0.6) / ratios**0.5, bend, 0.1)
    return sound + _crash(draws, 900, 7000, draws.uniform(0.06, 0.18))


def naobo(draws: Draws) -> Samples:
    """Pair of cymbals: dense inharmonic modes and noise."""
    modes_hz = draws.uniform(350, 800) * (1 + 9 * draws.rng.random(24))
    decay_s = draws.uniform(0.15, 0.6)
    ring = strike(draws.rng, modes_hz, decay_s * draws.rng.uniform(0.4, 1, 24), GONG_LENGTH_S)
    return 0.3 * ring + 2 * draws.uniform(0.5, 1.2) * _crash(draws, 1500, 11_000, decay_s)


def _crash(draws: Draws, low_hz: float, high_hz: float, decay_s: float) -> Samples:
    """The stroke's noise."""
    noise = noise_band(draws.rng, GONG_LENGTH_S, low_hz, high_hz * draws.uniform(0.7, 1.2))
    noise *= decay(GONG_LENGTH_S, 0.002, decay_s) / noise.std()
    return draws.uniform(0.4, 1.2) * noise


OPERA_INSTRUMENTS = {"bangu": bangu, "daluo": daluo, "naobo": naobo, "xiaoluo": xiaoluo}


@dataclass(frozen=True)
class Stroke:
    """Kind of stroke on a mridangam."""

    treble: tuple[float, ...]  # amplitudes of the loaded right head's harmonics 1 to 5
    treble_s: float  # time constant of its fundamental: damped by the hand or free
    bass: float  # amplitude of the left head
    slap: float  # amplitude of the noise of the fingers
    slap_hz: float  # center of that noise


# Names: Anantapadmanabhan et al. 2013. The left head alone sounds in tha and thom, both in bheem,
# dheem and dhin. That strokes silence modes by touching nodal lines: Raman 1935; numbers by ear.
STROKES = {
    "bheem": Stroke((0.9, 0.3, 0.2, 0.1, 0.0), 0.16, 1.0, 0.2, 700),
    "cha": Stroke((0.0, 0.6, 0.4, 0.5, 0.3), 0.05, 0.0, 0.6, 3000),
    "dheem": Stroke((1.0, 0.2, 0.1, 0.0, 0.0), 0.22, 0.6, 0.2, 800),
    "dhin": Stroke((0.3, 1.0, 0.3, 0.2, 0.1), 0.20, 0.5, 0.3, 1200),
    "num": Stroke((0.1, 1.0, 0.5, 0.3, 0.2), 0.22, 0.0, 0.3, 1300),
    "ta": Stroke((0.3, 0.3, 0.3, 0.3, 0.3), 0.02, 0.0, 1.0, 2200),
    "tha": Stroke((0.0, 0.0, 0.0, 0.0, 0.0), 0.05, 0.3, 1.0, 500),
    "tham": Stroke((1.0, 0.5, 0.3, 0.2, 0.1), 0.20, 0.0, 0.3, 1000),
    "thi": Stroke((0.6, 0.2, 0.3, 0.1, 0.1), 0.03, 0.0, 0.9, 1200),
    "thom": Stroke((0.0, 0.0, 0.0, 0.0, 0.0), 0.05, 1.0, 0.3, 400),
}


def mridangam(draws: Draws, stroke: Stroke, tonic_hz: float) -> Samples:
    """One stroke on a drum with two heads, `DRUM_LENGTH_S` long.

    The right head is loaded, so that its modes are nearly the harmonics of the tonic
    (Raman 1935); the left head is a plain membrane an octave below whose pitch falls as it is
    struck.
    """
    harmonics = np.arange(1, len(stroke.treble) + 1)
    modes_hz = tonic_hz * harmonics * draws.rng.normal(1, 0.006, len(harmonics))
    damping_s = stroke.treble_s * draws.uniform(0.5, 1.8)
    time_s = times_s(DRUM_LENGTH_S)
    sound = np.zeros(len(time_s))
    for harmonic, mode_hz, amplitude in zip(harmonics, modes_hz, stroke.treble, strict=True):
        height = amplitude * draws.rng.lognormal(0, 0.7)
        phase = draws.rng.uniform(0, 2 * np.pi)
        wave = np.sin(2 * np.pi * mode_hz * time_s + phase)
        sound += height * wave * np.exp(-time_s * harmonic**0.5 / damping_s)
    bass_hz = 0.5 * tonic_hz * draws.uniform(0.85, 1.15)
    for ratio, height in ((1.0, 1.0), (1.593, 0.4), (2.136, 0.2)):  # modes of an ideal membrane
        bend = curve((draws.uniform(1.05, 1.3), 1, 1, 1), DRUM_LENGTH_S)
        boom = tone(ratio * bass_hz * bend) * np.exp(-time_s * ratio / draws.uniform(0.07, 0.16))
        sound += stroke.bass * height * draws.rng.lognormal(0, 0.5) * boom
    low_hz = stroke.slap_hz * draws.uniform(0.3, 0.8)
    slap = noise_band(draws.rng, DRUM_LENGTH_S, low_hz, 5 * low_hz)
    slap *= decay(DRUM_LENGTH_S, 0.001, draws.uniform(0.008, 0.03)) / slap.std()
    return sound + stroke.slap * draws.rng.lognormal(0, 0.6) * slap
