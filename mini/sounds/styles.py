"""Ten styles of popular and classical music, as rules for `mini.sounds.arranger`.

Tempo, rhythm, harmony and instruments of the styles overlap: no single rule identifies a style.
Patterns are strings of sixteen steps, a bar of four beats; a digit is the loudness of a note (1
soft, 9 loud), a point a rest. The rules follow common practice in each style.
"""

from __future__ import annotations

from dataclasses import dataclass

Chord = tuple[int, ...]  # semitones above the tonic, root first
MAJOR, MINOR, POWER = (0, 4, 7), (0, 3, 7), (0, 7, 12)
SEVENTH, MAJOR_SEVENTH, MINOR_SEVENTH = (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10)
NINTH = (0, 4, 10, 14)
STRAIGHT, SHUFFLE = 0.5, 0.67  # share of a beat before its second eighth
LONG = "7..............."  # one note or chord per bar
HALVES = "7.......6......."
BEATS = "7...6...7...6..."
EIGHTHS = "7.5.6.5.7.5.6.5."
SIXTEENTHS = "8677867786778677"
OCTAVES = "7.7.7.7.7.7.7.7."
OFF_BEATS = "..6...6...6...6."
OFF_HALVES = "..6.......6....."
BACK_BEATS = "....7.......7..."
STANDARD, ROOM, ELECTRONIC, TR_808 = 0, 8, 24, 25  # drum kits, programs of bank 128

# General MIDI percussion keys of a drum line's name.
DRUM_KEYS = {
    "kick": 36, "rim": 37, "snare": 38, "hat": 42, "open": 46, "crash": 49, "ride": 51, "shaker": 70
}  # fmt: skip


def chords(*steps: tuple[int, Chord]) -> tuple[Chord, ...]:
    """A progression, one chord per bar: (semitones from the tonic to the root, kind)."""
    return tuple(tuple(root + tone for tone in kind) for root, kind in steps)


@dataclass(frozen=True)
class Style:
    """Rules of one style: a piece uses one alternative of each tuple."""

    tempo_bpm: tuple[float, float]  # slowest, fastest
    swing: tuple[float, ...]  # share of a beat before its second eighth
    progressions: tuple[tuple[Chord, ...], ...]
    drums: tuple[dict[str, str], ...]  # drum -> pattern; empty for a piece without drums
    kits: tuple[int, ...]
    bass: tuple[int, ...]  # General MIDI programs from 0, as are `comp` and `lead`
    comp: tuple[int, ...]  # accompaniment
    lead: tuple[int, ...]  # melody
    bass_patterns: tuple[str, ...]
    comp_patterns: tuple[str, ...]
    lead_density: float  # share of eighths at which the melody has a new note


ROCK_BEAT = {"kick": "9.....7.9.......", "snare": "....9.......9...", "hat": "6.5.6.5.6.5.6.5."}
SWING_BEAT = {"ride": "7...7.5.7...7.5.", "hat": "....5.......5...", "kick": "4.......4......."}
FOUR_BEAT = {"kick": "9...9...9...9...", "snare": "....8.......8...", "open": "..7...7...7...7."}
HIPHOP_BEAT = {"kick": "9..7......9.....", "snare": "....9.......9...", "hat": "6.5.655.6.5.6.55"}
SLOW_BEAT = {"kick": "8.......8.......", "rim": "....7.......7...", "shaker": "5.4.5.4.5.4.5.4."}
TRAIN_BEAT = {"kick": "8.......8.......", "snare": "43536353435363.3"}
ONE_DROP = {"kick": "........9.......", "rim": "........8.......", "hat": "5.6.5.6.5.6.5.6."}
STEPPERS = {"kick": "8...8...8...8...", "rim": "........8.......", "hat": "5.6.5.6.5.6.5.6."}
DOUBLE_KICK = {"kick": "9898989898989898", "snare": "....9.......9...", "crash": "8..............."}

