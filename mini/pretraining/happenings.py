"""Pretraining sources: repeated sounds of objects, bodies and animals.

The ten office sounds are those of `mini.sounds.events`, drawn from pretraining's own slots; the
others are used for pretraining only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mini.draws import Draws
from mini.pretraining.building import curve, repeat, tone
from mini.pretraining.tags import Source
from mini.sounds import events
from mini.sounds.synthesis import (
    Samples,
    add_at,
    decay,
    n_samples,
    noise_band,
    strike,
    swell,
    voice,
)


def _footsteps(draws: Draws) -> Samples:
    sound = noise_band(draws.rng, 0.12, 80, draws.uniform(900, 3_000))
    sound *= decay(0.12, 0.003, draws.uniform(0.012, 0.04)) / sound.std()
    heel = strike(draws.rng, [draws.uniform(70, 160)], 0.03, 0.12)
    return sound + heel


def _clock(draws: Draws) -> Samples:
    canvas = np.zeros(n_samples(0.6))
    for start_s, pitch in ((0.0, 1.0), (0.3, draws.uniform(0.75, 0.95))):
        modes_hz = pitch * draws.uniform(2_000, 4_500) * np.array([1, 1.7, 2.6])
        add_at(canvas, strike(draws.rng, modes_hz, 0.004, 0.05), start_s)
    return canvas


def _glass(draws: Draws) -> Samples:
    canvas = np.zeros(n_samples(0.9))
    for _ in range(draws.rng.integers(5, 22)):
        modes_hz = draws.uniform(2_500, 6_000) * draws.rng.uniform(0.7, 2.2, 4)
        piece = strike(draws.rng, modes_hz, draws.rng.uniform(0.02, 0.12, 4), 0.4)
        add_at(canvas, draws.rng.uniform(0.2, 1) * piece, draws.rng.gamma(1.0, 0.1))
    return canvas


def _clapping(draws: Draws) -> Samples:
    low_hz = draws.uniform(700, 1_400)
    sound = noise_band(draws.rng, 0.08, low_hz, draws.uniform(2, 4) * low_hz)
    return sound * decay(0.08, 0.001, draws.uniform(0.006, 0.015))


def _crying(draws: Draws) -> Samples:
    length = n_samples(draws.uniform(0.6, 1.1))
    pitch_hz = draws.uniform(380, 560) * curve((0.8, 1.15, 1.1, 0.9), length)
    formant_hz = draws.uniform(1_000, 1_500)
    mask = noise_band(draws.rng, length / n_samples(1), formant_hz, 2 * formant_hz)
    return (tone(pitch_hz, 0.6, 14) + 0.4 * mask) * swell(length, 0.4)


def _snoring(draws: Draws) -> Samples:
    duration_s = draws.uniform(0.7, 1.2)
    sound = noise_band(draws.rng, duration_s, 100, draws.uniform(500, 1_500))
    rattle_hz = np.full(len(sound), draws.uniform(25, 55))
    return sound * (0.4 + np.maximum(tone(rattle_hz), 0) ** 2) * swell(len(sound))


def _drops(draws: Draws) -> Samples:
    length = n_samples(0.09)
    rise = curve((1, draws.uniform(1.3, 2.2)), length)
    return tone(draws.uniform(600, 1_800) * rise) * decay(0.09, 0.003, draws.uniform(0.01, 0.03))


def _scraping(draws: Draws) -> Samples:
    low_hz = draws.uniform(900, 4_000)
    sound = noise_band(draws.rng, draws.uniform(0.15, 0.5), low_hz, 3 * low_hz)
    return sound * swell(len(sound), 0.7)


def _metal(draws: Draws) -> Samples:
    modes_hz = draws.uniform(350, 1_200) * np.array([1, 1.47, 2.09, 2.56, 3.39, 4.1])
    return strike(draws.rng, modes_hz, draws.uniform(0.04, 0.3), 0.7)


# fmt: off
HAPPENINGS: dict[str, tuple[Callable[[Draws], Samples], float, float]] = {
    # tag: maker, shortest and longest time from one to the next in s (chosen by ear)
    "throat": (events.clear_throat, 0.9, 1.7), "cough": (events.cough, 1.0, 1.8),
    "slam": (events.door_slam, 0.8, 1.8), "drawer": (events.drawer, 0.9, 1.8),
    "typing": (events.keyboard, 1.5, 1.9), "keys": (events.keys, 0.8, 1.6),
    "knock": (events.knock, 1.0, 1.8), "laughter": (events.laughter, 1.4, 1.9),
    "paper": (events.page_turn, 0.8, 1.7), "phone": (events.phone, 1.4, 2.0),
    "footsteps": (_footsteps, 0.3, 0.8), "clock": (_clock, 0.6, 1.0),
    "glass": (_glass, 0.8, 1.8), "clapping": (_clapping, 0.12, 0.6),
    "crying": (_crying, 0.9, 1.6), "snoring": (_snoring, 1.2, 2.0),
    "drops": (_drops, 0.12, 0.9), "scraping": (_scraping, 0.25, 0.9),
    "metal": (_metal, 0.4, 1.5),
}
# fmt: on


def happening(draws: Draws) -> Source:
    """One kind of event, repeated."""
    name = str(draws.rng.choice(list(HAPPENINGS)))
    maker, shortest_s, longest_s = HAPPENINGS[name]
    audio, _ = repeat(draws, maker, shortest_s, longest_s)
    return Source(("event", name), audio)


def _call(
    draws: Draws, formants: list[tuple[float, float]], pitch_hz: float, contour: tuple[float, ...]
) -> Samples:
    """Animal's call: a voice whose playback speed follows a contour."""
    sound = voice(draws.rng, draws.uniform(0.5, 0.9), pitch_hz, formants, 0.1)
    positions = np.cumsum(curve(contour, 2 * len(sound)))
    positions = positions[positions < len(sound) - 1]
    return np.interp(positions, np.arange(len(sound)), sound) * swell(len(positions), 0.5)


