"""Mini DCASE 2016 task 2: office sounds in background noise, with onset and offset times."""

from __future__ import annotations

import numpy as np

from mini.draws import Draws, source_generator
from mini.sounds.events import OFFICE_EVENTS
from mini.sounds.rooms import Environment, background, reverberate
from mini.sounds.synthesis import Samples, active_rms, add_at, n_samples, set_level
from mini.task import SAMPLE_RATE_HZ, Clip, Event, MiniTask

LABELS = tuple(OFFICE_EVENTS)
ENVIRONMENTS = {  # chosen; what the test part hears is in no training clip
    "computer fan": Environment(1.4, (120, 240, 360), 0.2),
    "air conditioning": Environment(1.8, (50, 100), 0.3, 0.3, 0.2),
    "street": Environment(2.2, (), 0.0, 0.15, 0.4),
    "ventilation": Environment(1.6, (60, 180), 0.3, 0.5, 0.2),
    "wind": Environment(2.4, (), 0.0, 0.3, 0.5),
    "projector": Environment(1.5, (90, 450), 0.2, 0.2, 0.1),
}
TRAINING_ENVIRONMENTS = ("computer fan", "air conditioning", "street")
TEST_ENVIRONMENTS = ("ventilation", "wind", "projector")
CLIPS = {"train": 12, "valid": 4, "test": 24}
PER_ENVIRONMENTS = {"train": 12, "valid": 4, "test": 8}  # clips that share three environments
DURATION_S = 4.2  # chosen; the real clips have 120 s
EBR_DB = (-6.0, 0.0, 6.0)  # event-to-background ratios of the real task (Mesaros et al. 2018)
BACKGROUND_DB = -30.0  # level of the background, dB full scale
LAST_ONSET_S = DURATION_S - 1.5  # chosen: nearly every event ends within the clip
OVERLAP_SHARE = 0.4  # chosen: share of events that start while the one before still sounds
REVERBERATION_S = 0.3  # chosen: an office
AUDIBLE = 0.04  # chosen: an event lasts while it is above 4 % of its peak


def dcase2016_task2(rng: np.random.Generator, split: str, index: int) -> Clip:
    """A soundscape: all classes in random order, repeated until the clip is full.

    Test clips have environments, voices and synthesis parameters of their own; `index` cycles
    through the event-to-background ratios.
    """
    draws = Draws(rng, held_out=split == "test")
    environments = environments_of(split, index)
    environment = str(rng.choice(list(environments)))
    noise = background(rng, environments[environment], DURATION_S)
    audio = noise * (10 ** (BACKGROUND_DB / 20) / active_rms(noise))
    level_db = BACKGROUND_DB + EBR_DB[index % len(EBR_DB)]
    events: list[Event] = []
    start_s, queue = rng.uniform(0.3, 1.0), list(rng.permutation(LABELS))
    while start_s < LAST_ONSET_S:
        if not queue:
            queue = list(rng.permutation(LABELS))
        label = str(queue.pop())
        sound = _trim(OFFICE_EVENTS[label](draws))
        length_s = len(sound) / SAMPLE_RATE_HZ
        ringing = np.pad(sound, (0, n_samples(REVERBERATION_S)))
        room_sound = reverberate(rng, ringing, REVERBERATION_S, draws.uniform(0.05, 0.25))
        add_at(audio, set_level(room_sound, level_db), start_s)
        end_s = min(start_s + length_s, DURATION_S)
        events.append({"label": label, "start": 1000 * start_s, "end": 1000 * end_s})
        if rng.random() < OVERLAP_SHARE:
            start_s += rng.uniform(0.25, 0.5)
        else:
            start_s += length_s + rng.uniform(0.1, 0.5)
    return Clip(audio.astype(np.float32), events, environment)


def environments_of(split: str, index: int) -> dict[str, Environment]:
    """Candidate environments of a clip, by name; they change every `PER_ENVIRONMENTS` clips.

    Validation uses the environments of the training part.
    """
    names = TEST_ENVIRONMENTS if split == "test" else TRAINING_ENVIRONMENTS
    if (block := index // PER_ENVIRONMENTS[split]) == 0:
        return {name: ENVIRONMENTS[name] for name in names}
    return {f"{name} {block + 1}": _environment(f"{name} {block + 1}") for name in names}


def _environment(name: str) -> Environment:
    """An additional environment, drawn within the ranges of the six named ones."""
    rng = source_generator(name)
    low_hz = rng.uniform(50, 200)
    hum_hz = tuple(low_hz * n for n in range(1, 1 + rng.integers(4)))
    swell_hz, depth = rng.uniform(0.1, 0.5), rng.uniform(0, 0.5)
    return Environment(rng.uniform(1.4, 2.4), hum_hz, rng.uniform(0.2, 0.3), swell_hz, depth)


def _trim(sound: Samples) -> Samples:
    """Cut off the inaudible beginning and end, so that the labels' times are accurate."""
    audible = np.flatnonzero(np.abs(sound) > AUDIBLE * np.abs(sound).max())
    return sound[audible[0] : audible[-1] + 1]


TASK = MiniTask(
    slug="dcase2016_task2",
    task_name="dcase2016_task2",
    mode="full",
    stands_for=(
        "Eleven synthesized office sounds in noise; environments, voices and "
        "synthesis parameters of the test part unseen."
    ),
    recipe=dcase2016_task2,
    labels=LABELS,
    n_clips=CLIPS,
    duration_s=DURATION_S,
    embedding_type="event",
    prediction_type="multilabel",
    split_mode="trainvaltest",
    evaluation=("event_onset_200ms_fms", "segment_1s_er"),
    sources=environments_of,
    events_per_clip=2.9,
)
