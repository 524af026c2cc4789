"""Building blocks of pretraining sources: repetition, contours, and rendering in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from mini.draws import Draws
from mini.sounds.midi import Part, render_parts
from mini.sounds.synthesis import Samples, add_at, n_samples
from mini.task import SAMPLE_RATE_HZ, Audio

CLIP_S = 4.0  # chosen: two training crops of two seconds
GAP_S = 0.8  # chosen: notes of one source have died away before the next one begins
MOST_PARTS = 15  # channels of MIDI besides the drums'


def repeat(
    draws: Draws, make: Callable[[Draws], Samples], shortest_s: float, longest_s: float
) -> tuple[Samples, float]:
    """Repeat a sound through the clip, so that every crop contains it.

    `make` is called twice; the two variants alternate at random. The period is drawn between
    `shortest_s` and `longest_s`. Returns one clip, and the repetitions per second.
    """
    variants = [make(draws), make(draws)]
    variants = [variant / max(np.abs(variant).max(), 1e-9) for variant in variants]
    period_s = draws.uniform(shortest_s, longest_s)
    canvas = np.zeros(n_samples(CLIP_S))
    start_s = float(draws.rng.uniform(0, min(period_s, 0.8)))
    while start_s < CLIP_S - 0.1:
        add_at(canvas, draws.rng.uniform(0.7, 1) * variants[draws.rng.integers(2)], start_s)
        start_s += period_s * draws.rng.uniform(0.95, 1.05)
    return canvas, 1 / period_s


def curve(values: ArrayLike, length: int) -> Samples:
    """Equally spaced values, linearly interpolated to `length` samples."""
    points = np.asarray(values, float)
    return np.interp(np.linspace(0, len(points) - 1, length), np.arange(len(points)), points)


def tone(frequency_hz: Samples, rolloff: float = 0.0, n_partials: int = 1) -> Samples:
    """Harmonic tone along a contour of frequency in Hz, (n_samples,).

    Partial h has amplitude 1 / h**rolloff; partials beyond the Nyquist rate are left out.
    """
    phase = 2 * np.pi * np.cumsum(frequency_hz) / SAMPLE_RATE_HZ
    n_partials = min(n_partials, int(0.47 * SAMPLE_RATE_HZ / frequency_hz.max()))
    return sum(np.sin(h * phase) / h**rolloff for h in range(1, max(1, n_partials) + 1))


def render_batch(scores: Sequence[tuple[Part, ...]]) -> list[Audio]:
    """Render the parts of many sources with few calls: one clip each, float32 (n_samples,).

    Every call of the renderer reads the whole soundfont, which takes as long as rendering a note. A
    source is no longer than a clip and has at most one drum part.
    """
    results: list[Audio] = [np.zeros(0, np.float32)] * len(scores)
    for positions in _calls(scores):
        parts: list[Part] = []
        for place, position in enumerate(positions):
            parts += [_later(part, place * (CLIP_S + GAP_S)) for part in scores[position]]
        audio = render_parts(_merge_drums(parts), len(positions) * (CLIP_S + GAP_S))
        for place, position in enumerate(positions):
            start = n_samples(place * (CLIP_S + GAP_S))
            results[position] = audio[start : start + n_samples(CLIP_S)]
    return results


def _kit(score: tuple[Part, ...]) -> int:
    return next((part.program for part in score if part.is_drums), -1)


def _calls(scores: Sequence[tuple[Part, ...]]) -> list[list[int]]:
    """Indices of the scores to render in each call: one drum kit, at most 15 other parts."""
    calls: list[list[int]] = []
    n_parts = kit = -2
    for position in sorted(range(len(scores)), key=lambda i: _kit(scores[i])):
        n_own = sum(not part.is_drums for part in scores[position])
        if not calls or _kit(scores[position]) != kit or n_parts + n_own > MOST_PARTS:
            calls.append([])
            n_parts, kit = 0, _kit(scores[position])
        calls[-1].append(position)
        n_parts += n_own
    return calls


def _later(part: Part, delay_s: float) -> Part:
    notes = (
        replace(note, start_s=note.start_s + delay_s, end_s=note.end_s + delay_s)
        for note in part.notes
    )
    return replace(part, notes=tuple(notes))


def _merge_drums(parts: list[Part]) -> list[Part]:
    drums = [part for part in parts if part.is_drums]
    melodic = [part for part in parts if not part.is_drums]
    if drums:
        notes = tuple(note for part in drums for note in part.notes)
        melodic.append(Part(notes, drums[0].program, is_drums=True))
    return melodic