def _dog(draws: Draws) -> Samples:
    formants = [(draws.uniform(500, 900), 150.0), (draws.uniform(1_200, 1_900), 250.0)]
    bark = voice(draws.rng, 0.22, draws.uniform(180, 480), formants, 0.4, 0.05)
    return bark * decay(0.22, 0.01, draws.uniform(0.04, 0.08))


def _cat(draws: Draws) -> Samples:
    formants = [(draws.uniform(800, 1_200), 120.0), (draws.uniform(1_800, 2_600), 200.0)]
    return _call(draws, formants, draws.uniform(400, 650), (0.8, 1.3, 1.0, 0.8))


def _cattle(draws: Draws) -> Samples:
    formants = [(draws.uniform(300, 550), 100.0), (draws.uniform(700, 1_100), 150.0)]
    return _call(draws, formants, draws.uniform(90, 200), (0.8, 1.0, 1.05, 0.8))


def _frog(draws: Draws) -> Samples:
    length = n_samples(draws.uniform(0.15, 0.4))
    pulses = np.maximum(tone(np.full(length, draws.uniform(30, 80))), 0) ** 3
    return pulses * tone(np.full(length, draws.uniform(500, 1_800)), 1, 3) * swell(length, 0.3)


def _bird(draws: Draws) -> Samples:
    canvas = np.zeros(n_samples(0.7))
    center_hz, length_s = draws.uniform(2_200, 5_500), draws.uniform(0.04, 0.15)
    contour = draws.rng.uniform(0.75, 1.35, 4)
    for position in range(draws.rng.integers(1, 5)):
        length = n_samples(length_s)
        add_at(canvas, tone(center_hz * curve(contour, length)) * swell(length), 0.15 * position)
    return canvas


CALLS = {"dog": _dog, "cat": _cat, "cattle": _cattle, "frog": _frog, "bird": _bird}


def call(draws: Draws) -> Source:
    """A repeated animal call."""
    name = str(draws.rng.choice(list(CALLS)))
    audio, _ = repeat(draws, CALLS[name], 0.35, 1.4)
    return Source(("animal", name), audio)
