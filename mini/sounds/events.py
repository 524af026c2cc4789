"""The eleven office sounds of DCASE 2016 task 2, synthesized.

Each function takes `Draws` and returns one event as float64 (n_samples,) at `SAMPLE_RATE_HZ`
with an arbitrary level. Ranges are chosen by ear and by common sense about the objects.
Classes: Mesaros et al. 2018, "Detection and Classification of Acoustic Scenes and Events:
Outcome of the DCASE 2016 Challenge", task 2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mini.draws import Draws
from mini.sounds.contours import curve
from mini.sounds.speech import CASTS, draw_voice, invent_words, speak_randomly
from mini.sounds.synthesis import (
    Samples,
    add_at,
    decay,
    n_samples,
    noise_band,
    strike,
    swell,
    times_s,
    voice,
)

TRAINING_VOICES = CASTS[0] + CASTS[1] + CASTS[2]  # of the class speech
TEST_VOICES = CASTS[3] + CASTS[4]


def clear_throat(draws: Draws) -> Samples:
    """Low rough voice with a flutter."""
    duration_s = draws.uniform(0.5, 0.9)
    formants = [(draws.uniform(400, 520), 120), (draws.uniform(1050, 1300), 200), (2400, 300)]
    sound = voice(draws.rng, duration_s, draws.uniform(60, 105), formants, 0.35, 0.05)
    flutter = 1 + 0.6 * np.sin(2 * np.pi * draws.uniform(22, 34) * times_s(duration_s))
    return sound * flutter * swell(len(sound), 0.5)


def cough(draws: Draws) -> Samples:
    """One to three breathy bursts."""
    canvas = np.zeros(n_samples(1.2))
    formants = [(draws.uniform(550, 750), 150), (draws.uniform(1250, 1600), 250), (2900, 400)]
    pitch_hz, gap_s = draws.uniform(120, 260), draws.uniform(0.28, 0.38)
    for position in range(draws.rng.integers(1, 4)):
        burst = voice(draws.rng, 0.25, pitch_hz, formants, 0.75)
        add_at(canvas, burst * decay(0.25, 0.008, draws.uniform(0.04, 0.08)), position * gap_s)
    return canvas


def door_slam(draws: Draws) -> Samples:
    """Broad low thump with a boom and a click."""
    canvas = noise_band(draws.rng, 0.9, 40, draws.uniform(300, 1000))
    canvas *= decay(0.9, 0.003, draws.uniform(0.1, 0.2)) / canvas.std()
    add_at(canvas, 1.5 * strike(draws.rng, [draws.uniform(50, 110)], 0.12, 0.5), 0)
    add_at(canvas, 0.8 * draws.rng.normal(size=n_samples(0.03)) * decay(0.03, 0.001, 0.006), 0)
    return canvas


def drawer(draws: Draws) -> Samples:
    """Rattling slide that ends in a knock."""
    slide_s = draws.uniform(0.5, 0.9)
    canvas = np.zeros(n_samples(slide_s + 0.25))
    slide = noise_band(draws.rng, slide_s, 300, draws.uniform(2500, 4500))
    rattle = 1 + 0.6 * np.sin(2 * np.pi * draws.uniform(15, 40) * times_s(slide_s))
    add_at(canvas, slide * rattle * swell(len(slide), 0.6), 0)
    stop = strike(draws.rng, draws.uniform(0.8, 1.25) * np.array([180, 420, 900]), 0.03, 0.2)
    add_at(canvas, 0.5 * stop, slide_s - 0.02)
    return canvas


def keyboard(draws: Draws) -> Samples:
    """Typing: irregular pairs of clicks for key down and key up."""
    canvas = np.zeros(n_samples(1.6))
    low_hz, high_hz = draws.uniform(1500, 2500), draws.uniform(5000, 9000)
    time_s = 0.0
    while time_s < 1.3:
        down = noise_band(draws.rng, 0.03, low_hz, high_hz) * decay(0.03, 0.001, 0.005)
        up = noise_band(draws.rng, 0.02, 900, 4000) * decay(0.02, 0.001, 0.003)
        add_at(canvas, draws.rng.uniform(0.5, 1) * down, time_s)
        add_at(canvas, 0.4 * up, time_s + 0.06)
        time_s += draws.uniform(0.08, 0.22)
    return canvas


def keys(draws: Draws) -> Samples:
    """A bunch of keys: many small high-pitched strikes."""
    canvas = np.zeros(n_samples(1.0))
    center_hz = draws.uniform(4500, 8000)
    for _ in range(draws.rng.integers(14, 26)):
        modes_hz = center_hz * draws.rng.uniform(0.6, 1.5, 4)
        jingle = strike(draws.rng, modes_hz, draws.rng.uniform(0.01, 0.06, 4), 0.2)
        add_at(canvas, draws.rng.uniform(0.2, 1) * jingle, draws.rng.uniform(0, 0.75))
    return canvas


def knock(draws: Draws) -> Samples:
    """Three to five knocks on wood."""
    canvas = np.zeros(n_samples(1.2))
    modes_hz = draws.uniform(120, 320) * np.array([1, 2.3, 3.9, 6.1])
    decays_s = draws.uniform(0.03, 0.07) * np.array([1, 0.7, 0.4, 0.2])
    gap_s = draws.uniform(0.12, 0.2)
    for position in range(draws.rng.integers(3, 6)):
        hit = strike(draws.rng, modes_hz, decays_s, 0.2)
        add_at(canvas, draws.rng.uniform(0.6, 1) * hit, position * gap_s)
    return canvas


def laughter(draws: Draws) -> Samples:
    """Four to six ha-ha or he-he syllables, falling in pitch and loudness."""
    canvas = np.zeros(n_samples(1.5))
    ha, he = [(750, 100), (1250, 120), (2600, 200)], [(450, 90), (1900, 150), (2700, 200)]
    formants = (ha, he)[draws.rng.integers(2)]
    pitch_hz, gap_s = draws.uniform(150, 380), draws.uniform(0.19, 0.23)
    for position in range(draws.rng.integers(4, 7)):
        syllable = voice(draws.rng, 0.13, pitch_hz * (1 - 0.04 * position), formants, 0.25)
        loudness = 1 - 0.08 * position
        add_at(canvas, loudness * syllable * swell(len(syllable)), position * gap_s)
    return canvas


def page_turn(draws: Draws) -> Samples:
    """High noise with crackling loudness."""
    duration_s = draws.uniform(0.5, 0.9)
    noise = noise_band(draws.rng, duration_s, draws.uniform(2000, 3200), 14_000)
    return noise * curve(draws.rng.gamma(1.0, 1.0, 25), duration_s) * swell(len(noise))


def phone(draws: Draws) -> Samples:
    """Two alternating tones, ringing twice."""
    time_s = times_s(1.4)
    low_hz, interval = draws.uniform(700, 1500), draws.uniform(1.15, 1.35)
    is_low = np.sin(2 * np.pi * draws.uniform(14, 22) * time_s) > 0
    tones = [np.sin(2 * np.pi * hz * time_s) for hz in (low_hz, interval * low_hz, 2 * low_hz)]
    return (np.where(is_low, tones[0], tones[1]) + 0.2 * tones[2]) * (time_s % 0.7 < 0.5)


def speech(draws: Draws) -> Samples:
    """Two to four invented words of an English voice; needs the wheel espeakng-loader."""
    text = invent_words(draws.rng, int(draws.rng.integers(2, 5)))
    voices = TEST_VOICES if draws.held_out else TRAINING_VOICES
    return speak_randomly(draws.rng, text, draw_voice(draws.rng, voices)).astype(np.float64)


OFFICE_EVENTS: dict[str, Callable[[Draws], Samples]] = {
    "clearthroat": clear_throat,
    "cough": cough,
    "doorslam": door_slam,
    "drawer": drawer,
    "keyboard": keyboard,
    "keys": keys,
    "knock": knock,
    "laughter": laughter,
    "pageturn": page_turn,
    "phone": phone,
    "speech": speech,
}
