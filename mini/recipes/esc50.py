"""Mini ESC-50: fifty classes of environmental sound, parameters disjoint between folds."""

from __future__ import annotations

import numpy as np

from mini.catalog import ENVIRONMENTAL_SOUNDS, record
from mini.draws import Draws
from mini.sounds.synthesis import set_level
from mini.task import Clip, MiniTask

LABELS = tuple(sorted(ENVIRONMENTAL_SOUNDS))
FOLDS = tuple(f"fold{fold:02d}" for fold in range(5))
DURATION_S = 1.0  # chosen; the real clips have 5 s
NOISE_DB = (-30.0, -8.0)  # chosen: level of the background relative to the sound's
LEVEL_DB = -22.0  # active level of every clip, dB full scale


def esc50(rng: np.random.Generator, split: str, index: int) -> Clip:
    """One sound in a room with background noise.

    `split` chooses the slots of the synthesis parameters, `index` the class in turn.
    """
    label = LABELS[index % len(LABELS)]
    draws = Draws.for_fold(rng, FOLDS.index(split), len(FOLDS))
    audio = record(draws, ENVIRONMENTAL_SOUNDS[label](draws), DURATION_S, NOISE_DB)
    return Clip(set_level(audio, LEVEL_DB).astype(np.float32), [label])


TASK = MiniTask(
    slug="esc50",
    task_name="esc50",
    mode="full",
    stands_for="Fifty synthesized environmental sounds, parameters disjoint between folds.",
    recipe=esc50,
    labels=LABELS,
    n_clips=dict.fromkeys(FOLDS, 50),
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="presplit_kfold",
    evaluation=("top1_acc", "mAP", "d_prime", "aucroc"),
)
