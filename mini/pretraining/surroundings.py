"""Pretraining sources: insects, machines, weather, and plain contours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

from mini.draws import Draws
from mini.pretraining.building import CLIP_S, curve, tone
from mini.pretraining.tags import Source, frequency_hz, pitch_tags, pulse_tag
from mini.sounds.contours import low_pass
from mini.sounds.midi import Note, Part
from mini.sounds.rooms import colored_noise
from mini.sounds.synthesis import Samples, add_at, n_samples, noise_band, times_s
from mini.task import SAMPLE_RATE_HZ

LENGTH, TIMES_S = n_samples(CLIP_S), times_s(CLIP_S)
INSECTS_HZ = {"insect_low": (90, 190), "insect_middle": (300, 420), "insect_high": (480, 900)}
HELICOPTER, SEASHORE = 125, 122  # General MIDI programs from 0
DRIFT_POINTS = 12  # chosen: slow changes have about three turning points per second


def _drift(draws: Draws, depth: float, n_points: int = DRIFT_POINTS) -> Samples:
    """Slow random factor around 1."""
    return curve(np.exp(depth * draws.rng.normal(size=n_points)), LENGTH)


def _wave(draws: Draws, rate_hz: float) -> Samples:
    return np.sin(2 * np.pi * (rate_hz * TIMES_S + draws.rng.random()))


def insect(draws: Draws) -> Source:
    """Wing beats: a swarm of harmonic tones in one of three ranges; also crickets."""
    rng = draws.rng
    name = str(rng.choice([*INSECTS_HZ, "cricket"]))
    if name == "cricket":
        chirps = (_wave(draws, draws.uniform(1.5, 6)) > draws.uniform(-0.5, 0.5)).astype(float)
        trill = np.maximum(_wave(draws, draws.uniform(25, 70)), 0)
        return Source(("animal", name), chirps * trill * _wave(draws, draws.uniform(3_500, 7_000)))
    sound = np.zeros(LENGTH)
    center_hz = draws.uniform(*INSECTS_HZ[name])
    for _ in range(rng.integers(1, 5)):
        beat_hz = center_hz * rng.uniform(0.95, 1.05) * _drift(draws, 0.03)
        sound += tone(beat_hz, draws.uniform(0.5, 1.2), 12) * _drift(draws, 0.4)
    roar = noise_band(rng, CLIP_S, center_hz, 4 * center_hz)
    return Source(("animal", name), sound + draws.uniform(0, 1.5) * roar * sound.std() / roar.std())


def _engine(draws: Draws) -> Samples:
    speed_hz = draws.uniform(22, 110) * _drift(draws, 0.08, 6)
    buzz = tone(speed_hz, draws.uniform(0.5, 1.1), 25)
    return buzz + 0.5 * noise_band(draws.rng, CLIP_S, 60, draws.uniform(300, 1_200))


def _drill(draws: Draws) -> Samples:
    whine = tone(draws.uniform(200, 900) * _drift(draws, 0.06), 0.4, 16)
    return whine + noise_band(draws.rng, CLIP_S, 2_000, draws.uniform(6_000, 12_000)) * 2


def _fan(draws: Draws) -> Samples:
    center_hz = draws.uniform(200, 1_200)
    sound = noise_band(draws.rng, CLIP_S, 0.4 * center_hz, 3 * center_hz)
    return sound + draws.uniform(0.1, 0.6) * sound.std() * tone(np.full(LENGTH, center_hz), 1, 4)


def _siren(draws: Draws) -> Samples:
    swing = _wave(draws, draws.uniform(0.4, 3.5))
    swing = np.sign(swing) if draws.rng.random() < 0.4 else swing
    return tone(draws.uniform(500, 1_100) * (1 + draws.uniform(0.1, 0.4) * swing), 1.2, 6)


def _rain(draws: Draws) -> Samples:
    hiss = noise_band(draws.rng, CLIP_S, draws.uniform(800, 2_500), 14_000)
    is_drop = draws.rng.random(LENGTH) < draws.uniform(0.0005, 0.006)
    drops = is_drop * draws.rng.normal(size=LENGTH)
    return 0.3 * hiss + draws.uniform(2, 8) * drops


def _stream(draws: Draws) -> Samples:
    sound = 0.02 * draws.rng.normal(size=LENGTH)
    for _ in range(60):
        length = n_samples(draws.rng.uniform(0.02, 0.12))
        bubble = tone(draws.uniform(350, 1_600) * curve((1, 1.4), length)) * np.hanning(length)
        add_at(sound, draws.rng.uniform(0.2, 1) * bubble, draws.rng.uniform(0, CLIP_S - 0.12))
    return sound


def _wind(draws: Draws) -> Samples:
    low_hz = draws.uniform(80, 500)
    howl = noise_band(draws.rng, CLIP_S, low_hz, draws.uniform(1.5, 4) * low_hz)
    return howl * _drift(draws, 0.6)


def _fire(draws: Draws) -> Samples:
    is_spark = draws.rng.random(LENGTH) < draws.uniform(0.0003, 0.001)
    sparks = is_spark * draws.rng.gamma(0.5, 2, LENGTH)
    band = scipy.signal.butter(1, [1_500, 9_000], "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    crackle = scipy.signal.sosfilt(band, sparks)
    rumble = colored_noise(draws.rng, LENGTH, 1.5)
    return crackle + draws.uniform(0.01, 0.05) * rumble


def _thunder(draws: Draws) -> Samples:
    sound = noise_band(draws.rng, CLIP_S, 25, draws.uniform(120, 400))
    claps = sum(
        np.exp(-np.maximum(TIMES_S - start_s, 0) / draws.uniform(0.3, 0.8)) * (TIMES_S >= start_s)
        for start_s in (draws.rng.uniform(0, 0.8), draws.rng.uniform(1.2, 2.8))
    )
    return sound * claps * _drift(draws, 0.5, 40)


MACHINES = {"engine": _engine, "drill": _drill, "fan": _fan, "siren": _siren}
NATURE = {"rain": _rain, "stream": _stream, "wind": _wind, "fire": _fire, "thunder": _thunder}
LASTING: dict[str, Callable[[Draws], Samples]] = {**MACHINES, **NATURE}


def lasting(draws: Draws) -> Source:
    """A machine or the weather."""
    name = str(draws.rng.choice(list(LASTING)))
    kind = "machine" if name in MACHINES else "nature"
    return Source((kind, name), LASTING[name](draws))


def signal(draws: Draws) -> Source:
    """Alarm beeps or a horn, with a pitch."""
    name = str(draws.rng.choice(["alarm", "horn"]))
    key = int(draws.rng.integers(72, 108) if name == "alarm" else draws.rng.integers(45, 72))
    rate_hz = draws.uniform(0.8, 7) if name == "alarm" else draws.uniform(0.5, 2)
    n_partials, rolloff = (3, 1.5) if name == "alarm" else (20, 0.6)
    sound = tone(np.full(LENGTH, frequency_hz(key)), rolloff, n_partials)
    gate = _wave(draws, rate_hz) > draws.uniform(-0.6, 0.4)
    return Source(("machine", name, pulse_tag(rate_hz), *pitch_tags(key)), sound * gate)


def soundfont_effect(draws: Draws) -> Source:
    """The soundfont's helicopter or seashore."""
    name = str(draws.rng.choice(["helicopter", "waves"]))
    program = HELICOPTER if name == "helicopter" else SEASHORE
    notes = (Note(0.0, CLIP_S, int(draws.rng.integers(45, 76)), 110),)
    kind = "machine" if name == "helicopter" else "nature"
    return Source((kind, name), parts=(Part(notes, program),))


