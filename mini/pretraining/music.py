"""Pretraining sources: phrases of instruments, drum patterns, small bands."""

from __future__ import annotations

import numpy as np

from mini.allotment import PRETRAINING_KITS
from mini.draws import Draws
from mini.pretraining.building import CLIP_S
from mini.pretraining.tags import Source, pitch_tags, pulse_tag, tempo_tag
from mini.sounds.midi import PIANO_KEYS, Note, Part

# fmt: off
INSTRUMENTS: dict[str, tuple[int, ...]] = {  # tag -> General MIDI programs from 0
    "bells": (8, 9, 10, 112), "mallets": (13, 108, 114), "plucked_strings": (15, 31, 106),
    "muted_strings": (28, 45), "bass": (36, 38), "accordion": (23,), "bowed_strings": (44, 110),
    "brass": (59, 63), "reeds": (65, 68), "flutes": (72, 74, 78), "choir": (54, 91),
    "synth_lead": (83, 84, 86), "synth_pad": (88, 89, 94), "synth_effect": (96, 98, 100, 102),
    "orchestra_hit": (55,),
}
UNTUNED = (78, 86, 112)  # programs of the soundfont that sound at another pitch, or at two
RANGES = {9: (65, 108), 31: (33, 90), 54: (21, 88), 68: (45, 108), 78: (21, 76), 83: (33, 90),
          106: (66, 108)}  # keys on which the soundfont is in tune and audible, if not on all
CHORDS = {"major_chord": (0, 4, 7, 12), "minor_chord": (0, 3, 7, 12),
          "seventh_chord": (0, 4, 7, 10)}  # semitones above the root
STYLES = {"one_note": 0.32, "repeated_note": 0.12, "melody": 0.14, "arpeggio": 0.14, "chord": 0.12,
          "stabs": 0.09, "trill": 0.07}  # chosen: notes alone are the clearest lesson in pitch
PERIODS_S = {"one_note": (1.0, 1.9), "repeated_note": (0.14, 0.6), "melody": (0.14, 0.45),
             "arpeggio": (0.09, 0.3), "chord": (0.9, 1.9), "stabs": (0.2, 0.7),
             "trill": (0.06, 0.12)}  # chosen: a crop of 2 s holds every note of the phrase
STROKES = {  # tag -> percussion keys of General MIDI
    "kick": (35, 36), "snare": (38, 40), "hihat": (42, 44, 46), "tom": (41, 43, 45, 47, 48, 50),
    "cymbal": (49, 51, 57, 59), "small_percussion": (39, 54, 56, 60, 61, 63, 64, 70, 75, 76),
}
ORCHESTRA_KIT = 48  # its hi-hats are elsewhere and timpani stand on keys 41 to 53 (General MIDI 2)
PATTERNS = {  # tag -> (kick, snare, hi-hat) steps of sixteen in a bar
    "four_on_the_floor": ((0, 4, 8, 12), (4, 12), (2, 6, 10, 14)),
    "backbeat": ((0, 8, 10), (4, 12), tuple(range(0, 16, 2))),
    "swing": ((0, 8), (12,), (0, 4, 7, 8, 12, 15)),
    "half_time": ((0, 6), (8,), tuple(range(0, 16, 2))),
    "tresillo": ((0, 6, 12), (3, 10), (0, 3, 6, 8, 11, 14)),
}
# fmt: on


def phrase(draws: Draws) -> Source:
    """One instrument repeats one note or a few notes."""
    rng = draws.rng
    instrument = str(rng.choice(list(INSTRUMENTS)))
    style = str(rng.choice(list(STYLES), p=list(STYLES.values())))
    program = int(rng.choice(INSTRUMENTS[instrument]))
    keys, chord = _keys(draws, style, RANGES.get(program, (PIANO_KEYS[0], PIANO_KEYS[-1])))
    period_s = draws.uniform(*PERIODS_S[style])
    gate = draws.uniform(0.15, 1.1) if style != "stabs" else draws.uniform(0.15, 0.45)
    velocity = int(rng.integers(30, 124))
    pitch = () if program in UNTUNED else (*chord, *pitch_tags(*keys))
    tags = ["music", instrument, style, *pitch, pulse_tag(1 / period_s)]
    tags += ["staccato"] if gate < 0.4 else ["legato"] if gate > 0.85 else []
    notes = []
    for position, start_s in enumerate(np.arange(rng.uniform(0, 0.3), CLIP_S - 0.15, period_s)):
        together = keys if style in ("chord", "stabs") else keys[position % len(keys) :][:1]
        end_s = min(start_s + max(gate * period_s, 0.05), CLIP_S)
        loudness = min(127, velocity + int(rng.integers(-6, 7)))
        notes += [Note(float(start_s), float(end_s), key, loudness) for key in together]
    return Source(tuple(tags), parts=(Part(tuple(notes), program),))


