"""Machines, vehicles and things that break, ring or creak.

Each function takes `Draws` and returns one sound as float64 (n_samples,) at `SAMPLE_RATE_HZ`
with an arbitrary level. Ranges are chosen by ear and by common sense about the objects.
"""

from __future__ import annotations

import numpy as np

from mini.draws import Draws
from mini.sounds.contours import curve, low_pass, pulse_train, sprinkle, tone, wobble
from mini.sounds.midi import Note, render
from mini.sounds.rooms import colored_noise
from mini.sounds.synthesis import (
    Samples,
    add_at,
    band_pass,
    decay,
    n_samples,
    noise_band,
    resonate,
    strike,
    swell,
    times_s,
)

LENGTH_S = 1.2  # chosen: steady sounds are cut or repeated by whoever uses them
BELL_PROGRAM = 14  # General MIDI "Tubular Bells", from 0
BELL_PARTIALS = (0.5, 1, 1.2, 1.5, 2, 2.5, 3)  # hum, prime, tierce, quint, nominal, ... of a bell
SHOT_PROGRAM = 127  # General MIDI "Gunshot", from 0


def engine(draws: Draws) -> Samples:
    """Idling: pulses of the cylinders through the resonances of the exhaust."""
    rate_hz = draws.uniform(22, 65) * wobble(draws.rng, LENGTH_S, 6, 0.96, 1.04)
    pulses = pulse_train(rate_hz) * wobble(draws.rng, LENGTH_S, 60, 0.5, 1)
    formants = [(draws.uniform(90, 180), 60), (draws.uniform(350, 700), 150), (1600, 500)]
    return resonate(pulses + 0.02 * draws.rng.normal(size=len(pulses)), formants)


def chainsaw(draws: Draws) -> Samples:
    """A two-stroke motor, harsh, under changing load."""
    rate_hz = draws.uniform(80, 150) * curve(draws.rng.uniform(0.8, 1.3, 4), LENGTH_S)
    buzz = pulse_train(rate_hz) + 0.06 * draws.rng.normal(size=len(rate_hz))
    return resonate(buzz, [(draws.uniform(700, 1300), 300), (draws.uniform(2500, 4500), 900)])


def vacuum_cleaner(draws: Draws) -> Samples:
    """A whining motor in a rush of air."""
    whine = tone(np.full(n_samples(LENGTH_S), draws.uniform(180, 480)), (1, 0.5, 0.6, 0.2, 0.3))
    air = noise_band(draws.rng, LENGTH_S, draws.uniform(200, 600), draws.uniform(4000, 9000))
    return air / air.std() + draws.uniform(0.3, 0.9) * whine


def washing_machine(draws: Draws) -> Samples:
    """Hum and rumble that follow the turning drum."""
    hum = tone(np.full(n_samples(LENGTH_S), draws.uniform(45, 65)), (1, 0.8, 0.4, 0.3))
    slosh = noise_band(draws.rng, LENGTH_S, draws.uniform(150, 300), draws.uniform(900, 2200))
    turning = 1 + 0.8 * np.sin(2 * np.pi * draws.uniform(1.2, 3.5) * times_s(LENGTH_S))
    return hum + draws.uniform(0.5, 1.2) * turning * slosh / slosh.std()


def helicopter(draws: Draws) -> Samples:
    """Blades that chop low noise."""
    chop = pulse_train(np.full(n_samples(LENGTH_S), draws.uniform(9, 18)))
    beats = np.convolve(chop, decay(0.12, 0.008, draws.uniform(0.015, 0.035)))[: len(chop)]
    noise = noise_band(draws.rng, LENGTH_S, 40, draws.uniform(500, 1500))
    turbine = noise_band(draws.rng, LENGTH_S, 2000, 5000)
    return (0.1 + beats) * noise / noise.std() + 0.05 * turbine / turbine.std()


def airplane(draws: Draws) -> Samples:
    """Jet noise that passes, with a falling whine."""
    roar = low_pass(colored_noise(draws.rng, n_samples(LENGTH_S), 1.0), draws.uniform(1500, 4000))
    hz = draws.uniform(900, 2200)
    whine = tone(curve((1.1 * hz, 0.85 * hz), LENGTH_S), (1, 0.4))
    return curve(draws.rng.uniform(0.5, 1, 3), LENGTH_S) * (roar / roar.std() + 0.15 * whine)


