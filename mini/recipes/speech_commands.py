"""Mini Speech Commands: single words of one second, speakers disjoint between splits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mini.sounds.rooms import Environment, background, reverberate
from mini.sounds.speech import CASTS, draw_voice, speak_randomly, variant_of
from mini.sounds.synthesis import add_at, n_samples, set_level
from mini.task import SAMPLE_RATE_HZ, Clip, MiniTask

# fmt: off
WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")  # Warden 2018, §5
UNKNOWN_WORDS = (  # the other words of Warden 2018, version 0.01
    "bed", "bird", "cat", "dog", "eight", "five", "four", "happy", "house", "marvin",
    "nine", "one", "seven", "sheila", "six", "three", "tree", "two", "wow", "zero",
)
# fmt: on
SILENCE, UNKNOWN = "_silence_", "_unknown_"  # label names of the real task
LABELS = (SILENCE, UNKNOWN, *WORDS)
VOICES = {"train": CASTS[0] + CASTS[1] + CASTS[2], "valid": CASTS[3], "test": CASTS[4]}
DURATION_S = 1.0  # the real task's sample_duration
SPEECH_DB = (-28.0, -16.0)  # active level of the word, dB full scale
NOISE_DB = (-50.0, -32.0)  # level of the background, dB full scale


def speech_commands(rng: np.random.Generator, split: str, index: int) -> Clip:
    """One word (or none) in a room with background noise.

    `split` chooses the voices, `index` the label in turn.
    """
    label = LABELS[index % len(LABELS)]
    hum_hz = ((), (50.0, 100.0), (120.0, 240.0))[rng.integers(3)]
    noise = background(rng, Environment(rng.uniform(0.5, 2.0), hum_hz), DURATION_S)
    audio = noise * 10 ** (rng.uniform(*NOISE_DB) / 20)
    source = ""
    if label != SILENCE:
        text = str(rng.choice(UNKNOWN_WORDS)) if label == UNKNOWN else label
        voice = draw_voice(rng, VOICES[split])
        source = variant_of(voice)
        word = speak_randomly(rng, text, voice)[: n_samples(DURATION_S)]
        word = reverberate(rng, word, rng.uniform(0.1, 0.5), rng.uniform(0.05, 0.35))
        latest_s = DURATION_S - len(word) / SAMPLE_RATE_HZ
        add_at(audio, set_level(word, rng.uniform(*SPEECH_DB)), rng.uniform(0, latest_s))
    return Clip(audio.astype(np.float32), [label], source)


TASK_FULL = MiniTask(
    slug="speech_commands_full",
    task_name="speech_commands",
    mode="full",
    stands_for="Words spoken by eSpeak NG, test voices unseen.",
    recipe=speech_commands,
    labels=LABELS,
    n_clips={"train": 216, "valid": 48, "test": 132},
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="trainvaltest",
    evaluation=("top1_acc",),
    sources=lambda split, index: VOICES[split] if LABELS[index % len(LABELS)] != SILENCE else (),
)

TASK_5H = replace(
    TASK_FULL,
    slug="speech_commands_5h",
    mode="5h",
    n_clips={"train": 108, "valid": 48, "test": 132},
    subset_of=TASK_FULL,
)
