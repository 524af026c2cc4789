"""Mini MAESTRO: piano pieces with note events; a room for each fold, three pianos for five."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mini.draws import source_generator
from mini.sounds.midi import PIANO_KEYS, Note, render
from mini.sounds.rooms import reverberate
from mini.sounds.synthesis import set_level
from mini.task import Clip, MiniTask

LABELS = tuple(str(key) for key in PIANO_KEYS)
DURATION_S = 4.0  # chosen; the real clips have 120 s
LEVEL_DB = -22.0  # active level of every clip, dB full scale
LAST_ONSET_S = DURATION_S - 0.6  # chosen: the last notes can be heard
SHORTEST_NOTE_S = 0.1  # chosen: twice the 50 ms between timestamps
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))  # major, natural minor
TEMPI_BPM = (70.0, 130.0)  # chosen: two to nine notes per second in all
RHYTHM_BEATS = (0.5, 0.5, 1.0, 1.0, 2.0)  # chosen: lengths of melody notes
BASS_KEYS, MELODY_KEYS = (36, 60), (60, 96)  # MIDI numbers: hands of a piano


@dataclass(frozen=True)
class Studio:
    """General MIDI program of the piano, reverberation time and its amplitude."""

    program: int
    reverberation_s: float
    wet: float


CLIPS_PER_FOLD = 3
STUDIOS = {  # three pianos of the soundfont, each fold with a room of its own
    "fold00": Studio(0, 0.4, 0.10),
    "fold01": Studio(1, 0.8, 0.15),
    "fold02": Studio(0, 0.6, 0.08),
    "fold03": Studio(3, 0.3, 0.12),
    "fold04": Studio(1, 1.2, 0.20),
}


def maestro(rng: np.random.Generator, split: str, index: int) -> Clip:
    """Chords in the left hand and a melody in the right hand, in a random key.

    `split` determines the piano and, with `index`, the room; everything else is random.
    """
    tonic, scale = rng.integers(12), SCALES[rng.integers(len(SCALES))]
    tones = [key for key in PIANO_KEYS if (key - tonic) % 12 in scale]
    beat_s = 60 / rng.uniform(*TEMPI_BPM)
    notes = _without_collisions(_chords(rng, tones, beat_s) + _melody(rng, tones, beat_s))
    studio = studio_of(split, index)
    dry = render(notes, DURATION_S, studio.program)
    audio = reverberate(rng, dry, studio.reverberation_s, studio.wet)
    events = [
        {"label": str(note.key), "start": 1000 * note.start_s, "end": 1000 * note.end_s}
        for note in notes
    ]
    source = f"piano {studio.program}"
    return Clip(set_level(audio, LEVEL_DB).astype(np.float32), events, source)


def studio_of(split: str, index: int) -> Studio:
    """The studio of a clip; the room changes every `CLIPS_PER_FOLD` clips."""
    studio, block = STUDIOS[split], index // CLIPS_PER_FOLD
    if block == 0:
        return studio
    rng = source_generator("room", split, block)
    return replace(studio, reverberation_s=rng.uniform(0.3, 1.2), wet=rng.uniform(0.08, 0.2))


def _chords(rng: np.random.Generator, tones: list[int], beat_s: float) -> list[Note]:
    """Triads every two beats, now struck together, now broken."""
    roots = [place for place, key in enumerate(tones) if BASS_KEYS[0] <= key < BASS_KEYS[1] - 7]
    notes, start_s = [], rng.uniform(0.1, 0.6)
    while start_s < LAST_ONSET_S:
        root, velocity = rng.choice(roots), rng.integers(40, 85)
        spread_s = 0.5 * beat_s if rng.random() < 0.4 else rng.uniform(0, 0.01)
        length_s = beat_s * rng.uniform(1.2, 1.9)
        for place, step in enumerate((0, 2, 4)):
            onset_s = start_s + place * spread_s
            if onset_s < LAST_ONSET_S:
                notes.append(Note(onset_s, onset_s + length_s, tones[root + step], int(velocity)))
        start_s += 2 * beat_s
    return notes


def _melody(rng: np.random.Generator, tones: list[int], beat_s: float) -> list[Note]:
    """A random walk on the scale with slightly uneven timing."""
    places = [place for place, key in enumerate(tones) if MELODY_KEYS[0] <= key < MELODY_KEYS[1]]
    notes, start_s, place = [], rng.uniform(0.1, 0.6), int(rng.choice(places))
    while start_s < LAST_ONSET_S:
        beats = rng.choice(RHYTHM_BEATS)
        length_s = beat_s * beats * rng.uniform(0.6, 1.1)
        notes.append(Note(start_s, start_s + length_s, tones[place], int(rng.integers(55, 120))))
        place = int(np.clip(place + rng.integers(-3, 4), places[0], places[-1]))
        start_s += beat_s * beats * rng.uniform(0.97, 1.03)
    return notes


def _without_collisions(notes: list[Note]) -> list[Note]:
    """End a note before its key is struck again, and every note before the clip ends."""
    kept: list[Note] = []
    latest: dict[int, int] = {}  # key -> position in `kept` of its last note
    for note in sorted(notes, key=lambda note: (note.start_s, note.key)):
        if note.key in latest:
            before = kept[latest[note.key]]
            if note.start_s - before.start_s < 2 * SHORTEST_NOTE_S:
                continue
            end_s = min(before.end_s, note.start_s - 0.02)  # a hammer needs time to come back
            kept[latest[note.key]] = replace(before, end_s=end_s)
        latest[note.key] = len(kept)
        end_s = min(max(note.end_s, note.start_s + SHORTEST_NOTE_S), DURATION_S)
        kept.append(replace(note, end_s=end_s))
    return kept


TASK = MiniTask(
    slug="maestro",
    task_name="maestro",
    mode="5h",
    stands_for="Generated pieces on soundfont pianos, each fold in its own room.",
    recipe=maestro,
    labels=LABELS,
    n_clips=dict.fromkeys(STUDIOS, CLIPS_PER_FOLD),
    duration_s=DURATION_S,
    embedding_type="event",
    prediction_type="multilabel",
    split_mode="new_split_kfold",
    evaluation=("event_onset_50ms_fms", "event_onset_offset_50ms_20perc_fms"),
    extras={
        "use_scoring_for_early_stopping": False,
        "evaluation_params": {  # tasks.json of the real task, all three grids
            "event_postprocessing_grid": {"median_filter_ms": [150], "min_duration": [50]},
            "task_specific_param_grid": {"max_epochs": [50], "check_val_every_n_epoch": [1]},
        },
    },
    sources=lambda split, index: (f"piano {STUDIOS[split].program}",),
    events_per_clip=14.7,
)