def train(draws: Draws) -> Samples:
    """Wheels over rail joints: pairs of clacks in a rumble."""
    rumble = noise_band(draws.rng, LENGTH_S, 50, draws.uniform(300, 700))
    canvas, gap_s = 0.4 * rumble / rumble.std(), draws.uniform(0.35, 0.6)
    modes_hz = draws.uniform(250, 600) * np.array([1, 1.7, 2.9, 4.6])
    for start_s in np.arange(0.02, LENGTH_S, gap_s):
        for offset_s in (0.0, draws.uniform(0.09, 0.13)):
            add_at(canvas, 1.5 * strike(draws.rng, modes_hz, 0.02, 0.1), start_s + offset_s)
    return canvas


def siren(draws: Draws) -> Samples:
    """A tone that wails or alternates between two pitches."""
    low_hz, interval = draws.uniform(450, 900), draws.uniform(1.25, 1.9)
    cycle = (times_s(LENGTH_S) * draws.uniform(0.8, 3.5) + draws.rng.random()) % 1
    shape = (cycle < 0.5).astype(float) if draws.rng.random() < 0.5 else 1 - np.abs(2 * cycle - 1)
    return tone(low_hz * interval**shape, (1, 0.5, 0.4, 0.2, 0.1))


def car_horn(draws: Draws) -> Samples:
    """One or two honks of two reeds a third apart."""
    hz, interval = draws.uniform(320, 520), draws.uniform(1.18, 1.28)
    length_s = draws.uniform(0.25, 0.55)
    steady = np.ones(n_samples(length_s))
    partials = [1 / n**0.7 for n in range(1, 14)]
    honk = tone(hz * steady, partials) + tone(interval * hz * steady, partials)
    honk *= swell(len(steady), 0.15)
    canvas = np.zeros(n_samples(LENGTH_S))
    for position in range(draws.rng.integers(1, 3)):
        add_at(canvas, honk, position * (length_s + 0.06))
    return canvas


def church_bells(draws: Draws) -> Samples:
    """One or two strokes of a bell with its seven partials, or General MIDI's tubular bells."""
    if draws.rng.random() < 0.4:
        key = int(draws.uniform(50, 76))
        return render([Note(0.0, 1.1, key, 100)], LENGTH_S, BELL_PROGRAM).astype(float)
    canvas, hz = np.zeros(n_samples(LENGTH_S)), draws.uniform(260, 700)
    for position in range(draws.rng.integers(1, 3)):
        modes_hz = hz * np.array(BELL_PARTIALS) * draws.rng.normal(1, 0.004, len(BELL_PARTIALS))
        stroke = strike(draws.rng, modes_hz, 1.2 / np.sqrt(BELL_PARTIALS), LENGTH_S)
        add_at(canvas, stroke, position * draws.uniform(0.4, 0.6))
    return canvas


def clock_alarm(draws: Draws) -> Samples:
    """Groups of two to four beeps."""
    hz, beep_s = draws.uniform(1500, 3200), draws.uniform(0.05, 0.09)
    group, time_s = int(draws.rng.integers(2, 5)), times_s(LENGTH_S)
    in_group = time_s % (2 * beep_s * group + 0.2)
    is_on = (in_group < 2 * beep_s * group) & (in_group % (2 * beep_s) < beep_s)
    return tone(np.full(len(time_s), hz), (1, 0, 0.4, 0, 0.15)) * is_on


def clock_tick(draws: Draws) -> Samples:
    """Tick and tock: dry clicks of two pitches."""
    canvas, gap_s = np.zeros(n_samples(LENGTH_S)), draws.uniform(0.2, 0.5)
    modes_hz = draws.uniform(1500, 3500) * np.array([1, 1.6, 2.7])
    for position, start_s in enumerate(np.arange(0.05, LENGTH_S, gap_s)):
        click = strike(draws.rng, modes_hz * (1.0, 0.85)[position % 2], 0.006, 0.05)
        add_at(canvas, click, start_s)
    return canvas


def mouse_click(draws: Draws) -> Samples:
    """Two clicks, press and release, once or twice."""
    canvas, hold_s = np.zeros(n_samples(0.9)), draws.uniform(0.07, 0.16)
    low_hz = draws.uniform(1800, 3600)
    for position in range(draws.rng.integers(1, 3)):
        for offset_s, level in ((0.0, 1.0), (hold_s, 0.6)):
            click = noise_band(draws.rng, 0.02, low_hz, 3 * low_hz) * decay(0.02, 0.0005, 0.002)
            add_at(canvas, level * click, 0.05 + 0.35 * position + offset_s)
    return canvas


