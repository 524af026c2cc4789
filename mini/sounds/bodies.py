"""Sounds people make without words: crying, sneezing, clapping, walking, drinking.

Each function takes `Draws` and returns one sound as float64 (n_samples,) at `SAMPLE_RATE_HZ`
with an arbitrary level. Ranges are chosen by ear and by common sense about bodies.
"""

from __future__ import annotations

import numpy as np

from mini.draws import Draws
from mini.sounds.contours import curve, pulse_train, sing, tone
from mini.sounds.midi import Note, render
from mini.sounds.synthesis import Samples, add_at, decay, n_samples, noise_band, strike, swell

LENGTH_S = 1.2  # chosen: as long as most of these sounds
APPLAUSE_PROGRAM = 126  # General MIDI "Applause", from 0


def crying_baby(draws: Draws) -> Samples:
    """Two wails with high falling pitch."""
    canvas = np.zeros(n_samples(LENGTH_S))
    hz, length_s = draws.uniform(340, 620), draws.uniform(0.45, 0.6)
    size = draws.uniform(0.9, 1.1)
    formants = [(1100 * size, 150), (2400 * size, 250), (4200 * size, 400)]
    for start_s in (0.0, length_s + 0.08):
        pitch = curve((0.8 * hz, 1.1 * hz, hz, 0.7 * hz), length_s)
        wail = sing(draws.rng, pitch, formants, 0.06, 0.02)
        add_at(canvas, wail * swell(len(wail), 0.5), start_s)
    return canvas


def sneezing(draws: Draws) -> Samples:
    """Breath drawn in, then a burst of hiss."""
    inhale_s = draws.uniform(0.25, 0.45)
    inhale = noise_band(draws.rng, inhale_s, 600, draws.uniform(1800, 3000))
    burst = noise_band(draws.rng, 0.4, draws.uniform(900, 1800), draws.uniform(6000, 11_000))
    burst *= decay(0.4, 0.01, draws.uniform(0.07, 0.14)) / burst.std()
    shout = sing(draws.rng, curve((300, 180), 0.2), [(650, 100), (1700, 200)], 0.2)
    canvas = np.zeros(n_samples(LENGTH_S))
    add_at(canvas, 0.15 * inhale / inhale.std() * curve((0, 1), inhale_s), 0)
    add_at(canvas, burst, inhale_s + 0.05)
    add_at(canvas, draws.uniform(0.5, 2) * shout * swell(len(shout)), inhale_s)
    return canvas


def clapping(draws: Draws) -> Samples:
    """Two to four people clapping, or General MIDI's applause."""
    if draws.rng.random() < 0.4:
        key = int(draws.uniform(54, 84))
        return render([Note(0.0, LENGTH_S, key, 100)], LENGTH_S, APPLAUSE_PROGRAM).astype(float)
    canvas = np.zeros(n_samples(LENGTH_S))
    low_hz, gap_s = draws.uniform(500, 1100), draws.uniform(0.17, 0.32)
    for person in range(draws.rng.integers(2, 5)):
        for moment_s in np.arange(draws.rng.uniform(0, gap_s), LENGTH_S, gap_s):
            clap = noise_band(draws.rng, 0.06, low_hz * (1 + 0.2 * person), 4 * low_hz)
            start_s = max(0.0, moment_s + draws.rng.normal(scale=0.01))
            add_at(canvas, draws.rng.uniform(0.5, 1) * clap * decay(0.06, 0.001, 0.01), start_s)
    return canvas


def breathing(draws: Draws) -> Samples:
    """In and out: two swells of soft noise, the second darker."""
    half_s, center_hz = draws.uniform(0.4, 0.6), draws.uniform(900, 2000)
    canvas = np.zeros(n_samples(LENGTH_S))
    for start_s, ratio in ((0.0, 1.0), (half_s, 0.7)):
        breath = noise_band(draws.rng, half_s, 0.5 * ratio * center_hz, 2.2 * ratio * center_hz)
        add_at(canvas, breath / breath.std() * swell(len(breath)), start_s)
    return canvas


def footsteps(draws: Draws) -> Samples:
    """Two or three steps: a thud of the heel, a scrape of the sole."""
    canvas = np.zeros(n_samples(LENGTH_S))
    thud_hz, gap_s = draws.uniform(70, 160), draws.uniform(0.38, 0.6)
    sole_hz = draws.uniform(900, 3500)
    for position in range(3):
        thud = strike(draws.rng, thud_hz * np.array([1, 1.9, 3.2]), 0.025, 0.15)
        sole = noise_band(draws.rng, 0.09, 0.5 * sole_hz, 2 * sole_hz) * decay(0.09, 0.01, 0.02)
        add_at(canvas, thud, position * gap_s)
        add_at(canvas, draws.rng.uniform(0.5, 1.5) * sole / sole.std(), position * gap_s + 0.04)
    return canvas


def brushing_teeth(draws: Draws) -> Samples:
    """High noise scrubbed back and forth."""
    noise = noise_band(draws.rng, LENGTH_S, draws.uniform(2000, 3500), draws.uniform(7000, 12_000))
    strokes = np.abs(tone(np.full(len(noise), draws.uniform(2.5, 5.0))))
    return noise * strokes**1.5


def snoring(draws: Draws) -> Samples:
    """A slow flutter of noise and low pulses."""
    length_s = draws.uniform(0.7, 1.1)
    pulses = pulse_train(curve((draws.uniform(22, 45), draws.uniform(30, 60)), length_s))
    flutter = np.convolve(pulses, decay(0.05, 0.002, 0.008))[: len(pulses)]
    breath = noise_band(draws.rng, length_s, draws.uniform(100, 200), draws.uniform(700, 1600))
    return breath / breath.std() * (0.15 + flutter) * swell(len(pulses), 0.7)


def drinking(draws: Draws) -> Samples:
    """A sip, then two gulps."""
    canvas = np.zeros(n_samples(LENGTH_S))
    sip = noise_band(draws.rng, 0.35, draws.uniform(1500, 2800), 9000)
    add_at(canvas, 0.4 * sip / sip.std() * curve((0.2, 1, 0.3), 0.35), 0)
    hz = draws.uniform(180, 420)
    for start_s in (0.5, 0.5 + draws.uniform(0.25, 0.4)):
        gulp = tone(curve((hz, 0.6 * hz, 1.5 * hz), 0.12), (1, 0.3)) * swell(n_samples(0.12))
        add_at(canvas, 2 * gulp, start_s)
    return canvas
