"""Conversion between events and frames.

An event is a dict with ``label``, ``start`` and ``end``, times in ms. A clip's frames are the
rows of its timestamp embeddings, one per hop. The rules are those of ``heareval`` 2021.1.3
(``embeddings/task_embeddings.py``, ``predictions/task_predictions.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Event = Mapping[str, Any]

END_MARGIN_MS = 0.0001  # get_labels_for_timestamps: an event covers its own end
THRESHOLD = 0.5  # create_events_from_prediction: a frame is active strictly above it


def frame_targets(
    events: Sequence[Event], timestamps_ms: NDArray[np.floating], labels: Sequence[str]
) -> NDArray[np.float32]:
    """Mark, for each timestamp, the labels whose events cover it.

    ``events`` belong to one clip, timestamps (n_timestamps,) increase strictly, ``labels`` is the
    vocabulary in index order. Returns float32 (n_timestamps, n_labels): 1 where start <= timestamp
    < end + 0.0001, else 0. ValueError if timestamps do not increase, a label is not in the
    vocabulary, or an event ends before it starts.
    """
    times = _timestamps(timestamps_ms)
    index = {label: i for i, label in enumerate(labels)}
    targets = np.zeros((len(times), len(labels)), np.float32)
    for event in events:
        label, start, end = str(event["label"]), float(event["start"]), float(event["end"])
        if label not in index:
            raise ValueError(f"event label {label!r} is not in the vocabulary of {len(labels)}")
        if not start <= end:
            raise ValueError(f"event of {label!r}: expected start <= end, found {start} and {end}")
        first, last = np.searchsorted(times, (start, end + END_MARGIN_MS))
        targets[first:last, index[label]] = 1
    return targets


def events_from_frames(
    probabilities: NDArray[np.floating],
    timestamps_ms: NDArray[np.floating],
    labels: Sequence[str],
    median_filter_ms: float,
    min_duration_ms: float,
) -> list[dict[str, Any]]:
    """Turn one clip's frame probabilities into events.

    Probabilities are median-filtered along time and thresholded. Every sufficiently long run of
    consecutive active frames becomes an event from the run's first to its last timestamp.

    Parameters
    ----------
    probabilities : ndarray, shape (n_timestamps, n_labels)
    timestamps_ms : ndarray, shape (n_timestamps,)
        Strictly increasing.
    median_filter_ms : float
        Filter length; 0 for none. It spans ``round(median_filter_ms / mean hop)`` frames.
    min_duration_ms : float
        Events shorter than this (last minus first timestamp) are dropped.

    Returns
    -------
    list of dict
        ``label``, ``start``, ``end`` (ms), sorted by start, then by the label's index.

    Raises
    ------
    ValueError
        If shapes do not fit, timestamps do not increase, or a probability is not finite.

    Notes
    -----
    ``create_events_from_prediction`` filters the probabilities; here the frames are thresholded
    first and the filter counts active neighbors. The result is the same, because a median is an
    order statistic and therefore commutes with a threshold.
    """
    times = _timestamps(timestamps_ms)
    if probabilities.shape != (len(times), len(labels)):
        raise ValueError(
            f"probabilities: expected shape {(len(times), len(labels))} (timestamps, labels), "
            f"found {probabilities.shape}"
        )
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities: expected finite values, found NaN or infinity")
    width = filter_width(times, median_filter_ms)
    active = filter_active(probabilities > THRESHOLD, width)
    return events_from_active(active, times, labels, min_duration_ms)


def filter_width(timestamps_ms: NDArray[np.floating], median_filter_ms: float) -> int:
    """Return the median filter's length in frames (0: no filter), by the mean hop."""
    if not median_filter_ms or len(timestamps_ms) < 2:
        return 0
    return int(round(median_filter_ms / float(np.mean(np.diff(timestamps_ms)))))


def filter_active(active: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Median-filter activity along time as ``scipy.ndimage.median_filter`` does.

    ``active`` is (n_timestamps, n_labels), ``width`` the window in frames. An even window reaches
    one frame further back and takes the upper of the two middle values. Edges are mirrored.
    """
    if width < 2:
        return active
    before, after = width // 2, width - width // 2 - 1
    padded = np.pad(active, ((before, after), (0, 0)), mode="symmetric").astype(np.int32)
    counts = np.concatenate([np.zeros((1, active.shape[1]), np.int32), padded.cumsum(axis=0)])
    # The value at sorted place width // 2 is active if no more than that many are inactive.
    return counts[width:] - counts[:-width] >= width - width // 2


def events_from_active(
    active: NDArray[np.bool_],
    timestamps_ms: NDArray[np.floating],
    labels: Sequence[str],
    min_duration_ms: float,
) -> list[dict[str, Any]]:
    """List the runs of active frames, shape (n_timestamps, n_labels), that last long enough."""
    edges = np.zeros((len(labels), len(timestamps_ms) + 1), np.int8)
    edges[:, :-1] = active.T
    edges[:, 1:] -= active.T
    label, first = np.nonzero(edges == 1)
    last = np.nonzero(edges == -1)[1] - 1
    start, end = timestamps_ms[first], timestamps_ms[last]
    kept = np.flatnonzero(end - start >= min_duration_ms)
    order = kept[np.argsort(start[kept], kind="stable")]
    return [
        {"label": labels[label[i]], "start": float(start[i]), "end": float(end[i])} for i in order
    ]


def _timestamps(timestamps_ms: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return timestamps as float64; ValueError unless they exist and increase strictly."""
    times = np.asarray(timestamps_ms, np.float64)
    if times.ndim != 1 or len(times) == 0 or not np.isfinite(times).all():
        raise ValueError(f"timestamps: expected a non-empty row of numbers, found {times.shape}")
    if not (np.diff(times) > 0).all():
        at = int(np.flatnonzero(np.diff(times) <= 0)[0])
        raise ValueError(
            f"timestamps: expected increasing ms, found {times[at]} before {times[at + 1]}"
        )
    return times