def door_creak(draws: Draws) -> Samples:
    """Stick and slip: pulses whose rate glides, through the panel's resonances."""
    length_s = draws.uniform(0.6, 1.1)
    points = draws.uniform(60, 240) * draws.rng.uniform(0.5, 1.6, 4)
    pulses = pulse_train(curve(points, length_s) * wobble(draws.rng, length_s, 40, 0.8, 1.2))
    formants = [(draws.uniform(500, 1000), 80), (draws.uniform(1500, 2600), 150), (3800, 300)]
    return resonate(pulses, formants) * swell(len(pulses), 0.4)


def can_opening(draws: Draws) -> Samples:
    """A crack of tin and the hiss of gas."""
    canvas = np.zeros(n_samples(0.9))
    tin_hz = draws.uniform(1200, 2600) * np.array([1, 1.5, 2.3, 3.1])
    add_at(canvas, strike(draws.rng, tin_hz, 0.012, 0.1), 0.05)
    hiss = noise_band(draws.rng, 0.5, draws.uniform(3000, 5000), 14_000)
    hiss *= decay(0.5, 0.01, draws.uniform(0.05, 0.15)) / hiss.std()
    add_at(canvas, draws.uniform(0.6, 1.5) * hiss, 0.07)
    add_at(canvas, 0.7 * strike(draws.rng, 0.7 * tin_hz, 0.015, 0.1), draws.uniform(0.35, 0.6))
    return canvas


def glass_breaking(draws: Draws) -> Samples:
    """A burst, then splinters that ring and scatter."""
    canvas = np.zeros(n_samples(LENGTH_S))
    burst = noise_band(draws.rng, 0.2, draws.uniform(1200, 2500), 13_000)
    add_at(canvas, burst / burst.std() * decay(0.2, 0.001, 0.03), 0)
    center_hz = draws.uniform(3500, 7000)
    for _ in range(draws.rng.integers(15, 35)):
        modes_hz = center_hz * draws.rng.uniform(0.5, 1.8, 3)
        splinter = strike(draws.rng, modes_hz, draws.rng.uniform(0.01, 0.05), 0.15)
        add_at(canvas, draws.rng.uniform(0.1, 0.6) * splinter, draws.rng.exponential(0.2))
    return canvas


def fireworks(draws: Draws) -> Samples:
    """A rising whistle, a boom (sometimes General MIDI's gunshot), crackling."""
    canvas, hz = np.zeros(n_samples(LENGTH_S)), draws.uniform(700, 1600)
    whistle = tone(curve((hz, 2 * hz), 0.35)) * curve((0.1, 1, 0.6), 0.35)
    add_at(canvas, draws.uniform(0.1, 0.5) * whistle, 0)
    if draws.rng.random() < 0.4:
        boom = render([Note(0.0, 0.6, int(draws.uniform(36, 60)), 110)], 0.7, SHOT_PROGRAM)
    else:
        boom = noise_band(draws.rng, 0.7, 40, draws.uniform(400, 1200))
        boom *= decay(0.7, 0.004, draws.uniform(0.08, 0.2))
    add_at(canvas, boom / (np.abs(boom).max() + 1e-9), 0.38)
    sparks = band_pass(sprinkle(draws.rng, 0.7, draws.uniform(60, 200), 1.0), 1500, 9000)
    add_at(canvas, 0.5 * sparks / np.abs(sparks).max() * curve((0.2, 1, 0.4, 0), 0.7), 0.45)
    return canvas


def hand_saw(draws: Draws) -> Samples:
    """Strokes of toothed noise, back and forth."""
    noise = noise_band(draws.rng, LENGTH_S, draws.uniform(900, 2000), draws.uniform(4500, 9000))
    cycle = (times_s(LENGTH_S) * draws.uniform(1.8, 3.6)) % 1
    teeth = 1 + 0.5 * np.sin(2 * np.pi * draws.uniform(70, 140) * times_s(LENGTH_S))
    back = 0.35 * (cycle < 0.9)
    return noise * teeth * np.where(cycle < 0.55, np.sin(np.pi * cycle / 0.55), back)
