"""Mini CREMA-D: the emotion of a spoken sentence; speakers disjoint between folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mini.sounds.rooms import Environment, background, reverberate, tilt
from mini.sounds.speech import CASTS, draw_voice, speak, variant_of
from mini.sounds.synthesis import Samples, add_at, set_level
from mini.task import SAMPLE_RATE_HZ, Clip, MiniTask

SENTENCES = (  # short ones of the real data's twelve (Cao et al. 2014, table 1)
    "It's eleven o'clock",
    "That is exactly what happened",
    "I'm on my way to the meeting",
    "I wonder what this is about",
    "The airplane is almost full",
    "Maybe tomorrow it will be cold",
)
VOICES = {f"fold{fold:02d}": cast for fold, cast in enumerate(CASTS)}
DURATION_S = 1.5  # chosen; the real clips have up to 5 s
NOISE_DB = (-62.0, -48.0)  # level of the background, dB full scale
REVERBERATION_S, WET = (0.1, 0.4), (0.03, 0.2)  # rooms, chosen
SPEAKER_PITCH = 8.0  # standard deviation of a speaker's own pitch, eSpeak's scale 0-100
LEAST, MOST = 2, 98  # ends of eSpeak's scale of pitch and of range that still speak clearly


@dataclass(frozen=True)
class Prosody:
    """Prosody of an emotion, each value as (mean, standard deviation); emotions overlap.

    Rate in words per minute, pitch and range on eSpeak's scale 0-100, level in dB full scale,
    slope of the level over the sentence in dB, depth of the tremor (0 to 1), and vocal effort as
    tilt of the spectrum in dB per octave.
    """

    rate_wpm: tuple[float, float]
    pitch: tuple[float, float]
    pitch_range: tuple[float, float]
    level_db: tuple[float, float]
    slope_db: tuple[float, float]
    tremor: tuple[float, float]
    effort_db: tuple[float, float]


# Directions as measured on actors (Banse and Scherer 1996; Juslin and Laukka 2003, table 7),
# sizes chosen. Label names are those of the real data, sorted.
EMOTIONS = {
    "ANG": Prosody((215, 22), (56, 10), (68, 12), (-15, 2.5), (1, 3), (0.05, 0.05), (2.5, 1)),
    "DIS": Prosody((150, 20), (32, 10), (45, 12), (-22, 2.5), (-5, 3), (0.05, 0.05), (-0.5, 1)),
    "FEA": Prosody((220, 22), (70, 10), (26, 10), (-24, 2.5), (1, 3), (0.40, 0.15), (0, 1)),
    "HAP": Prosody((195, 20), (72, 10), (82, 10), (-18, 2.5), (0, 3), (0.05, 0.05), (1, 1)),
    "NEU": Prosody((180, 18), (46, 10), (38, 10), (-20, 2.5), (-2, 3), (0.05, 0.05), (0, 1)),
    "SAD": Prosody((132, 18), (38, 10), (22, 10), (-27, 2.5), (-4, 3), (0.20, 0.12), (-2.5, 1)),
}
TREMOR_HZ = (5.0, 9.0)  # rate of a trembling voice, chosen
LABELS = tuple(EMOTIONS)


def crema_d(rng: np.random.Generator, split: str, index: int) -> Clip:
    """One sentence, spoken with an emotion: `split` chooses the speakers, `index` the emotion."""
    emotion = LABELS[index % len(LABELS)]
    prosody = EMOTIONS[emotion]
    sentence = SENTENCES[rng.integers(len(SENTENCES))]
    voice = draw_voice(rng, VOICES[split])
    pitch = rng.normal(*prosody.pitch) + rng.normal(0, SPEAKER_PITCH)
    spread = rng.normal(*prosody.pitch_range)
    scales = [int(np.clip(value, LEAST, MOST)) for value in (pitch, spread)]
    spoken = speak(sentence, voice, int(rng.normal(*prosody.rate_wpm)), *scales)
    spoken = set_level(_expressed(rng, prosody, spoken), rng.normal(*prosody.level_db))
    spoken = reverberate(rng, spoken, rng.uniform(*REVERBERATION_S), rng.uniform(*WET))
    noise = background(rng, Environment(rng.uniform(0.5, 2.0)), DURATION_S)
    audio = noise * 10 ** (rng.uniform(*NOISE_DB) / 20)
    add_at(audio, spoken, 0)
    return Clip(audio.astype(np.float32), [emotion], variant_of(voice))


def _expressed(rng: np.random.Generator, prosody: Prosody, spoken: Samples) -> Samples:
    """The loudness falls or rises over the clip, and trembles."""
    time_s = np.arange(len(spoken)) / SAMPLE_RATE_HZ
    slope = 10 ** (rng.normal(*prosody.slope_db) * time_s / DURATION_S / 20)
    depth = np.clip(rng.normal(*prosody.tremor), 0, 0.9)
    phase = 2 * np.pi * (rng.uniform(*TREMOR_HZ) * time_s + rng.random())
    trembling = spoken * slope * (1 - depth * (0.5 + 0.5 * np.sin(phase)))
    return tilt(trembling, rng.normal(*prosody.effort_db))


TASK = MiniTask(
    slug="crema_d",
    task_name="tfds_crema_d",
    mode="full",
    stands_for="Six emotions as prosody of eSpeak NG sentences, voices disjoint between folds.",
    recipe=crema_d,
    labels=LABELS,
    n_clips=dict.fromkeys(VOICES, 24),
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="new_split_kfold",
    evaluation=("top1_acc", "mAP", "d_prime", "aucroc"),
    sources=lambda split, index: VOICES[split],
)
