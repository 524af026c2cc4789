"""Mini NSynth Pitch: short single notes, instruments disjoint between splits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mini.sounds.midi import PIANO_KEYS, Note, render
from mini.sounds.synthesis import set_level
from mini.task import Clip, MiniTask

# General MIDI programs (from 0) that sound on all 88 keys in the soundfont; every split has
# keyboards, mallets, organs, guitars, basses, strings, brass, reeds and flutes of its own.
# fmt: off
PROGRAMS = {
    "train": (0, 2, 4, 6, 11, 16, 18, 20, 22, 24, 26, 29, 32, 35, 40, 43, 46, 48, 50, 52, 56, 58,
              60, 62, 66, 69, 71, 73, 75, 80, 82, 85, 87, 90),
    "valid": (5, 12, 19, 25, 33, 41, 49, 57, 70, 76),
    "test": (1, 7, 14, 17, 21, 27, 30, 34, 42, 51, 53, 61, 64, 77, 79, 81),
}
# fmt: on
VELOCITIES = (25, 50, 75, 100, 127)  # NSynth's five (Engel et al. 2017, §2.1)
LABELS = tuple(str(key) for key in PIANO_KEYS)
DURATION_S, HELD_S = 0.64, 0.48  # 16 % of NSynth's 4 s, held 3 s (Engel et al. 2017)
LEVEL_DB = -20.0  # active level of every note, dB full scale


def nsynth_pitch(rng: np.random.Generator, split: str, index: int) -> Clip:
    """One note, labeled with the MIDI number of its key.

    `split` chooses the instruments, `index` the key in turn.
    """
    key = PIANO_KEYS[index % len(PIANO_KEYS)]
    note = Note(0.0, HELD_S, key, int(rng.choice(VELOCITIES)))
    program = int(rng.choice(PROGRAMS[split]))
    audio = set_level(render([note], DURATION_S, program), LEVEL_DB)
    return Clip(audio.astype(np.float32), [str(key)], f"program {program}")


TASK_50H = MiniTask(
    slug="nsynth_pitch_50h",
    task_name="nsynth_pitch",
    mode="50h",
    stands_for="Notes of General MIDI instruments, test instruments unseen.",
    recipe=nsynth_pitch,
    labels=LABELS,
    n_clips={"train": 264, "valid": 88, "test": 88},
    duration_s=DURATION_S,
    embedding_type="scene",
    prediction_type="multiclass",
    split_mode="trainvaltest",
    evaluation=("pitch_acc", "chroma_acc"),
    extras={"pitch_range_min": PIANO_KEYS[0], "pitch_range_max": PIANO_KEYS[-1]},
    sources=lambda split, index: [f"program {program}" for program in PROGRAMS[split]],
)

TASK_5H = replace(
    TASK_50H,
    slug="nsynth_pitch_5h",
    mode="5h",
    n_clips={"train": 176, "valid": 88, "test": 88},
    subset_of=TASK_50H,
)
