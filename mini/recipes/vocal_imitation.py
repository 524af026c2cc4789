"""Mini Vocal Imitations: a voice imitates one of twenty sounds; singers disjoint between folds."""

from __future__ import annotations

import numpy as np

from mini.draws import Draws
from mini.sounds.imitations import CONTOURS, imitate
from mini.sounds.rooms import Environment, background, reverberate
from mini.sounds.synthesis import add_at, n_samples, set_level
from mini.task import SAMPLE_RATE_HZ, Clip, MiniTask

LABELS = tuple(CONTOURS)
FOLDS = tuple(f"fold{fold:02d}" for fold in range(3))
DURATION_S = 1.25  # chosen; the real clips have 11.26 s
NOISE_DB = (-40.0, -18.0)  # chosen: level of the background relative to the voice's
LEVEL_DB = -22.0  # active level of every clip, dB full scale


def vocal_imitation(rng: np.random.Generator, split: str, index: int) -> Clip:
    """One imitation by a singer drawn at random.

    `split` chooses the slots of the singers' parameters, `index` the sound in turn.
    """
    label = LABELS[index % len(LABELS)]
    draws = Draws.for_fold(rng, FOLDS.index(split), len(FOLDS))
    voice = imitate(draws, CONTOURS[label], DURATION_S)
    canvas = np.zeros(n_samples(DURATION_S))
    add_at(canvas, voice, rng.uniform(0, DURATION_S - len(voice) / SAMPLE_RATE_HZ))
    audio = reverberate(rng, canvas, draws.uniform(0.1, 0.5), draws.uniform(0.02, 0.25))
    noise = background(rng, Environment(draws.uniform(0.5, 2.0)), DURATION_S)
    audio = set_level(audio, 0.0) + noise * 10 ** (rng.uniform(*NOISE_DB) / 20)
    return Clip(set_level(audio, LEVEL_DB).astype(np.float32), [label])


TASK = MiniTask(
    slug="vocal_imitation",
    task_name="vocal_imitation",
    mode="full",
    stands_for="A synthetic singer follows the contours of twenty sounds, other singers per fold.",
    recipe=vocal_imitation,
    labels=LABELS,
    n_clips=dict.fromkeys(FOLDS, 60),
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="new_split_kfold",
    evaluation=("mAP", "d_prime", "aucroc", "top1_acc"),
)