CONTOURS = {  # tag -> pitch as a factor, over one period; the carrier follows it
    "rising": (0.6, 0.75, 1.0, 1.5),
    "falling": (1.5, 1.0, 0.75, 0.6),
    "up_and_down": (0.7, 1.3, 1.4, 0.7),
    "wobbling": (1.0, 1.15, 0.9, 1.15, 0.9, 1.15, 0.9, 1.0),
    "steady": (1.0, 1.0),
    "pulsing": (1.0, 1.0),
}


def contour(draws: Draws) -> Source:
    """A tone, buzz or band of noise whose pitch or loudness follows a contour, repeated."""
    rng = draws.rng
    name = str(rng.choice(list(CONTOURS)))
    length = n_samples(draws.uniform(0.5, 1.6))
    factors = curve(np.array(CONTOURS[name]) ** draws.uniform(0.5, 1.6), length)
    center_hz = np.exp(draws.uniform(np.log(140), np.log(1_600)))
    carrier, noise = rng.integers(3), rng.normal(size=length)
    sound = tone(center_hz * factors, (1.0, 3.0, 0.7)[carrier], (20, 1, 8)[carrier])
    if carrier == 2:  # rough: the tone modulates noise
        sound = sound * low_pass(noise, 60)
    if name == "pulsing":
        sound *= tone(np.full(length, draws.uniform(5, 16))) > 0
    sound *= np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / 800)
    canvas = np.zeros(LENGTH)
    for start_s in np.arange(rng.uniform(0, 0.4), CLIP_S, length / SAMPLE_RATE_HZ + 0.1):
        add_at(canvas, sound, float(start_s))
    return Source((name,), canvas)
