"""Selection of epoch and post-processing by the reference's rules, as pure functions.

Scores are compared as float32 because the reference's trainer (the EarlyStopping and
ModelCheckpoint callbacks of Lightning 1.9) logs them in that type.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hear.metrics.frames import THRESHOLD, events_from_active, filter_active, filter_width
from hear.metrics.registry import METRICS
from hear.protocol import Postprocessing, Protocol

Events = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class EventInfo:
    """Frames and reference events of an event task, by split.

    ``timestamps_ms`` (n_rows,) and ``files`` are the time and file of each row of features;
    ``reference`` are the reference events by file, ``{'label', 'start', 'end'}`` in ms.
    """

    timestamps_ms: Mapping[str, NDArray[np.float64]]
    files: Mapping[str, Sequence[str]]
    reference: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True)
class FileFrames:
    """The rows of one file in temporal order."""

    file: str
    rows: NDArray[np.intp]
    timestamps_ms: NDArray[np.float64]


def maximizes(protocol: Protocol, metric: str) -> bool:
    """True if validations are compared by a metric whose larger values are better, not by loss."""
    return protocol.use_scoring_for_early_stopping and METRICS[metric].maximize


class Selection:
    """Early stopping and selection of the best epoch, from one score per validation.

    Training stops after ``patience`` consecutive validations without improvement. ``best`` is the
    score of the epoch to keep; NaN is stored as the worst possible value. Only a strict improvement
    counts, so the first of equal epochs is kept. A non-finite score stops training at once; its
    epoch is kept only if it was the first.
    """

    def __init__(self, maximize: bool, patience: int) -> None:
        self._sign = 1 if maximize else -1
        self._patience = patience
        self._best_finite = -math.inf
        self._waited = 0
        self.best: float | None = None
        self.n_validations = 0
        self.stopped = False

    def update(self, score: float) -> bool:
        """Add the next validation score; return True if its epoch is the best so far."""
        value = self._sign * float(np.float32(score))
        self.n_validations += 1
        if not math.isfinite(value):
            self.stopped = True
        elif value > self._best_finite:
            self._best_finite, self._waited = value, 0
        else:
            self._waited += 1
            self.stopped = self._waited >= self._patience
        if self.best is not None and not value > self._sign * self.best:
            return False
        self.best = self._sign * (-math.inf if math.isnan(value) else value)
        return True


def frames_by_file(info: EventInfo, splits: Sequence[str]) -> list[FileFrames]:
    """Group the rows of some splits by file, in order of first appearance.

    Rows are numbered across the concatenated splits. ValueError if a file has no reference entry or
    two rows with the same timestamp.
    """
    files = np.concatenate([np.asarray(info.files[split], dtype=np.str_) for split in splits])
    times = np.concatenate([np.asarray(info.timestamps_ms[s], np.float64) for s in splits])
    if files.shape != times.shape:
        raise ValueError(f"{splits}: {len(files)} file names but {len(times)} timestamps")
    known = {file for split in splits for file in info.reference[split]}
    names, first, inverse = np.unique(files, return_index=True, return_inverse=True)
    frames = []
    for place in np.argsort(first):
        file = str(names[place])
        if file not in known:
            raise ValueError(f"{file}: its frames are in {splits}, its reference events are not")
        rows = np.flatnonzero(inverse == place)
        rows = rows[np.argsort(times[rows], kind="stable")]
        if not (np.diff(times[rows]) > 0).all():
            raise ValueError(f"{file}: expected one row per timestamp, found a timestamp twice")
        frames.append(FileFrames(file, rows, times[rows]))
    return frames


def reference_events(info: EventInfo, splits: Sequence[str]) -> Events:
    """Merge the reference events of some splits; a file may occur in one split only."""
    merged: Events = {}
    for split in splits:
        for file, events in info.reference[split].items():
            if file in merged:
                raise ValueError(f"{file}: expected in one split only, found in several: {splits}")
            merged[file] = [dict(event) for event in events]
    return merged


def events_of_files(
    probabilities: NDArray[np.float32],
    frames: Sequence[FileFrames],
    labels: Sequence[str],
    postprocessings: Sequence[Postprocessing],
) -> dict[Postprocessing, Events]:
    """Convert frame probabilities to events by file, for each post-processing.

    Probabilities are (n_rows, n_labels). Returns ``{postprocessing: {file: events}}``; files
    without events have an empty list.
    """
    found: dict[Postprocessing, Events] = {p: {} for p in postprocessings}
    active = probabilities > THRESHOLD
    for part in frames:
        for width_ms in dict.fromkeys(p.median_filter_ms for p in postprocessings):
            width = filter_width(part.timestamps_ms, width_ms)
            filtered = filter_active(active[part.rows], width)
            for p in postprocessings:
                if p.median_filter_ms == width_ms:
                    found[p][part.file] = events_from_active(
                        filtered, part.timestamps_ms, labels, p.min_duration_ms
                    )
    return found


Judge = Callable[[NDArray[np.float32]], tuple[float, Postprocessing | None]]


def clip_judge(target: NDArray[np.float32], metric: str) -> Judge:
    """Return the function that scores clip probabilities by the primary metric."""
    return lambda probabilities: (METRICS[metric].primary(target, probabilities), None)


def event_judge(
    info: EventInfo, splits: Sequence[str], metric: str, labels: Sequence[str], protocol: Protocol
) -> Judge:
    """Return the function that scores frame probabilities and selects the post-processing.

    The reference sorts ``(score, postprocessing)`` in descending order: NaN counts as 0, among
    equal scores the larger post-processing wins, and the highest score wins even if lower is
    better. The winner's score is returned unchanged, including NaN.
    """
    frames, reference = frames_by_file(info, splits), reference_events(info, splits)
    postprocessings = protocol.postprocessings()

    def judge(probabilities: NDArray[np.float32]) -> tuple[float, Postprocessing]:
        found = events_of_files(probabilities, frames, labels, postprocessings)
        scores = {p: METRICS[metric].primary(reference, e, labels) for p, e in found.items()}
        best = max(scores, key=lambda p: (0.0 if math.isnan(scores[p]) else scores[p], p))
        return scores[best], best

    return judge
