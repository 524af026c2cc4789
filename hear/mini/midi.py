"""Instruments: notes rendered with the General MIDI soundfont of the `pretty-midi` wheel.

The `midirenderer` wheel turns MIDI bytes and soundfont bytes into a 48 kHz stereo WAV file; the
soundfont (TimGM6mb.sf2) is found inside the installed package and never copied.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from hear.mini.task import SAMPLE_RATE_HZ, Audio, MissingSourceError

SOUNDFONT = "TimGM6mb.sf2"  # file name inside the package pretty_midi
TICKS_PER_BEAT = 5_000  # with MIDI's default of 0.5 s per beat a tick is 0.1 ms
TICKS_PER_S = 2 * TICKS_PER_BEAT
PIANO_KEYS = range(21, 109)  # A0 to C8, the 88 keys of a piano


@dataclass(frozen=True)
class Note:
    """One note: key as MIDI number, velocity 1 to 127, times in seconds."""

    start_s: float
    end_s: float
    key: int
    velocity: int


@lru_cache(maxsize=1)
def _soundfont() -> bytes:
    spec = importlib.util.find_spec("pretty_midi")
    path = Path(spec.origin).parent / SOUNDFONT if spec and spec.origin else None
    if path is None or not path.is_file():
        raise MissingSourceError(f"the wheel 'pretty-midi' with its {SOUNDFONT} is not installed")
    return path.read_bytes()


def _midi_bytes(notes: Iterable[Note], duration_s: float, program: int) -> bytes:
    import mido

    moments = []  # note-offs sort before note-ons of the same tick, so a repeated key restarts
    for note in notes:
        moments.append((round(note.start_s * TICKS_PER_S), 1, note.key, note.velocity))
        moments.append((round(note.end_s * TICKS_PER_S), 0, note.key, 0))
    track = mido.MidiTrack([mido.Message("program_change", program=program, time=0)])
    now = 0
    for tick, is_on, key, velocity in sorted(moments):
        kind = "note_on" if is_on else "note_off"
        track.append(mido.Message(kind, note=key, velocity=velocity, time=tick - now))
        now = tick
    rest = max(0, round(duration_s * TICKS_PER_S) - now)
    track.append(mido.MetaMessage("end_of_track", time=rest))
    file = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track]).save(file=file)
    return file.getvalue()


def render(notes: Iterable[Note], duration_s: float, program: int) -> Audio:
    """Render notes of one instrument.

    Parameters
    ----------
    notes : iterable of Note
        All starts and ends within [0, duration_s].
    duration_s : float
        Length of the result.
    program : int
        General MIDI program, counted from 0.

    Returns
    -------
    float32 (n_samples,)
        Mono waveform at `SAMPLE_RATE_HZ`, onsets true to a few milliseconds.

    Raises
    ------
    MissingSourceError
        If a wheel is not installed.

    Notes
    -----
    Source: General MIDI level 1 (program numbers), README of midirenderer 0.1.3 (48 kHz stereo).
    """
    try:
        import midirenderer
    except ImportError as error:
        raise MissingSourceError(f"the wheel 'midirenderer' does not load: {error}") from error
    wav = midirenderer.render_wave_from(_soundfont(), _midi_bytes(notes, duration_s, program))
    stereo, rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    mono = soxr.resample(stereo.mean(axis=1), rate_hz, SAMPLE_RATE_HZ)
    audio = np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
    n_samples = min(len(audio), len(mono))
    audio[:n_samples] = mono[:n_samples]
    return audio
