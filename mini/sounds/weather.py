"""Water, wind, fire and thunder, made of noise and grains.

Each function takes `Draws` and returns one sound as float64 (n_samples,) at `SAMPLE_RATE_HZ`
with an arbitrary level. Ranges are chosen by ear and by common sense about the phenomena.
"""

from __future__ import annotations

import numpy as np

from mini.draws import Draws
from mini.sounds.contours import curve, low_pass, sprinkle, tone, wobble
from mini.sounds.synthesis import Samples, add_at, band_pass, decay, n_samples, noise_band, swell

LENGTH_S = 1.2  # chosen: steady sounds are cut or repeated by whoever uses them


def _bubble(pitch_hz: float, decay_s: float, rise: float) -> Samples:
    """A resonating air bubble: a decaying sine with rising pitch (Minnaert 1933)."""
    length_s = 5 * decay_s
    return tone(curve((pitch_hz, rise * pitch_hz), length_s)) * decay(length_s, 0.002, decay_s)


def rain(draws: Draws) -> Samples:
    """Thousands of drops on a hard ground, over a soft hiss."""
    drops = sprinkle(draws.rng, LENGTH_S, draws.uniform(800, 5000), 1.0)
    drops = band_pass(drops, draws.uniform(900, 2500), draws.uniform(6000, 12_000))
    hiss = noise_band(draws.rng, LENGTH_S, 500, draws.uniform(4000, 9000))
    return drops / drops.std() + draws.uniform(0.2, 0.9) * hiss / hiss.std()


def sea_waves(draws: Draws) -> Samples:
    """Noise that swells and brightens as a wave breaks."""
    rumble = noise_band(draws.rng, LENGTH_S, 60, draws.uniform(400, 800))
    spray = noise_band(draws.rng, LENGTH_S, 700, draws.uniform(3000, 7000))
    moment = draws.uniform(0.3, 0.8)
    position = np.linspace(0, 1, len(spray))
    wave = np.exp(-np.square((position - moment) / draws.uniform(0.15, 0.35)))
    return (0.4 + wave) * rumble / rumble.std() + 1.2 * wave * spray / spray.std()


def crackling_fire(draws: Draws) -> Samples:
    """Sparse sharp cracks over a low roar."""
    cracks = sprinkle(draws.rng, LENGTH_S, draws.uniform(12, 60), 1.2)
    cracks = band_pass(cracks, draws.uniform(800, 2000), draws.uniform(5000, 12_000))
    roar = noise_band(draws.rng, LENGTH_S, 50, draws.uniform(250, 600))
    loudness = wobble(draws.rng, LENGTH_S, 8, 0.3, 1)
    return cracks / np.abs(cracks).max() + draws.uniform(0.03, 0.12) * loudness * roar / roar.std()


def water_drops(draws: Draws) -> Samples:
    """Two to five single drops falling into water."""
    canvas = np.zeros(n_samples(LENGTH_S))
    pitch_hz, gap_s = draws.uniform(700, 2200), draws.uniform(0.2, 0.45)
    for position in range(draws.rng.integers(2, 6)):
        drop = _bubble(pitch_hz * draws.rng.uniform(0.9, 1.1), 0.02, 1.5)
        add_at(canvas, draws.rng.uniform(0.5, 1) * drop, position * gap_s)
    return canvas


def wind(draws: Draws) -> Samples:
    """Howling: narrow bands of noise that come and go."""
    center_hz = draws.uniform(250, 900)
    canvas = np.zeros(n_samples(LENGTH_S))
    for ratio in (0.5, 1.0, 1.4):
        howl = noise_band(draws.rng, LENGTH_S, 0.85 * ratio * center_hz, 1.15 * ratio * center_hz)
        canvas += wobble(draws.rng, LENGTH_S, 3, 0.1, 1) * howl / howl.std()
    return canvas + 0.3 * low_pass(draws.rng.normal(size=len(canvas)), 1500)


def pouring_water(draws: Draws) -> Samples:
    """A dense stream of bubbles whose pitch rises as the vessel fills."""
    canvas = np.zeros(n_samples(LENGTH_S))
    start_hz, rise = draws.uniform(350, 900), draws.uniform(1.2, 2.0)
    for _ in range(int(LENGTH_S * draws.uniform(40, 90))):
        moment = draws.rng.random()
        pitch_hz = start_hz * (1 + (rise - 1) * moment) * draws.rng.lognormal(0, 0.35)
        bubble = _bubble(pitch_hz, draws.rng.uniform(0.006, 0.02), 1.2)
        add_at(canvas, draws.rng.uniform(0.2, 1) * bubble, moment * LENGTH_S)
    hiss = noise_band(draws.rng, LENGTH_S, 1500, 7000)
    return canvas + draws.uniform(0.1, 0.4) * hiss / hiss.std()


def toilet_flush(draws: Draws) -> Samples:
    """A rush of water that fades into gurgling."""
    rush = noise_band(draws.rng, LENGTH_S, draws.uniform(150, 350), draws.uniform(2500, 5000))
    rush *= curve((0.1, 1, 1, 0.7, 0.4, 0.2), LENGTH_S) / rush.std()
    for moment_s in np.arange(0.5, LENGTH_S, draws.uniform(0.06, 0.12)):
        add_at(rush, 1.5 * _bubble(draws.uniform(140, 320), 0.03, 1.3), moment_s)
    return rush


def thunderstorm(draws: Draws) -> Samples:
    """A crack that rolls away, in the rain."""
    roll = noise_band(draws.rng, LENGTH_S, 25, draws.uniform(120, 300))
    roll *= decay(LENGTH_S, draws.uniform(0.02, 0.2), draws.uniform(0.3, 0.8)) / roll.std()
    roll *= wobble(draws.rng, LENGTH_S, 12, 0.3, 1)
    crack = noise_band(draws.rng, 0.25, 300, 5000) * decay(0.25, 0.005, 0.05)
    add_at(roll, draws.uniform(0.5, 2) * crack, draws.uniform(0, 0.2))
    return roll + draws.uniform(0.02, 0.1) * rain(draws)


def splash(draws: Draws) -> Samples:
    """Something falls into water: a slap, then bubbles."""
    canvas = np.zeros(n_samples(0.9))
    slap = noise_band(draws.rng, 0.5, draws.uniform(300, 700), 7000)
    add_at(canvas, slap * decay(0.5, 0.01, draws.uniform(0.05, 0.12)) / slap.std(), 0)
    for _ in range(draws.rng.integers(8, 20)):
        bubble = _bubble(draws.uniform(300, 900), 0.015, 1.4)
        add_at(canvas, 0.6 * bubble, draws.rng.uniform(0.1, 0.7))
    return canvas * swell(len(canvas), 0.1)
