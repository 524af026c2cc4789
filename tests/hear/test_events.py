"""Events from frames and frames from events: laws, malformed input, golden values."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import median_filter

from hear.metrics.frames import events_from_frames, filter_active, frame_targets
from tests.hear.oracle_inputs import HOP_MS, N_FRAMES, event_scores_input, load_golden

GOLDEN = load_golden("score_golden.json")
TIMES = np.arange(8) * HOP_MS


def frames(*active: int) -> np.ndarray:
    return np.array(active, np.float32)[:, None] * 0.8 + 0.1


def test_a_run_is_an_event_from_its_first_to_its_last_frame():
    events = events_from_frames(frames(0, 1, 1, 1, 0, 0, 1, 1), TIMES, ["a"], 0, 0)
    expected = [("a", 50.0, 150.0), ("a", 300.0, 350.0)]
    assert [(e["label"], e["start"], e["end"]) for e in events] == expected


def test_short_events_are_dropped_and_the_minimum_is_inclusive():
    probabilities = frames(1, 1, 0, 1, 1, 1, 0, 1)
    assert len(events_from_frames(probabilities, TIMES, ["a"], 0, 50)) == 2
    assert len(events_from_frames(probabilities, TIMES, ["a"], 0, 50.001)) == 1


def test_threshold_is_strict_and_nothing_active_gives_no_event():
    assert events_from_frames(np.full((8, 2), 0.5), TIMES, ["a", "b"], 0, 0) == []


def test_events_are_sorted_by_start_then_label_index():
    events = events_from_frames(np.ones((8, 2)), TIMES, ["z", "a"], 0, 0)
    assert [e["label"] for e in events] == ["z", "a"]


@pytest.mark.parametrize("width", [0, 1, 2, 3, 4, 5, 8, 25])
@pytest.mark.parametrize("n_frames", [1, 4, 60])
def test_filtering_activity_equals_cutting_filtered_probabilities(width, n_frames):
    probabilities = np.random.default_rng(width).random((n_frames, 3)).astype(np.float32)
    filtered = median_filter(probabilities, size=(width, 1)) if width else probabilities
    assert np.array_equal(filter_active(probabilities > 0.5, width), filtered > 0.5)


def test_targets_turn_back_into_the_events_that_made_them():
    events = [{"label": "b", "start": 50.0, "end": 150.0}, {"label": "a", "start": 200, "end": 350}]
    targets = frame_targets(events, TIMES, ["a", "b"])
    assert targets.dtype == np.float32
    assert events_from_frames(targets, TIMES, ["a", "b"], 0, 0) == events


def test_an_instant_event_covers_its_own_timestamp():
    targets = frame_targets([{"label": "a", "start": 100, "end": 100}], TIMES, ["a"])
    assert np.flatnonzero(targets).tolist() == [2]


def test_golden_frame_targets():
    golden = GOLDEN["labels_for_timestamps"]
    targets = frame_targets(golden["events"][0], np.array(golden["ts"]), ["a", "b", "c"])
    found = [["abc"[i] for i in np.flatnonzero(row)] for row in targets]
    assert found == golden["labels"][0]


@pytest.mark.parametrize("seed", [10, 11])
def test_golden_events(seed):
    _, probabilities = event_scores_input(seed)
    times, labels = np.arange(N_FRAMES) * HOP_MS, [f"lab{i}" for i in range(5)]
    golden = GOLDEN[f"events_seed{seed}"]["by_postprocessing"]
    assert len(golden) == 16
    for key, expected in golden.items():
        pair = dict(json.loads(key))
        found = {
            file: events_from_frames(
                p, times, labels, pair["median_filter_ms"], pair["min_duration"]
            )
            for file, p in probabilities.items()
        }
        events = [event for part in found.values() for event in part]
        assert len(events) == expected["n_est"]
        assert sum(e["start"] for e in events) == pytest.approx(expected["sum_start"], abs=1e-9)
        assert sum(e["end"] for e in events) == pytest.approx(expected["sum_end"], abs=1e-9)
        assert found["f0.wav"][:3] == expected["first3"]["f0.wav"]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"label": "c", "start": 0, "end": 1}, "'c' is not in the vocabulary"),
        ({"label": "a", "start": 2, "end": 1}, "start <= end"),
        ({"label": "a", "start": float("nan"), "end": 1}, "start <= end"),
    ],
)
def test_malformed_events_are_named(event, message):
    with pytest.raises(ValueError, match=message):
        frame_targets([event], TIMES, ["a", "b"])


@pytest.mark.parametrize(
    ("probabilities", "times", "message"),
    [
        (np.ones((8, 2)), TIMES, "shape"),
        (np.full((8, 1), np.nan), TIMES, "finite"),
        (np.ones((8, 1)), TIMES[::-1], "increasing"),
        (np.ones((0, 1)), TIMES[:0], "non-empty"),
    ],
)
def test_malformed_frames_are_named(probabilities, times, message):
    with pytest.raises(ValueError, match=message):
        events_from_frames(probabilities, times, ["a"], 0, 0)
