"""Mini Beijing Opera: four kinds of gongs, cymbals and clappers."""

from __future__ import annotations

import numpy as np

from mini.catalog import record
from mini.draws import Draws
from mini.sounds.percussion import OPERA_INSTRUMENTS
from mini.sounds.synthesis import set_level
from mini.task import Clip, MiniTask

LABELS = tuple(OPERA_INSTRUMENTS)
FOLDS = tuple(f"fold{fold:02d}" for fold in range(5))
DURATION_S = 1.2  # chosen; the real clips have 4.77 s
NOISE_DB = (-34.0, -10.0)  # chosen: level of the background relative to the stroke's
LEVEL_DB = -22.0  # active level of every clip, dB full scale


def beijing_opera(rng: np.random.Generator, split: str, index: int) -> Clip:
    """One instrument, struck in a room with background noise.

    `split` chooses the slots of its parameters, `index` its kind in turn.
    """
    label = LABELS[index % len(LABELS)]
    draws = Draws.for_fold(rng, FOLDS.index(split), len(FOLDS))
    audio = record(draws, OPERA_INSTRUMENTS[label](draws), DURATION_S, NOISE_DB)
    return Clip(set_level(audio, LEVEL_DB).astype(np.float32), [label])


TASK = MiniTask(
    slug="beijing_opera",
    task_name="beijing_opera",
    mode="full",
    stands_for="Modal gongs whose pitch glides, cymbals and clappers, other ones in every fold.",
    recipe=beijing_opera,
    labels=LABELS,
    n_clips=dict.fromkeys(FOLDS, 24),
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="new_split_kfold",
    evaluation=("top1_acc", "mAP", "d_prime", "aucroc"),
)
