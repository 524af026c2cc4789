"""Animal calls: formant voices with gliding pitch, chirps and stridulation.

Each function takes `Draws` and returns one call as float64 (n_samples,) at `SAMPLE_RATE_HZ`
with an arbitrary level. Ranges are chosen by ear and by common sense about the animals.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mini.draws import Draws
from mini.sounds.contours import curve, pulse_train, sing, tone
from mini.sounds.midi import Note, render
from mini.sounds.synthesis import Samples, add_at, band_pass, n_samples, swell, times_s

LENGTH_S = 1.2  # chosen: as long as most calls and series of calls
BIRD_PROGRAM = 123  # General MIDI "Bird Tweet", from 0


def _call(
    draws: Draws,
    duration_s: float,
    pitches_hz: Sequence[float],
    formants_hz: Sequence[float],
    breath: float,
    roughness: float,
) -> Samples:
    """One call: pitch through the given points, formants varied by up to 12 %."""
    size = draws.uniform(0.88, 1.12)  # of the animal's vocal tract
    formants = [(size * hz, 0.12 * hz) for hz in formants_hz]
    sound = sing(draws.rng, curve(pitches_hz, duration_s), formants, breath, roughness)
    return sound * swell(len(sound), 0.5)


def _series(draws: Draws, calls: Sequence[Samples], gap_s: float) -> Samples:
    """Calls one after the other, each starting `gap_s` after the one before."""
    canvas = np.zeros(n_samples(LENGTH_S))
    for position, call in enumerate(calls):
        add_at(canvas, draws.rng.uniform(0.7, 1) * call, position * gap_s)
    return canvas


def dog(draws: Draws) -> Samples:
    """One to three barks: short, rough, rising and falling."""
    hz = draws.uniform(180, 480)
    barks = [
        _call(draws, 0.18, (hz, 1.6 * hz, 0.8 * hz), (700, 1300, 2600), 0.25, 0.06)
        for _ in range(draws.rng.integers(1, 4))
    ]
    return _series(draws, barks, draws.uniform(0.25, 0.45))


def cat(draws: Draws) -> Samples:
    """A meow: pitch and mouth open and close."""
    hz, length_s = draws.uniform(380, 720), draws.uniform(0.5, 0.95)
    return _call(draws, length_s, (hz, 1.4 * hz, 1.3 * hz, 0.8 * hz), (900, 1900, 3600), 0.06, 0.01)


def cow(draws: Draws) -> Samples:
    """A long low moo."""
    hz, length_s = draws.uniform(90, 190), draws.uniform(0.85, 1.2)
    return _call(draws, length_s, (0.8 * hz, hz, 1.1 * hz, 0.7 * hz), (330, 800, 1900), 0.05, 0.02)


def sheep(draws: Draws) -> Samples:
    """A bleat: a voice with strong tremor."""
    hz, length_s = draws.uniform(240, 480), draws.uniform(0.6, 1.1)
    sound = _call(draws, length_s, (hz, 1.1 * hz, 0.95 * hz), (800, 1700, 2900), 0.12, 0.03)
    tremor = np.sin(2 * np.pi * draws.uniform(7, 12) * times_s(length_s))
    return sound * (1 + 0.7 * tremor)


def pig(draws: Draws) -> Samples:
    """Two to four noisy grunts."""
    hz = draws.uniform(60, 140)
    grunts = [
        _call(draws, draws.uniform(0.15, 0.3), (hz, 0.7 * hz), (450, 1100, 1900), 0.6, 0.1)
        for _ in range(draws.rng.integers(2, 5))
    ]
    return _series(draws, grunts, draws.uniform(0.28, 0.4))


def rooster(draws: Draws) -> Samples:
    """Cock-a-doodle-doo: three short notes and a long one."""
    hz = draws.uniform(480, 800)
    notes = [(0.12, hz, 1.2 * hz), (0.1, 1.3 * hz, 1.3 * hz), (0.12, 1.2 * hz, 1.4 * hz)]
    canvas, start_s = np.zeros(n_samples(LENGTH_S)), 0.0
    for length_s, low, high in [*notes, (0.6, 1.6 * hz, 0.8 * hz)]:
        add_at(canvas, _call(draws, length_s, (low, high), (1100, 2300, 3500), 0.1, 0.02), start_s)
        start_s += length_s + 0.03
    return canvas


def hen(draws: Draws) -> Samples:
    """Clucking: short dull notes, the last one longer and higher."""
    hz, count = draws.uniform(260, 520), int(draws.rng.integers(3, 6))
    clucks = [_call(draws, 0.07, (1.2 * hz, hz), (900, 1800), 0.25, 0.03) for _ in range(count)]
    clucks.append(_call(draws, 0.3, (hz, 1.9 * hz, 1.3 * hz), (1100, 2300), 0.15, 0.03))
    return _series(draws, clucks, draws.uniform(0.12, 0.18))


def crow(draws: Draws) -> Samples:
    """One to three hoarse caws."""
    hz, count = draws.uniform(280, 520), int(draws.rng.integers(1, 4))
    caws = [
        _call(draws, 0.32, (hz, 1.15 * hz, 0.8 * hz), (1200, 1700, 3200), 0.45, 0.12)
        for _ in range(count)
    ]
    return _series(draws, caws, draws.uniform(0.38, 0.5))


def frog(draws: Draws) -> Samples:
    """Croaks: trains of damped pulses."""
    rate_hz, length_s = draws.uniform(28, 75), draws.uniform(0.2, 0.4)
    low, high = draws.uniform(400, 700), draws.uniform(1300, 2200)
    pulses = pulse_train(curve((rate_hz, 1.2 * rate_hz), length_s))
    croak = band_pass(pulses, low, high) * swell(len(pulses), 0.5)
    return _series(draws, [croak] * int(draws.rng.integers(2, 4)), length_s + 0.1)


def crickets(draws: Draws) -> Samples:
    """Chirps of three or four quick pulses of a pure high tone."""
    hz, rate_hz = draws.uniform(3500, 5600), draws.uniform(22, 38)
    time_s = times_s(LENGTH_S)
    pulses = np.maximum(np.sin(2 * np.pi * rate_hz * time_s), 0)
    group_s = draws.uniform(0.25, 0.5)
    return tone(np.full(len(time_s), hz), (1, 0.1)) * pulses * (time_s % group_s < 4 / rate_hz)


def insects(draws: Draws) -> Samples:
    """Buzzing flight: wing-beat harmonics, coming near and leaving."""
    hz = draws.uniform(110, 330)
    pitch = curve(hz * draws.rng.uniform(0.85, 1.15, 6), LENGTH_S)
    buzz = tone(pitch, [1 / n for n in range(1, 16)])
    return buzz * curve(draws.rng.uniform(0.1, 1, 5), LENGTH_S)


def chirping_birds(draws: Draws) -> Samples:
    """Whistled sweeps, or General MIDI's bird."""
    if draws.rng.random() < 0.4:
        key = int(draws.uniform(60, 96))
        return render([Note(0.0, 1.0, key, 100)], LENGTH_S, BIRD_PROGRAM).astype(float)
    canvas = np.zeros(n_samples(LENGTH_S))
    hz, length_s = draws.uniform(2200, 5500), draws.uniform(0.05, 0.14)
    for position in range(draws.rng.integers(3, 8)):
        sweep = curve(hz * draws.rng.uniform(0.75, 1.35, 3), length_s)
        add_at(canvas, tone(sweep) * swell(n_samples(length_s)), position * 1.4 * length_s)
    return canvas
