"""Mini Mridangam Stroke and Tonic: strokes on a two-headed drum, one set of clips for both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mini.draws import Draws
from mini.sounds.percussion import DRUM_LENGTH_S, STROKES, mridangam
from mini.sounds.rooms import Environment, background, reverberate
from mini.sounds.synthesis import set_level
from mini.task import Audio, Clip, MiniTask

TONICS_HZ = {  # the six drums of Anantapadmanabhan et al. 2013, equal temperament from A4 = 440
    "B": 246.94 / 2,
    "C": 261.63 / 2,
    "C#": 277.18 / 2,
    "D": 293.66 / 2,
    "D#": 311.13 / 2,
    "E": 329.63 / 2,
}
FOLDS = tuple(f"fold{fold:02d}" for fold in range(5))
TUNING_CENTS = 20.0  # chosen: standard deviation of a drum's tuning
NOISE_DB = (-30.0, -8.0)  # chosen: level of the background relative to the stroke's
LEVEL_DB = -22.0  # active level of every clip, dB full scale


def _one_stroke(rng: np.random.Generator, split: str, index: int) -> tuple[Audio, str, str]:
    """A stroke in a room; `index` cycles through all pairs of stroke and tonic.

    `split` chooses the slots of the drum's and the room's parameters.
    """
    stroke = list(STROKES)[index % len(STROKES)]
    tonic = list(TONICS_HZ)[index // len(STROKES) % len(TONICS_HZ)]
    draws = Draws.for_fold(rng, FOLDS.index(split), len(FOLDS))
    tonic_hz = TONICS_HZ[tonic] * 2 ** (rng.normal(scale=TUNING_CENTS) / 1200)
    dry = mridangam(draws, STROKES[stroke], tonic_hz)
    audio = reverberate(rng, dry, draws.uniform(0.1, 0.5), draws.uniform(0.02, 0.25))
    noise = background(rng, Environment(draws.uniform(0.3, 2.0)), DRUM_LENGTH_S)
    audio = set_level(audio, 0.0) + noise * 10 ** (rng.uniform(*NOISE_DB) / 20)
    return set_level(audio, LEVEL_DB).astype(np.float32), stroke, tonic


def mridangam_stroke(rng: np.random.Generator, split: str, index: int) -> Clip:
    """One stroke, labeled with its name."""
    audio, stroke, _ = _one_stroke(rng, split, index)
    return Clip(audio, [stroke])


def mridangam_tonic(rng: np.random.Generator, split: str, index: int) -> Clip:
    """One stroke, labeled with the drum's tonic."""
    audio, _, tonic = _one_stroke(rng, split, index)
    return Clip(audio, [tonic])


STROKE_TASK = MiniTask(
    slug="mridangam_stroke",
    task_name="mridangam_stroke",
    mode="full",
    stands_for="Ten strokes on a modal drum with two heads, damping and rooms of each fold unseen.",
    recipe=mridangam_stroke,
    labels=tuple(STROKES),
    n_clips=dict.fromkeys(FOLDS, len(STROKES) * len(TONICS_HZ)),
    duration_s=DRUM_LENGTH_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="new_split_kfold",
    evaluation=("top1_acc", "mAP", "d_prime", "aucroc"),
    audio_id="mridangam",
)

TONIC_TASK = replace(
    STROKE_TASK,
    slug="mridangam_tonic",
    task_name="mridangam_tonic",
    stands_for="Six tunings of the same modal drum: the clips are those of the strokes.",
    recipe=mridangam_tonic,
    labels=tuple(TONICS_HZ),
)
