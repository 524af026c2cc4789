"""Mini FSD50K: mixtures of one to three everyday sounds, clips of different lengths."""

from __future__ import annotations

import numpy as np

from mini.catalog import Source, record
from mini.draws import Draws
from mini.sounds import animals, bodies, events, machines, weather
from mini.sounds.synthesis import add_at, n_samples, set_level
from mini.task import Clip, MiniTask

SOUNDS: dict[str, Source] = {  # label of the FSD50K vocabulary (Fonseca et al. 2022) -> source
    "Applause": bodies.clapping,
    "Bark": animals.dog,
    "Chirp_and_tweet": animals.chirping_birds,
    "Church_bell": machines.church_bells,
    "Crackle": weather.crackling_fire,
    "Creak": machines.door_creak,
    "Cricket": animals.crickets,
    "Crow": animals.crow,
    "Engine": machines.engine,
    "Fireworks": machines.fireworks,
    "Keys_jangling": events.keys,
    "Knock": events.knock,
    "Laughter": events.laughter,
    "Meow": animals.cat,
    "Rain": weather.rain,
    "Ringtone": events.phone,
    "Shatter": machines.glass_breaking,
    "Siren": machines.siren,
    "Splash_and_splatter": weather.splash,
    "Walk_and_footsteps": bodies.footsteps,
}
LABELS = tuple(SOUNDS)
DURATIONS_S = (0.5, 2.5)  # chosen; the real clips have 0.3 to 30 s
MOST_SOUNDS = 3  # per clip
SPREAD_DB = 8.0  # chosen: sounds of a clip differ by up to this
NOISE_DB = (-30.0, -12.0)  # chosen: level of each sound's background relative to it
LEVEL_DB = -22.0  # active level of every clip, dB full scale


def fsd50k(rng: np.random.Generator, split: str, index: int) -> Clip:
    """One to three sounds of different classes, at random moments.

    Test clips have synthesis parameters of their own; `index` chooses the first class in turn.
    """
    draws = Draws(rng, held_out=split == "test")
    first = index % len(LABELS)
    others = rng.permutation([place for place in range(len(LABELS)) if place != first])
    chosen = [first, *others[: rng.integers(MOST_SOUNDS)]]
    duration_s = rng.uniform(*DURATIONS_S)
    audio = np.zeros(n_samples(duration_s))
    for place in chosen:
        sound = record(draws, SOUNDS[LABELS[place]](draws), duration_s, NOISE_DB)
        add_at(audio, sound * 10 ** (rng.uniform(-SPREAD_DB, 0) / 20), 0.0)
    labels = [LABELS[place] for place in sorted(chosen)]
    return Clip(set_level(audio, LEVEL_DB).astype(np.float32), labels)


TASK = MiniTask(
    slug="fsd50k",
    task_name="fsd50k",
    mode="full",
    stands_for="Mixtures of one to three of twenty synthesized sounds, 0.5 to 2.5 s long.",
    recipe=fsd50k,
    labels=LABELS,
    n_clips={"train": 80, "valid": 20, "test": 60},
    duration_s=None,
    duration_range_s=DURATIONS_S,
    embedding_type="scene",
    prediction_type="multilabel",
    split_mode="trainvaltest",
    evaluation=("mAP", "d_prime", "aucroc", "top1_acc"),
)
