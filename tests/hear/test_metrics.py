"""Metrics: laws (perfect, wrong, chance, order), malformed input, golden values of heareval."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from hear.metrics import accuracy, curves, events
from hear.metrics.curves import average_precision, roc_area
from hear.metrics.frames import events_from_frames
from hear.metrics.metric import Metric, MetricError
from hear.metrics.registry import METRICS
from tests.hear.oracle_inputs import (
    HOP_MS,
    N_FRAMES,
    clip_scores_input,
    event_scores_input,
    load_golden,
)

GOLDEN = load_golden("score_golden.json")
CLIP = [slug for slug, metric in METRICS.items() if metric.kind == "clip"]
EVENT = [slug for slug, metric in METRICS.items() if metric.kind == "event"]
LABELS = [f"lab{i}" for i in range(5)]
CLIP_CASES = {
    "multiclass24": (1, 300, 24, False),
    "multilabel12": (2, 250, 12, True),
    "binary": (3, 80, 2, False),
    "multilabel_missing_class": (4, 20, 12, True),
}


def one(start: float, end: float, label: str = "lab0") -> dict:
    return {"label": label, "start": start, "end": end}


def test_records_are_complete_and_their_slugs_unique():
    records = [metric for family in (accuracy, curves, events) for metric in family.METRICS]
    assert list(METRICS.values()) == records
    assert all(metric.label and metric.kind in ("clip", "event") for metric in records)
    assert [slug for slug in METRICS if not METRICS[slug].maximize] == ["segment_1s_er"]


@pytest.mark.parametrize("slug", CLIP)
def test_perfect_clips(slug):
    target = np.eye(6)[np.arange(30) % 6]
    assert METRICS[slug].primary(target, target) == (math.inf if slug == "d_prime" else 1)


@pytest.mark.parametrize("slug", CLIP)
def test_all_wrong_clips(slug):
    target = np.eye(2)[np.arange(30) % 2]
    worst = {"mAP": 0.5, "d_prime": -math.inf}.get(slug, 0)  # half of all clips have each label
    assert METRICS[slug].primary(target, 1 - target) == worst


def test_a_metric_without_a_twin_or_a_chance_level_says_so_when_asked():
    half = Metric("half", "Half", "clip", lambda target, prediction: 0.5)
    assert half.primary(None, None) == 0.5
    with pytest.raises(MetricError, match="metric half: expected a weighted function"):
        half.bootstrap(None, None, weights=np.ones((1, 2), np.float32))
    with pytest.raises(MetricError, match="metric half: expected a chance level"):
        half.chance_level(np.array([1, 1]), 2)


@pytest.mark.parametrize("slug", METRICS)
def test_facts_are_plain_and_hold_in_strict_json(slug):
    facts, metric = METRICS[slug].facts(), METRICS[slug]
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert (float(facts["lower"]), float(facts["upper"])) == (metric.lower, metric.upper)
    assert facts["label"] == metric.label and facts["missing_score"] == metric.missing_score


@pytest.mark.parametrize("slug", CLIP)
def test_chance_levels_are_those_of_random_and_constant_predictions(slug):
    rng = np.random.default_rng(0)
    target = np.eye(24, dtype=np.float32)[rng.integers(0, 24, 20000) % 17]
    counts = target.sum(axis=0).astype(int)
    chroma = slug == "chroma_acc"
    by_answer = np.bincount(np.arange(24) % 12, weights=counts) if chroma else counts
    constant = np.zeros_like(target)
    constant[:, np.argmax(by_answer)] = 1
    ignorant = constant if slug.endswith("_acc") else rng.random(target.shape)
    carried = counts > 0 if slug in ("aucroc", "d_prime") else slice(None)
    found = METRICS[slug].primary(target[:, carried], ignorant[:, carried])
    assert METRICS[slug].chance_level(counts, len(target)) == pytest.approx(found, abs=0.02)


@pytest.mark.parametrize("slug", CLIP)
def test_order_of_clips_does_not_matter(slug):
    target, prediction = clip_scores_input(2, 250, 12, True)
    order = np.random.default_rng(5).permutation(len(target))
    shuffled = METRICS[slug].primary(target[order], prediction[order])
    assert shuffled == pytest.approx(METRICS[slug].primary(target, prediction), abs=1e-12)


def test_the_first_of_equal_predictions_counts_and_octaves_are_forgiven():
    assert METRICS["top1_acc"].primary(np.eye(2), np.full((2, 2), 0.5)) == 0.5
    target, octave_off = np.eye(24)[:12], np.roll(np.eye(24), 12, axis=1)[:12]
    assert METRICS["pitch_acc"].primary(target, octave_off) == 0
    assert METRICS["chroma_acc"].primary(target, octave_off) == 1


@pytest.mark.parametrize("case", CLIP_CASES)
@pytest.mark.parametrize("slug", CLIP)
def test_golden_clips(case, slug):
    target, prediction = clip_scores_input(*CLIP_CASES[case])
    if case == "multilabel_missing_class":
        target[:, 0] = 0
    expected = GOLDEN[case][slug]
    value = METRICS[slug].primary(target, prediction)
    assert math.isnan(value) if expected is None else value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("slug", CLIP)
@pytest.mark.parametrize(
    ("target", "prediction", "message"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), "at least one"),
        (np.eye(2), np.eye(3), "differ in shape"),
        (np.eye(2), np.ones(2), "expected an array"),
        (np.eye(2), [[0, 1], [1, 0]], "expected an array"),
        (np.eye(2), np.array([[0.5, np.nan], [0, 1]]), "row 0"),
        (2 * np.eye(2), np.eye(2), "0 or 1"),
        (np.eye(2), np.array([["a", "b"], ["c", "d"]]), "dtype"),
    ],
)
def test_malformed_clips_are_named(slug, target, prediction, message):
    with pytest.raises(ValueError, match=message):
        METRICS[slug].function(target, prediction)


@pytest.mark.parametrize("slug", EVENT)
def test_perfect_and_all_wrong_events(slug):
    reference, _ = event_scores_input(12)
    late = {f: [one(e["start"] + 5e4, e["end"] + 5e4) for e in v] for f, v in reference.items()}
    best, worst = (1, 0) if METRICS[slug].maximize else (0, 1)
    assert METRICS[slug].primary(reference, reference, LABELS) == best
    if METRICS[slug].maximize:
        assert METRICS[slug].primary(reference, late, LABELS) == worst
    else:
        assert METRICS[slug].primary(reference, late, LABELS) > worst


@pytest.mark.parametrize("slug", EVENT)
def test_order_of_events_does_not_matter(slug):
    reference, _ = event_scores_input(10)
    shift = np.random.default_rng(0).uniform(-300, 300, 1000).tolist()
    estimated = {
        file: [one(e["start"] + shift.pop(), e["end"] + 400, e["label"]) for e in events]
        for file, events in reference.items()
    }
    backward = {file: events[::-1] for file, events in reversed(list(estimated.items()))}
    straight = METRICS[slug].function(reference, estimated, LABELS)
    assert straight == METRICS[slug].function(reference, backward, LABELS)


def test_each_event_is_used_once_and_the_matching_is_the_largest():
    slug = "event_onset_200ms_fms"
    twice = {"f": [one(0, 500), one(50, 500)]}
    assert METRICS[slug].function({"f": [one(0, 500)]}, twice, LABELS) == {
        "f_measure": pytest.approx(2 / 3),
        "precision": 0.5,
        "recall": 1.0,
    }
    # The first reference event could take either estimate; only one choice leaves both matched.
    reference, estimated = [one(200, 500), one(0, 500)], [one(100, 500), one(350, 500)]
    assert METRICS[slug].primary({"f": reference}, {"f": estimated}, LABELS) == 1


def test_offset_tolerance_grows_with_the_reference_length():
    slug = "event_onset_offset_50ms_20perc_fms"
    assert METRICS[slug].primary({"f": [one(0, 1000)]}, {"f": [one(0, 1200)]}, LABELS) == 1
    assert METRICS[slug].primary({"f": [one(0, 1000)]}, {"f": [one(0, 1201)]}, LABELS) == 0
    assert METRICS[slug].primary({"f": [one(0, 100)]}, {"f": [one(0, 150)]}, LABELS) == 1


def test_only_the_files_of_the_estimate_count():
    reference = {"f": [one(0, 500)], "g": [one(0, 500)]}
    assert METRICS["event_onset_200ms_fms"].primary(reference, {"f": [one(0, 9)]}, LABELS) == 1


@pytest.mark.parametrize("seed", [10, 11])
def test_golden_events(seed):
    reference, probabilities = event_scores_input(seed)
    times = np.arange(N_FRAMES) * HOP_MS
    golden = GOLDEN[f"events_seed{seed}"]["by_postprocessing"]
    assert len(golden) == 16
    for key, expected in golden.items():
        pair = dict(json.loads(key))
        estimated = {
            file: events_from_frames(
                p, times, LABELS, pair["median_filter_ms"], pair["min_duration"]
            )
            for file, p in probabilities.items()
        }
        for slug in EVENT:
            found = METRICS[slug].function(reference, estimated, LABELS)
            assert found == pytest.approx(expected[slug], abs=1e-9)


@pytest.mark.parametrize("slug", [s for s in EVENT if s != "event_onset_50ms_fms"])
def test_golden_edge_cases(slug):
    reference, _ = event_scores_input(12)
    cases = {
        "no_estimates": (reference, {file: [] for file in reference}),
        "perfect": (reference, reference),
        "one_file_without_reference": ({**reference, "f0.wav": []}, reference),
        "one_file_without_estimates": (reference, {**reference, "f1.wav": []}),
    }
    for case, (known, estimated) in cases.items():
        expected = {
            k: math.nan if v is None else v for k, v in GOLDEN[f"edge_{case}"][slug].items()
        }
        found = METRICS[slug].function(known, estimated, LABELS)
        assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("slug", EVENT)
@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([one(5, 4)], "start <= end"),
        ([one(0, math.inf)], "finite"),
        ([one(0, 1, "lab9")], "'lab9' is not in the vocabulary"),
        ([{"label": "lab0", "start": 0}], "expected label, start, end"),
    ],
)
def test_malformed_events_are_named(slug, events, message):
    with pytest.raises(ValueError, match=f"f1.wav.*{message}"):
        METRICS[slug].function({"f1.wav": events}, {"f1.wav": []}, LABELS)


@pytest.mark.parametrize("slug", EVENT)
def test_an_estimate_without_files_is_an_error(slug):
    with pytest.raises(ValueError, match="at least one file"):
        METRICS[slug].function({"f": []}, {}, LABELS)
    with pytest.raises(ValueError, match="expected a mapping"):
        METRICS[slug].function([], {"f": []}, LABELS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_values", [2, 5, 1000])  # with ties, and without
@pytest.mark.parametrize("n_clips", [2, 3, 30, 999])
def test_ranking_is_scikit_learn_s_to_the_last_bit(n_clips, n_values, dtype):
    """On scikit-learn 1.9, as pinned; labels that no clip, one clip and all clips carry too."""
    rng = np.random.default_rng(n_clips + n_values)
    value = (rng.integers(0, n_values, (n_clips, 9)) / n_values).astype(dtype)
    true = rng.random((n_clips, 9)) < np.linspace(0.05, 0.95, 9)
    true[:, 0], true[:, 1], true[:, 2] = False, True, np.arange(n_clips) == 1
    for carried, column in zip(true.T, value.T, strict=True):
        if carried.any():
            expected = average_precision_score(carried, column)
            assert average_precision(carried, column) == expected
        if carried.any() and not carried.all():
            assert roc_area(carried, column) == roc_auc_score(carried, column)
    assert average_precision(true[:, 0], value[:, 0]) == 0
    assert np.isnan(roc_area(true[:, 0], value[:, 0]) + roc_area(true[:, 1], value[:, 1]))