BLUES_BARS = chords((0, SEVENTH), (5, SEVENTH), (0, SEVENTH), (7, SEVENTH))
POP_BARS = chords((0, MAJOR), (7, MAJOR), (9, MINOR), (5, MAJOR))
COUNTRY_BARS = chords((0, MAJOR), (5, MAJOR), (7, MAJOR), (0, MAJOR))
CADENCE = chords((0, MAJOR), (2, MINOR), (7, SEVENTH), (0, MAJOR))
MINOR_CADENCE = chords((0, MINOR), (5, MINOR), (7, SEVENTH), (0, MINOR))
TURNAROUND = chords((2, MINOR_SEVENTH), (7, NINTH), (0, MAJOR_SEVENTH), (9, MINOR_SEVENTH))
MINOR_JAZZ = chords((0, MINOR_SEVENTH), (5, MINOR_SEVENTH), (8, MAJOR_SEVENTH), (7, SEVENTH))
VAMP = chords((0, MINOR_SEVENTH), (5, NINTH), (0, MINOR_SEVENTH), (10, MAJOR))
MINOR_BARS = chords((0, MINOR), (8, MAJOR), (3, MAJOR), (10, MAJOR))
POWER_BARS = chords((0, POWER), (3, POWER), (5, POWER), (10, POWER))
RIFF_BARS = chords((0, POWER), (1, POWER), (0, POWER), (6, POWER))

STYLES: dict[str, Style] = {  # GTZAN's ten genres (Tzanetakis and Cook 2002), sorted
    "blues": Style(
        (70, 120), (SHUFFLE,), (BLUES_BARS,), (SLOW_BEAT, SWING_BEAT), (STANDARD,),
        (32, 33), (16, 26), (22, 27), (BEATS, EIGHTHS), (BEATS, HALVES), 0.6,
    ),
    "classical": Style(
        (60, 140), (STRAIGHT,), (CADENCE, MINOR_CADENCE), ({},), (STANDARD,),
        (42, 43), (6, 46, 48, 49), (40, 60, 71, 73), (LONG, HALVES), (EIGHTHS, HALVES), 0.7,
    ),
    "country": Style(
        (90, 150), (STRAIGHT,), (COUNTRY_BARS, POP_BARS), (TRAIN_BEAT,), (STANDARD, ROOM),
        (32, 33), (24, 25, 105), (22, 25, 105), (HALVES, BEATS), (EIGHTHS, OFF_BEATS), 0.7,
    ),
    "disco": Style(
        (110, 130), (STRAIGHT,), (VAMP, MINOR_BARS), (FOUR_BEAT,), (ELECTRONIC, STANDARD),
        (33, 39), (7, 48, 50), (48, 61, 81), (OCTAVES,), (OFF_BEATS, EIGHTHS), 0.4,
    ),
    "hiphop": Style(
        (80, 105), (STRAIGHT, 0.58), (VAMP, RIFF_BARS), (HIPHOP_BEAT,), (TR_808,),
        (37, 39), (4, 5), (11, 80), ("9..7......7.....", LONG), (LONG, HALVES), 0.25,
    ),
    "jazz": Style(
        (100, 180), (SHUFFLE,), (TURNAROUND, MINOR_JAZZ), (SWING_BEAT,), (STANDARD, ROOM),
        (32, 35), (0, 1, 26), (11, 56, 64, 66), (BEATS,), ("6.....6.........", OFF_HALVES), 0.6,
    ),
    "metal": Style(
        (120, 180), (STRAIGHT,), (POWER_BARS, RIFF_BARS), (DOUBLE_KICK, ROCK_BEAT), (ROOM,),
        (33, 34), (29, 30), (29, 30), (EIGHTHS, SIXTEENTHS), (SIXTEENTHS, EIGHTHS), 0.6,
    ),
    "pop": Style(
        (95, 125), (STRAIGHT,), (POP_BARS, MINOR_BARS), (ROCK_BEAT, FOUR_BEAT),
        (ELECTRONIC, STANDARD),
        (33, 39), (2, 4, 90), (52, 53, 80), (EIGHTHS, HALVES), (LONG, BEATS), 0.5,
    ),
    "reggae": Style(
        (65, 90), (STRAIGHT, 0.58), (VAMP, POP_BARS), (ONE_DROP, STEPPERS), (STANDARD,),
        (33, 37), (16, 17, 27), (17, 57), ("7..6....7.6.....", "..7.6...7..6...."),
        (BACK_BEATS, OFF_BEATS), 0.3,
    ),
    "rock": Style(
        (95, 145), (STRAIGHT,), (POWER_BARS, POP_BARS, BLUES_BARS), (ROCK_BEAT,), (STANDARD, ROOM),
        (33, 34), (27, 29, 18), (27, 29, 18), (EIGHTHS,), (EIGHTHS, HALVES, BEATS), 0.4,
    ),
}  # fmt: skip
