"""Pretraining sources: hand drums, gongs, cymbals, bells, gunshots."""

from __future__ import annotations

import numpy as np

from mini.draws import Draws
from mini.pretraining.building import repeat
from mini.pretraining.tags import Source, frequency_hz, pitch_tags, pulse_tag
from mini.sounds.rooms import reverberate
from mini.sounds.synthesis import Samples, add_at, decay, n_samples, noise_band, strike, times_s
from mini.task import SAMPLE_RATE_HZ

# fmt: off
PARTIALS = np.arange(1, 6)  # of a loaded drum head: nearly harmonic (Raman 1934)
DRUM_STROKES = {  # tag -> levels of the partials, decay in s, level of the slap's noise
    "drum_open": ((1, 0.8, 0.5, 0.3, 0.2), (0.25, 0.6), 0.2),
    "drum_ring": ((0.05, 1, 0.6, 0.5, 0.3), (0.3, 0.7), 0.1),
    "drum_muted": ((1, 0.3, 0.1, 0, 0), (0.03, 0.08), 0.4),
    "drum_bass": ((1, 0.3, 0, 0, 0), (0.15, 0.4), 0.1),
    "drum_thump": ((1, 0.2, 0, 0, 0), (0.02, 0.05), 1.0),
    "drum_slap": ((0.1, 0.3, 0.6, 1, 1), (0.02, 0.06), 2.0),
}
GONG_GLIDES = {"gong_falling": (0.08, 0.35), "gong_rising": (-0.3, -0.06), "gong_steady": (0, 0)}
SHOT_DISTANCES = {  # tag -> low-pass in Hz (air absorbs), level and length of the reverberation
    "shot_near": ((9_000, 14_000), (0.02, 0.1), (0.2, 0.5)),
    "shot_middle": ((4_000, 6_500), (0.2, 0.4), (0.5, 0.9)),
    "shot_far": ((1_800, 3_000), (0.6, 1.0), (0.8, 1.3)),
    "shot_distant": ((600, 1_200), (1.2, 2.0), (1.0, 1.8)),
}
# fmt: on


def hand_drum(draws: Draws) -> Source:
    """A tuned drum, the same stroke again and again; its tonic is a pitch."""
    name = str(draws.rng.choice(list(DRUM_STROKES)))
    levels, decays_s, slap = DRUM_STROKES[name]
    key = int(draws.rng.integers(45, 69))
    head_hz = frequency_hz(key) * (0.5 if name in ("drum_bass", "drum_thump") else 1)

    def stroke(draws: Draws) -> Samples:
        decay_s = draws.uniform(*decays_s)
        sound = np.zeros(n_samples(0.8))
        for partial, level in zip(PARTIALS, levels, strict=True):
            mode_hz = head_hz * partial * draws.uniform(0.992, 1.008)
            sound += level * strike(draws.rng, [mode_hz], decay_s / partial**0.5, 0.8)
        edge_hz = draws.uniform(300, 900)
        noise = noise_band(draws.rng, 0.06, edge_hz, 6 * edge_hz) * decay(0.06, 0.001, 0.012)
        add_at(sound, slap * noise, 0)
        return sound

    audio, rate_hz = repeat(draws, stroke, 0.22, 0.9)
    pitch = () if name in ("drum_thump", "drum_slap") else pitch_tags(key)
    return Source(("percussion", name, pulse_tag(rate_hz), *pitch), audio)


def gong(draws: Draws) -> Source:
    """A gong whose pitch glides after the stroke, or stays."""
    name = str(draws.rng.choice(list(GONG_GLIDES)))

    def stroke(draws: Draws) -> Samples:
        duration_s, root_hz = 1.2, draws.uniform(180, 900)
        glide, decay_s = draws.uniform(*GONG_GLIDES[name]), draws.uniform(0.2, 0.6)
        time_s = times_s(duration_s)
        bend = 1 + glide * (np.exp(-time_s / draws.uniform(0.08, 0.25)) - 0.3)
        phase = 2 * np.pi * np.cumsum(root_hz * bend) / SAMPLE_RATE_HZ
        sound = np.zeros(len(time_s))
        for ratio in (1.0, *draws.rng.uniform(1.4, 5, 5)):
            level, fall_s = draws.rng.uniform(0.2, 1), decay_s / ratio**0.5
            sound += level * np.sin(ratio * phase) * np.exp(-time_s / fall_s)
        return sound

    audio, rate_hz = repeat(draws, stroke, 0.5, 1.6)
    return Source(("percussion", name, pulse_tag(rate_hz)), audio)


def splash(draws: Draws) -> Source:
    """Cymbals: dense high modes and noise that die away slowly."""

    def stroke(draws: Draws) -> Samples:
        modes_hz = draws.uniform(2_000, 4_000) * draws.rng.uniform(0.5, 3.5, 14)
        sound = 0.3 * strike(draws.rng, modes_hz, draws.uniform(0.1, 0.5), 1.0)
        noise = noise_band(draws.rng, 1.0, draws.uniform(1_500, 5_000), 13_000)
        return sound + noise * decay(1.0, 0.002, draws.uniform(0.1, 0.4))

    audio, rate_hz = repeat(draws, stroke, 0.4, 1.5)
    return Source(("percussion", "cymbal_splash", pulse_tag(rate_hz)), audio)


def wood_block(draws: Draws) -> Source:
    """Wood on wood: a few short modes."""
    root_hz = draws.uniform(500, 2_400)

    def stroke(draws: Draws) -> Samples:
        modes_hz = root_hz * np.array([1, 1.62, 2.41, 3.3]) * draws.uniform(0.97, 1.03)
        return strike(draws.rng, modes_hz, draws.uniform(0.008, 0.03), 0.2)

    audio, rate_hz = repeat(draws, stroke, 0.12, 0.8)
    return Source(("percussion", "wood_block", pulse_tag(rate_hz)), audio)


def church_bell(draws: Draws) -> Source:
    """A bell of minor third, with a pitch."""
    key = int(draws.rng.integers(52, 90))

    def stroke(draws: Draws) -> Samples:
        ratios = np.array([0.5, 1, 1.2, 1.5, 2, 2.67, 4])  # hum, prime, tierce, ... of bells
        modes_hz = frequency_hz(key) * ratios
        return strike(draws.rng, modes_hz, draws.uniform(0.6, 1.6) / ratios**0.7, 2.0)

    audio, rate_hz = repeat(draws, stroke, 0.6, 1.7)
    return Source(("machine", "church_bell", pulse_tag(rate_hz), *pitch_tags(key)), audio)


def gun_shot(draws: Draws) -> Source:
    """Shots at one of four distances."""
    name = str(draws.rng.choice(list(SHOT_DISTANCES)))
    cutoffs_hz, levels, lengths_s = SHOT_DISTANCES[name]

    def shot(draws: Draws) -> Samples:
        duration_s = 1.2
        bang = noise_band(draws.rng, duration_s, 60, draws.uniform(*cutoffs_hz))
        bang *= decay(duration_s, 0.0008, draws.uniform(0.008, 0.05))
        thump = strike(draws.rng, [draws.uniform(70, 260)], draws.uniform(0.02, 0.08), duration_s)
        sound = bang / np.abs(bang).max() + draws.uniform(0.1, 0.8) * thump
        return reverberate(draws.rng, sound, draws.uniform(*lengths_s), draws.uniform(*levels))

    audio, _ = repeat(draws, shot, 0.6, 1.7)
    return Source(("event", name), audio)
