"""Pieces of music: bass, accompaniment, melody and drums by the rules of a `Style`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from mini.sounds.midi import Note, Part
from mini.sounds.styles import DRUM_KEYS, Chord, Style

T = TypeVar("T")
STEPS_PER_BEAT, STEPS_PER_BAR = 4, 16
VELOCITY_PER_DIGIT = 13  # digits 1 to 9 of a pattern become velocities 13 to 117
BASS_FROM = 33  # chosen: lowest MIDI key of the bass, an octave up from there
COMP_FROM, COMP_TO = 52, 60  # chosen: where the accompaniment's octave begins
LEAD_FROM, LEAD_TO = 64, 88  # chosen: keys of the melody
STROKE_SHARE = 0.92  # chosen: share of a beat's strokes that are played
SHORTEST_NOTE_S = 0.06  # chosen: shorter notes are clicks in the soundfont
PART_SHARE = 0.9  # chosen: share of pieces in which a part plays
FADERS = (0.7, 1.0)  # chosen: loudness of a part in the mix, relative


class _Clock:
    """Times of the steps of a piece that begins somewhere in its first bar."""

    def __init__(self, rng: np.random.Generator, style: Style, duration_s: float) -> None:
        self.step_s = 60 / rng.uniform(*style.tempo_bpm) / STEPS_PER_BEAT
        self.swing = rng.choice(style.swing)
        self.first = int(rng.integers(STEPS_PER_BAR))
        self.duration_s = duration_s
        self.n_steps = int(duration_s / self.step_s) + 1

    def time_s(self, step: int) -> float:
        """Start of a step, counted from the clip's first; the second eighth may come late."""
        beat, part = divmod(step + self.first, STEPS_PER_BEAT)
        half = STEPS_PER_BEAT // 2
        early, late = min(part, half) / half, max(part - half, 0) / half
        beats = beat + early * self.swing + late * (1 - self.swing)
        return (beats - self.first / STEPS_PER_BEAT) * STEPS_PER_BEAT * self.step_s

    def hits(self, pattern: str) -> list[tuple[int, float, float, int]]:
        """Notes of a pattern: (bar, start, end, velocity); each lasts until the next one."""
        places = [(self.first + step) % STEPS_PER_BAR for step in range(self.n_steps)]
        steps = [step for step, place in enumerate(places) if pattern[place] != "."]
        notes = []
        for step, following in zip(steps, [*steps, self.n_steps][1:], strict=True):
            start_s = max(self.time_s(step), 0.0)
            end_s = min(self.time_s(following), self.duration_s)
            if end_s - start_s >= SHORTEST_NOTE_S / 2:  # sixteenths of the fastest piece stay
                velocity = VELOCITY_PER_DIGIT * int(pattern[places[step]])
                notes.append(((self.first + step) // STEPS_PER_BAR, start_s, end_s, velocity))
        return notes


def arrange(rng: np.random.Generator, style: Style, duration_s: float) -> list[Part]:
    """Invent a piece in a style: at least two instruments that play until the end."""
    clock = _Clock(rng, style, duration_s)
    progression = _pick(rng, style.progressions)
    turn, tonic = int(rng.integers(len(progression))), int(rng.integers(12))
    bars = [
        tuple(tonic + tone for tone in progression[(turn + bar) % len(progression)])
        for bar in range(2 + clock.n_steps // STEPS_PER_BAR)
    ]
    makers = [_bass, _accompaniment, _melody]
    absent = rng.integers(len(makers)) if rng.random() > PART_SHARE else None
    parts = [make(rng, style, clock, bars) for n, make in enumerate(makers) if n != absent]
    drums = _pick(rng, style.drums)
    if drums and rng.random() < PART_SHARE:
        parts.append(_drums(rng, drums, _pick(rng, style.kits), clock))
    return [_with_fader(part, rng.uniform(*FADERS)) for part in parts]


def _bass(rng: np.random.Generator, style: Style, clock: _Clock, bars: list[Chord]) -> Part:
    """The chord's root, now and then another of its tones."""
    pattern = _pick(rng, style.bass_patterns)
    notes = []
    for bar, start_s, end_s, velocity in clock.hits(pattern):
        tone = bars[bar][0] if rng.random() < 0.7 else bars[bar][rng.integers(3)]
        key = BASS_FROM + (tone - BASS_FROM) % 12
        notes.append(Note(start_s, _held(start_s, end_s, rng), key, velocity))
    return Part(tuple(notes), _pick(rng, style.bass))


def _accompaniment(
    rng: np.random.Generator, style: Style, clock: _Clock, bars: list[Chord]
) -> Part:
    """Chords, together or (in some pieces) broken."""
    pattern, broken = _pick(rng, style.comp_patterns), rng.random() < 0.25
    lowest = int(rng.integers(COMP_FROM, COMP_TO))
    notes = []
    for count, (bar, start_s, end_s, velocity) in enumerate(clock.hits(pattern)):
        tones, stop_s = bars[bar], _held(start_s, end_s, rng)
        if broken:
            tones = (tones[count % len(tones)],)
        keys = {lowest + (tone - lowest) % 12 for tone in tones}
        notes += [Note(start_s, stop_s, key, velocity) for key in sorted(keys)]
    return Part(tuple(notes), _pick(rng, style.comp))


def _melody(rng: np.random.Generator, style: Style, clock: _Clock, bars: list[Chord]) -> Part:
    """Chord tones and their neighbors on random eighths."""
    eighths = ["6" if rng.random() < style.lead_density else "." for _ in range(8)]
    eighths[0] = "7"
    key = int(rng.integers(LEAD_FROM, LEAD_TO - 6))
    notes = []
    for bar, start_s, end_s, velocity in clock.hits(".".join(eighths) + "."):
        near = [k for k in range(LEAD_FROM, LEAD_TO) if abs(k - key) < 7]
        inside = [k for k in near if k % 12 in {tone % 12 for tone in bars[bar]}]
        key = _pick(rng, inside) if rng.random() < 0.75 else _pick(rng, near)
        notes.append(Note(start_s, _held(start_s, end_s, rng), key, velocity))
    return Part(tuple(notes), _pick(rng, style.lead))


def _drums(rng: np.random.Generator, lines: dict[str, str], kit: int, clock: _Clock) -> Part:
    """A beat, of which single strokes are left out."""
    notes = []
    for name, pattern in lines.items():
        for _, start_s, _, velocity in clock.hits(pattern):
            if rng.random() < STROKE_SHARE:
                end_s = min(start_s + SHORTEST_NOTE_S, clock.duration_s)
                notes.append(Note(start_s, end_s, DRUM_KEYS[name], velocity))
    return Part(tuple(notes), kit, is_drums=True)


def _held(start_s: float, end_s: float, rng: np.random.Generator) -> float:
    """End of a note that leaves a gap before the next one."""
    return start_s + (end_s - start_s) * rng.uniform(0.6, 0.97)


def _with_fader(part: Part, loudness: float) -> Part:
    notes = (replace(note, velocity=max(1, round(loudness * note.velocity))) for note in part.notes)
    return replace(part, notes=tuple(notes))


def _pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]