def _keys(
    draws: Draws, style: str, key_range: tuple[int, int]
) -> tuple[list[int], tuple[str, ...]]:
    """Keys of a phrase, and the tag of its chord."""
    rng = draws.rng
    lowest, highest = key_range
    root = int(rng.integers(lowest, highest + 1))
    if style in ("one_note", "repeated_note"):
        return [root], ()
    root = min(root, highest - 12)
    if style == "trill":
        return [root, root + int(rng.integers(1, 4))], ()
    if style == "melody":
        steps = rng.choice((0, 2, 4, 5, 7, 9, 11, 12), int(rng.integers(3, 5)), replace=False)
        return [root + int(step) for step in steps], ()
    name = str(rng.choice(list(CHORDS)))
    keys = [root + step for step in CHORDS[name]]
    n_keys = 4 if name == "seventh_chord" else int(rng.integers(3, 5))
    return keys[:n_keys], (name,)


def strokes(draws: Draws) -> Source:
    """One or two drums of a kit, struck evenly."""
    rng = draws.rng
    kit = int(rng.choice(PRETRAINING_KITS))
    names = [str(name) for name in rng.choice(list(STROKES), rng.integers(1, 3), replace=False)]
    period_s = draws.uniform(0.15, 0.9)
    keys = [_stroke_key(rng, kit, name) for name in names]
    notes = [
        Note(float(start_s), float(start_s) + 0.1, keys[position % len(keys)], 100)
        for position, start_s in enumerate(np.arange(rng.uniform(0, 0.3), CLIP_S - 0.15, period_s))
    ]
    tags = ("percussion", *names, pulse_tag(1 / period_s))
    return Source(tags, parts=(Part(tuple(notes), kit, is_drums=True),))


def drum_pattern(draws: Draws) -> Source:
    """A drum kit repeats a bar of a rhythm."""
    tempo_bpm = draws.uniform(60, 180)
    part, tags = _pattern(draws, tempo_bpm)
    return Source(("percussion", tempo_tag(tempo_bpm), *tags), parts=(part,))


def band(draws: Draws) -> Source:
    """Drums, bass and one instrument stay on one chord."""
    rng, tempo_bpm = draws.rng, draws.uniform(60, 180)
    drums, drum_tags = _pattern(draws, tempo_bpm)
    chord = str(rng.choice(list(CHORDS)))
    instrument = str(rng.choice([name for name in INSTRUMENTS if name != "bass"]))
    root_range = (66, 76) if instrument in ("bells", "plucked_strings") else (48, 72)
    root = int(rng.integers(*root_range))
    keys = [root + step for step in CHORDS[chord]]
    bass_key = 36 + root % 12 - 12 * int(root % 12 > 4)
    beat_s = 60 / tempo_bpm
    step_s = beat_s * float(rng.choice((0.5, 1, 2)))
    style = str(rng.choice(("stabs", "arpeggio", "chord")))
    notes = []
    for position, start_s in enumerate(np.arange(0, CLIP_S - 0.1, step_s)):
        together = [keys[position % len(keys)]] if style == "arpeggio" else keys
        end_s = min(float(start_s) + step_s * (0.3 if style == "stabs" else 0.95), CLIP_S)
        notes += [Note(float(start_s), end_s, key, int(rng.integers(70, 100))) for key in together]
    bass = [
        Note(float(start_s), min(float(start_s) + 0.8 * beat_s, CLIP_S), bass_key, 100)
        for start_s in np.arange(0, CLIP_S - 0.1, beat_s)
    ]
    programs = [int(rng.choice(INSTRUMENTS[name])) for name in (instrument, "bass")]
    pitches = pitch_tags(bass_key, *(() if programs[0] in UNTUNED else keys))
    tags = ("music", "percussion", "band", "bass", instrument, style, chord, *drum_tags, *pitches)
    melodic = (Part(tuple(notes), programs[0]), Part(tuple(bass), programs[1]))
    return Source((*tags, tempo_tag(tempo_bpm)), parts=(drums, *melodic))


def _pattern(draws: Draws, tempo_bpm: float) -> tuple[Part, tuple[str, ...]]:
    rng = draws.rng
    kit = int(rng.choice(PRETRAINING_KITS))
    name = str(rng.choice(list(PATTERNS)))
    step_s, notes = 15 / tempo_bpm, []
    high = "cymbal" if rng.random() < 0.3 else "hihat"
    for stroke, steps in zip(("kick", "snare", high), PATTERNS[name], strict=True):
        key = _stroke_key(rng, kit, stroke)
        for start_s in np.arange(0, CLIP_S, 16 * step_s):
            times_s = [float(start_s) + step * step_s for step in steps]
            notes += [
                Note(time_s, time_s + 0.1, key, int(rng.integers(80, 115)))
                for time_s in times_s
                if time_s < CLIP_S - 0.1
            ]
    return Part(tuple(notes), kit, is_drums=True), (name, "kick", "snare", high)


def _stroke_key(rng: np.random.Generator, kit: int, name: str) -> int:
    keys = (27, 29) if kit == ORCHESTRA_KIT and name == "hihat" else STROKES[name]
    return int(rng.choice(keys))
