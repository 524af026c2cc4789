"""Event-based and segment-based scores, equal to sed_eval's but without its loops.

Reference and estimated events are given per file: ``{file: [{'label', 'start', 'end'}, ...]}``,
times in ms. As in ``heareval`` 2021.1.3 (``score.py``, SoundEventScore), only the files of the
*estimate* are evaluated: a reference file without an entry there is ignored; with an empty entry,
its events count as missed. Counts are summed over files before ratios are taken.

sed_eval (Mesaros, Heittola, Virtanen: Metrics for Polyphonic Sound Event Detection, Applied
Sciences 6(6), 2016) computes in seconds; tolerances are compared on the same floats here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hear.metrics.metric import Metric, Weights

EventsByFile = Mapping[str, Sequence[Mapping[str, Any]]]

SEARCH_MARGIN_S = 1e-3  # far above the rounding of a shifted time, far below any tolerance
EPS = np.spacing(1)  # sed_eval.metric adds it to the denominators of rates


class EventTable(NamedTuple):
    """Events as columns, one row per event, files and labels as indices, times in seconds."""

    file: NDArray[np.intp]
    label: NDArray[np.intp]
    onset_s: NDArray[np.float64]
    offset_s: NDArray[np.float64]


def segment_error_rate(
    reference_events: EventsByFile, estimated_events: EventsByFile, labels: Sequence[str]
) -> dict[str, float]:
    """Return substitutions, deletions and insertions per active reference label and second.

    ``error_rate`` is 0 at best and may exceed 1; it is extremely large if estimated labels are
    active and no reference label is (sed_eval's denominator is then its epsilon). ValueError for
    malformed events (see `tabulate`).
    """
    reference, estimated = tabulate(reference_events, estimated_events, labels)
    last = max(np.max(table.offset_s, initial=0) for table in (reference, estimated))
    n_segments = int(np.ceil(last)) + 1
    active, found = (
        _active_segments(table, n_segments, len(labels)) for table in (reference, estimated)
    )
    segments = np.unique(np.concatenate([active, found]) // len(labels))

    def count(cells: NDArray[np.intp]) -> NDArray[np.intp]:
        places = np.searchsorted(segments, cells // len(labels))
        return np.bincount(places, minlength=len(segments))

    n_reference, n_estimated = count(active), count(found)
    n_correct = count(np.intersect1d(active, found, assume_unique=True))
    substitutions = (np.minimum(n_reference, n_estimated) - n_correct).sum()
    deletions = np.maximum(0, n_reference - n_estimated).sum()
    insertions = np.maximum(0, n_estimated - n_reference).sum()
    denominator = float(n_reference.sum()) + EPS
    rates = [float(n) / denominator for n in (substitutions, deletions, insertions)]
    return {"error_rate": float(rates[0] + rates[1] + rates[2])}


def tabulate(
    reference_events: EventsByFile, estimated_events: EventsByFile, labels: Sequence[str]
) -> tuple[EventTable, EventTable]:
    """Check and tabulate the events of the estimate's files, reference first.

    ValueError, naming the file, if an argument is not a mapping, the estimate has no file, an event
    lacks a key, its label is not in the vocabulary, a time is not a finite number, or the event
    ends before it starts.
    """
    both = {"reference": reference_events, "estimated": estimated_events}
    for what, events in both.items():
        if not isinstance(events, Mapping):
            raise ValueError(
                f"{what} events: expected a mapping from file to events, "
                f"found {type(events).__name__}"
            )
    if not estimated_events:
        raise ValueError("estimated events: expected at least one file, found none")
    reference, estimated = (
        _table(events, list(estimated_events), labels, what) for what, events in both.items()
    )
    return reference, estimated


def _table(
    events: EventsByFile, files: Sequence[str], labels: Sequence[str], what: str
) -> EventTable:
    index = {label: i for i, label in enumerate(labels)}
    rows: list[tuple[int, int, float, float]] = []
    for number, file in enumerate(files):
        for event in events.get(file, ()):
            try:
                label, start, end = str(event["label"]), float(event["start"]), float(event["end"])
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{what} events, {file}: expected label, start, end in ms, found {event!r}"
                ) from error
            if label not in index:
                raise ValueError(f"{what} events, {file}: label {label!r} is not in the vocabulary")
            if not -np.inf < start <= end < np.inf:
                raise ValueError(
                    f"{what} events, {file}: expected finite start <= end, found {start}, {end}"
                )
            rows.append((number, index[label], start, end))
    columns = np.array(rows, np.float64).reshape(-1, 4)
    places = columns[:, :2].astype(np.intp)
    return EventTable(places[:, 0], places[:, 1], columns[:, 2] / 1000.0, columns[:, 3] / 1000.0)


@dataclass(frozen=True)
class FMeasure:
    """Event F-measure: an event matches by label, onset and, optionally, offset.

    Parameters
    ----------
    t_collar_s : float
        Onset tolerance, and offset tolerance of short events, in seconds.
    percentage_of_length : float, optional
        Offset tolerance as a fraction (0 to 1) of the reference event's length, if that is larger
        than ``t_collar_s``; None if offsets are not compared.

    Notes
    -----
    Called with ``(reference_events, estimated_events, labels)``, it returns ``f_measure, precision,
    recall``. Precision and F-measure are NaN without estimated events, recall without reference
    events. ValueError for malformed events (see `tabulate`).
    """

    t_collar_s: float
    percentage_of_length: float | None = None

    def __call__(
        self, reference_events: EventsByFile, estimated_events: EventsByFile, labels: Sequence[str]
    ) -> dict[str, float]:
        """Return ``f_measure, precision, recall`` over all files."""
        counts = self.counts(reference_events, estimated_events, labels).sum(axis=0)
        names = ("f_measure", "precision", "recall")
        return dict(zip(names, map(float, f_measure_of_counts(counts)), strict=True))

    def weighted(
        self,
        reference_events: EventsByFile,
        estimated_events: EventsByFile,
        labels: Sequence[str],
        weights: Weights,
    ) -> NDArray[np.float64]:
        """Return the F-measure of each replicate of the files, shape (n_replicates,).

        Weights (n_replicates, n_files) are in the order of the estimate's files.
        """
        counts = self.counts(reference_events, estimated_events, labels)
        return f_measure_of_counts(weights.astype(np.float64) @ counts)[0]

    def counts(
        self,
        reference_events: EventsByFile,
        estimated_events: EventsByFile,
        labels: Sequence[str],
        by: str = "file",
    ) -> NDArray[np.intp]:
        """Count matched, reference and estimated events of each file of the estimate.

        Returns int (n_files, 3), or (n_labels, 3) with ``by="label"``. Events of different files or
        labels never match, so the F-measure of any subset of files or labels follows from its
        summed counts (see `f_measure_of_counts`).
        """
        reference, estimated = tabulate(reference_events, estimated_events, labels)
        left, right = _candidates(reference, estimated, len(labels), self.t_collar_s)
        if self.percentage_of_length is not None:
            length = reference.offset_s[left] - reference.onset_s[left]
            tolerance = np.maximum(self.t_collar_s, self.percentage_of_length * length)
            kept = np.abs(reference.offset_s[left] - estimated.offset_s[right]) <= tolerance
            left, right = left[kept], right[kept]
        matched = _largest_matching(left, right, len(reference.file), len(estimated.file))
        of_reference, of_estimate = getattr(reference, by), getattr(estimated, by)
        n = {"file": len(estimated_events), "label": len(labels)}[by]
        groups = (of_reference[matched], of_reference, of_estimate)
        return np.stack([np.bincount(group, minlength=n) for group in groups], axis=1)


def f_measure_of_counts(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Return F-measure, precision and recall, shape (3, ...), from event counts.

    ``counts`` (..., 3) are matched, reference and estimated events. NaN as in `FMeasure`; the
    F-measure is 0 if precision and recall are.
    """
    n_matched, n_reference, n_estimated = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN on purpose
        precision, recall = n_matched / n_estimated, n_matched / n_reference
        f_measure = 2.0 * precision * recall / (precision + recall)
    f_measure = np.where((precision == 0) & (recall == 0), 0.0, f_measure)
    return np.stack([f_measure, precision, recall])


def _candidates(
    reference: EventTable, estimated: EventTable, n_labels: int, t_collar_s: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return all (reference, estimated) pairs of equal file and label with onsets close enough.

    The onsets of all files and labels are placed on one axis, so that one sorted search finds the
    neighbors of all events; the exact comparison follows.
    """
    if len(reference.file) == 0 or len(estimated.file) == 0:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    groups = [table.file * n_labels + table.label for table in (reference, estimated)]
    onsets = np.concatenate([reference.onset_s, estimated.onset_s])
    length = np.ptp(onsets) + 2 * t_collar_s + 1  # neighbors in time are never of two groups
    places = [g * length + t.onset_s for g, t in zip(groups, (reference, estimated), strict=True)]
    order = np.argsort(places[1], kind="stable")
    reach = t_collar_s + SEARCH_MARGIN_S
    first = np.searchsorted(places[1][order], places[0] - reach)
    counts = np.searchsorted(places[1][order], places[0] + reach, "right") - first
    left = np.repeat(np.arange(len(counts)), counts)
    right = order[_ranges(first, counts)]
    near = np.abs(reference.onset_s[left] - estimated.onset_s[right]) <= t_collar_s
    kept = near & (groups[0][left] == groups[1][right])
    return left[kept], right[kept]


def _largest_matching(
    left: NDArray[np.intp], right: NDArray[np.intp], n_left: int, n_right: int
) -> NDArray[np.intp]:
    """Maximum matching: as many pairs as possible without reusing an event; returns left ends."""
    if len(left) == 0:
        return np.zeros(0, np.intp)
    # Here, not at the top: importing them takes long, which most jobs would spend in vain.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    graph = csr_array((np.ones(len(left), bool), (left, right)), shape=(n_left, n_right))
    return np.flatnonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0)


def _active_segments(events: EventTable, n_segments: int, n_labels: int) -> NDArray[np.intp]:
    """Return the sorted codes of (file, second, label) in which the events are active.

    A file ends with its last offset. A negative onset counts from that end, because sed_eval slices
    a NumPy array with it.
    """
    if len(events.file) == 0:
        return np.zeros(0, np.intp)
    last_offset = np.zeros(events.file.max() + 1)
    np.maximum.at(last_offset, events.file, events.offset_s)
    roll_length = np.ceil(last_offset).astype(np.intp)[events.file]
    bounds = [np.floor(events.onset_s).astype(np.intp), np.ceil(events.offset_s).astype(np.intp)]
    first, end = (np.where(b < 0, np.maximum(b + roll_length, 0), b) for b in bounds)
    counts = np.maximum(end - first, 0)
    rows = np.repeat(np.arange(len(counts)), counts)
    segment = events.file[rows] * n_segments + _ranges(first, counts)
    return np.unique(segment * n_labels + events.label[rows])


def _ranges(first: NDArray[np.intp], counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Concatenate ``arange(first, first + count)`` of every row."""
    starts = np.cumsum(counts) - counts
    return np.repeat(first - starts, counts) + np.arange(counts.sum())


def _f_measure(
    slug: str, label: str, t_collar_s: float, percentage_of_length: float | None = None
) -> Metric:
    """Record of an F-measure, which counts as 0 if no event was estimated.

    The HEAR 2021 leaderboard shows 0, not a gap, for an entry without any correct event (PANNs on
    DCASE 2016 Task 2 and on MAESTRO). There is no chance level: without predicted events, the
    F-measure is undefined, and random events score near 0.
    """
    measure = FMeasure(t_collar_s, percentage_of_length)
    return Metric(slug, label, "event", measure, measure.weighted, missing_score=0.0)


# Tolerances: score.py, t_collar and percentage_of_length
METRICS = (
    _f_measure("event_onset_200ms_fms", "Onset F-measure (200 ms)", 0.2),
    _f_measure("event_onset_50ms_fms", "Onset F-measure (50 ms)", 0.05),
    _f_measure(
        "event_onset_offset_50ms_20perc_fms", "Onset-offset F-measure (50 ms, 20 %)", 0.05, 0.2
    ),
    Metric(
        "segment_1s_er",
        "Segment error rate (1 s)",
        "event",
        segment_error_rate,
        maximize=False,
        upper=np.inf,
    ),
)
