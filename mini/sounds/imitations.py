"""Vocal imitations of sounds: contours of pitch, loudness and brightness, and their singers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mini.draws import Draws
from mini.sounds.contours import curve, glottis, wobble
from mini.sounds.synthesis import Samples, n_samples, resonate, times_s

DARK = ((320, 80), (750, 120), (2300, 250))  # formants of a rounded mouth: u, Klatt 1980, Table II
BRIGHT = ((650, 120), (1900, 200), (3100, 350))  # formants of an open mouth: between a and i


@dataclass(frozen=True)
class Contour:
    """Properties of a sound that a voice imitates; values are equally spaced in time."""

    pitch: tuple[float, ...]  # semitones above the singer's own pitch
    energy: tuple[float, ...]  # amplitude, 0 to 1
    brightness: tuple[float, ...]  # place between the formants `DARK` and `BRIGHT`, 0 to 1
    breath: float = 0.1  # share of noise, 0 to 1
    flutter_hz: float = 0.0  # rate of a loudness modulation
    flutter: float = 0.0  # its depth
    repeats: int = 1  # how often the contour is run through in one second and a half


CONTOURS = {  # the sound imitated -> contour, chosen by ear
    "airplane": Contour((0, 3, 5, 3, -2), (0.1, 0.5, 1, 0.6, 0.1), (0.1, 0.4, 0.6, 0.3), 0.5),
    "alarm": Contour((14, 14), (1, 1, 1, 0), (0.7, 0.7), 0.02, 0, 0, 4),
    "bark": Contour((4, 9, 2), (0, 1, 0.5, 0, 0), (0.2, 0.9, 0.4), 0.3, 0, 0, 3),
    "bell": Contour((10, 10, 10), (1, 0.6, 0.3, 0.15, 0.05), (0.8, 0.4, 0.1), 0.02),
    "car_horn": Contour((9, 9), (0, 1, 1, 1, 0), (0.5, 0.5), 0.02, 0, 0, 2),
    "clock": Contour((6, 6), (1, 0, 0, 0, 0), (0.9, 0.9), 0.4, 0, 0, 5),
    "cow": Contour((-6, -3, -2, -3, -8), (0.1, 0.8, 1, 1, 0.2), (0.0, 0.3, 0.5, 0.2), 0.03),
    "cricket": Contour((19, 19), (1, 0.8, 0, 0), (0.9, 0.9), 0.3, 28, 0.9, 3),
    "drum": Contour((-2, -6), (1, 0.2, 0, 0), (0.3, 0.0), 0.2, 0, 0, 4),
    "engine": Contour((-9, -8, -9, -8), (0.9, 1, 0.9), (0.1, 0.2, 0.1), 0.15, 18, 0.7),
    "gunshot": Contour((6, -4, -8), (1, 0.3, 0.1, 0, 0), (1.0, 0.4, 0.0), 0.8),
    "helicopter": Contour((-7, -7), (0.8, 1, 0.8), (0.1, 0.2), 0.5, 11, 0.95),
    "laughter": Contour((8, 5), (1, 0.6, 0, 0), (0.6, 0.4), 0.25, 0, 0, 6),
    "meow": Contour((5, 11, 9, 1), (0.2, 1, 0.8, 0.2), (0.2, 1.0, 0.6, 0.1), 0.03),
    "owl": Contour((7, 8, 6), (0, 1, 0.8, 0), (0.0, 0.0), 0.15, 0, 0, 2),
    "rain": Contour((0, 0), (0.7, 0.9, 0.8, 1, 0.7), (0.8, 0.9), 0.97),
    "siren": Contour((4, 12, 4, 12, 4), (1, 1), (0.4, 0.7, 0.4, 0.7, 0.4), 0.03),
    "slide_whistle": Contour((-3, 5, 12, 19), (0.6, 0.9, 1, 0.7), (0.1, 0.1), 0.05),
    "thunder": Contour((-6, -10, -12), (0.3, 1, 0.7, 0.5, 0.3, 0.1), (0.4, 0.0, 0.0), 0.6, 7, 0.5),
    "wind": Contour((0, 6, -2, 5, 0), (0.4, 1, 0.5, 1, 0.4), (0.2, 0.7, 0.1, 0.6), 0.85),
}


def imitate(draws: Draws, contour: Contour, duration_s: float) -> Samples:
    """Imitation of a sound by a random singer with limited precision; peak about 1.

    `draws` give the singer's pitch, size, ambition, tempo and precision.
    """
    length_s = duration_s * draws.uniform(0.65, 1.0)
    ambition = draws.uniform(0.5, 1.15)  # how far the voice leaves its own pitch
    steps = _performed(draws, contour.pitch, 1.2, length_s, contour.repeats) * ambition
    pitch_hz = draws.uniform(95, 260) * 2 ** (steps / 12)
    energy = np.clip(_performed(draws, contour.energy, 0.12, length_s, contour.repeats), 0, 1.2)
    bright = np.clip(_performed(draws, contour.brightness, 0.15, length_s, contour.repeats), 0, 1)
    breath = float(np.clip(contour.breath + draws.uniform(-0.1, 0.25), 0.0, 1.0))
    source = glottis(draws.rng, pitch_hz, breath, draws.uniform(0.005, 0.03))
    size = draws.uniform(0.85, 1.2)  # of the vocal tract
    dark, open_ = (
        resonate(source, [(size * hz, width_hz) for hz, width_hz in formants])
        for formants in (DARK, BRIGHT)
    )
    rate_hz = contour.flutter_hz * draws.uniform(0.7, 1.3)
    flutter = 1 - contour.flutter * (0.5 + 0.5 * np.sin(2 * np.pi * rate_hz * times_s(length_s)))
    return energy * flutter * ((1 - bright) * dark + bright * open_)


def _performed(
    draws: Draws, points: tuple[float, ...], error: float, length_s: float, repeats: int
) -> Samples:
    """A contour run through `repeats` times, with errors that change slowly."""
    whole = np.resize(curve(points, length_s / repeats), n_samples(length_s))
    return whole + wobble(draws.rng, length_s, 5, -error, error)
