"""Mini LibriCount: zero to ten simultaneous voices, disjoint between folds."""

from __future__ import annotations

import numpy as np

from mini.sounds.rooms import Environment, background
from mini.sounds.speech import CASTS, monologue
from mini.sounds.synthesis import Samples, n_samples, set_level
from mini.task import Clip, MiniTask

MOST_VOICES = 10  # LibriCount (Stöter et al. 2018): 0 to 10 concurrent speakers
LABELS = tuple(str(count) for count in range(MOST_VOICES + 1))
VOICES = {f"fold{fold:02d}": cast for fold, cast in enumerate(CASTS)}
DURATION_S = 1.25  # chosen; the real clips have 5 s
VOICE_SPREAD_DB = 1.5  # chosen: voices of a clip differ by up to this from their mean level
CLIP_DB = -22.0  # active level of every mix, dB full scale, whatever the count
NOISE_DB = (-66.0, -58.0)  # level of the background, dB full scale
CLIPS_PER_FOLD = 30
N_WORDS = 7  # about two seconds of speech, repeated where it is less


def libricount(rng: np.random.Generator, split: str, index: int) -> Clip:
    """A mix of voices, whose level is independent of their number.

    `split` determines the voices, `index` their number, with another starting number in each fold.
    A mix of several voices has no single source.
    """
    count = (index + CLIPS_PER_FOLD * list(VOICES).index(split)) % len(LABELS)
    audio: Samples = np.zeros(n_samples(DURATION_S))
    for _ in range(count):
        level_db = rng.uniform(-VOICE_SPREAD_DB, VOICE_SPREAD_DB)
        spoken, _ = monologue(rng, N_WORDS, VOICES[split], DURATION_S)
        audio += set_level(spoken, level_db)
    if count > 0:
        audio = set_level(audio, CLIP_DB)
    noise = background(rng, Environment(rng.uniform(0.5, 2.0)), DURATION_S)
    audio += noise * 10 ** (rng.uniform(*NOISE_DB) / 20)
    return Clip(audio.astype(np.float32), [str(count)])


TASK = MiniTask(
    slug="libricount",
    task_name="libricount",
    mode="full",
    stands_for="Up to ten eSpeak NG voices at once, voices disjoint between folds.",
    recipe=libricount,
    labels=LABELS,
    n_clips=dict.fromkeys(VOICES, CLIPS_PER_FOLD),
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="new_split_kfold",
    evaluation=("top1_acc", "mAP", "d_prime", "aucroc"),
)
