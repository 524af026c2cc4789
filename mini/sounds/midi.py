"""Instruments: notes rendered with the General MIDI soundfont of the `pretty-midi` wheel.

The `midirenderer` wheel turns MIDI bytes and soundfont bytes into a 48 kHz stereo WAV file; the
soundfont (TimGM6mb.sf2) is found inside the installed package and never copied.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from mini.sounds.synthesis import add_at, n_samples
from mini.task import SAMPLE_RATE_HZ, Audio, MiniTaskError, MissingSourceError

SOUNDFONT = "TimGM6mb.sf2"  # file name inside the package pretty_midi
TICKS_PER_BEAT = 5_000  # with MIDI's default of 0.5 s per beat a tick is 0.1 ms
TICKS_PER_S = 2 * TICKS_PER_BEAT
N_CHANNELS = 16  # MIDI 1.0
DRUM_CHANNEL = 9  # General MIDI level 1: channel 10, counted from 1
PIANO_KEYS = range(21, 109)  # A0 to C8, the 88 keys of a piano


@dataclass(frozen=True)
class Note:
    """One note: key as MIDI number, velocity 1 to 127, times in seconds."""

    start_s: float
    end_s: float
    key: int
    velocity: int


@dataclass(frozen=True)
class Part:
    """Notes of one instrument: General MIDI program from 0, or drum kit and its percussion keys."""

    notes: tuple[Note, ...]
    program: int
    is_drums: bool = False


@lru_cache(maxsize=1)
def _soundfont() -> bytes:
    spec = importlib.util.find_spec("pretty_midi")
    path = Path(spec.origin).parent / SOUNDFONT if spec and spec.origin else None
    if path is None or not path.is_file():
        raise MissingSourceError(f"the wheel 'pretty-midi' with its {SOUNDFONT} is not installed")
    return path.read_bytes()


def _midi_bytes(parts: Sequence[Part], duration_s: float) -> bytes:
    import mido

    track, moments = mido.MidiTrack(), []
    melodic = iter(channel for channel in range(N_CHANNELS) if channel != DRUM_CHANNEL)
    for part in parts:
        channel = DRUM_CHANNEL if part.is_drums else next(melodic)
        track.append(mido.Message("program_change", channel=channel, program=part.program))
        for note in part.notes:
            start, end = (round(time_s * TICKS_PER_S) for time_s in (note.start_s, note.end_s))
            moments.append((start, 1, channel, note.key, note.velocity))
            moments.append((end, 0, channel, note.key, 0))
    now = 0  # note-offs sort before note-ons of the same tick, so a repeated key restarts
    for tick, is_on, channel, key, velocity in sorted(moments):
        kind, wait = "note_on" if is_on else "note_off", tick - now
        track.append(mido.Message(kind, channel=channel, note=key, velocity=velocity, time=wait))
        now = tick
    rest = max(0, round(duration_s * TICKS_PER_S) - now)
    track.append(mido.MetaMessage("end_of_track", time=rest))
    file = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track]).save(file=file)
    return file.getvalue()


def render(notes: Iterable[Note], duration_s: float, program: int) -> Audio:
    """Render notes of one instrument, a General MIDI program from 0; see `render_parts`."""
    return render_parts([Part(tuple(notes), program)], duration_s)


def render_parts(parts: Sequence[Part], duration_s: float) -> Audio:
    """Render several instruments playing together (README of midirenderer 0.1.3: 48 kHz stereo).

    Returns float32 (n_samples,), mono, with onsets accurate to a few milliseconds; all notes must
    be within [0, duration_s]. `MiniTaskError` for more than 15 instruments besides the drums,
    `MissingSourceError` if a wheel is not installed.
    """
    n_melodic = sum(not part.is_drums for part in parts)
    if n_melodic >= N_CHANNELS:
        raise MiniTaskError(f"expected at most 15 instruments besides drums, found {n_melodic}")
    try:
        import midirenderer
    except ImportError as error:
        raise MissingSourceError(f"the wheel 'midirenderer' does not load: {error}") from error
    wav = midirenderer.render_wave_from(_soundfont(), _midi_bytes(parts, duration_s))
    stereo, rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    mono = soxr.resample(stereo.mean(axis=1), rate_hz, SAMPLE_RATE_HZ)
    audio = np.zeros(n_samples(duration_s), np.float32)
    add_at(audio, mono, 0)
    return audio
