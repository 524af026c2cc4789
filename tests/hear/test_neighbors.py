"""Nearest neighbors: scikit-learn's own numbers, k by validation, every metric of scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor

from hear.evaluators import described, evaluator
from hear.metrics.registry import METRICS
from hear.probe.data import ProbeData
from hear.probe.neighbors import KS, RESOLUTION, neighbor_shares, vote
from hear.probe.selection import EventInfo
from hear.probe.training import ProbeError
from hear.probes import PROBES, Evaluation
from hear.protocol import Protocol
from hear.tasks.folder import Fold

FOLDS = [
    Fold("a", ("c", "d"), ("b",), ("a",)),
    Fold("b", ("a", "d"), ("c",), ("b",)),
]
LINEAR = Protocol(hidden_layers=(0,))


def made_up(kind: str = "multiclass", metric: str = "top1_acc", n_rows: int = 30) -> ProbeData:
    """Four splits of noisy directions, a label or several for each."""
    rng, labels = np.random.default_rng(0), ["x", "y", "z"]
    corners = rng.standard_normal((3, 8))
    features, targets = {}, {}
    for split in "abcd":
        index = rng.integers(3, size=n_rows)
        features[split] = corners[index] + 0.8 * rng.standard_normal((n_rows, 8))
        features[split] = features[split].astype(np.float32)
        targets[split] = np.eye(3, dtype=np.float32)[index]
        if kind == "multilabel":
            targets[split][::4] = 1
    return ProbeData("made up", features, targets, FOLDS, labels, kind, metric)


@pytest.mark.parametrize("kind", ["multiclass", "multilabel"])
def test_shares_are_those_of_scikit_learn(kind):
    data = made_up(kind)
    part = data.fold(FOLDS[0], LINEAR)
    train = [np.concatenate([d[s] for s in ("c", "d")]) for d in (data.features, data.targets)]
    for k, found in zip(
        (1, 4, 60), neighbor_shares(part.train, part.test, (1, 4, 99)), strict=True
    ):

        def weights(distances):
            return 1 / np.maximum(distances, RESOLUTION)

        model = KNeighborsRegressor(k, metric="cosine", algorithm="brute", weights=weights)
        expected = model.fit(*train).predict(data.features["a"])
        assert found.dtype == np.float32 and found == pytest.approx(expected, abs=1e-6)
        if kind == "multiclass":
            assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_duplicates_have_their_own_label():
    data = made_up()
    data = replace(data, features=data.features | {"a": 2 * data.features["c"]})  # any length
    part = data.fold(FOLDS[0], LINEAR)
    for found in neighbor_shares(part.train, part.test, (1, 10)):
        assert (found.argmax(axis=1) == data.targets["c"].argmax(axis=1)).all()


def test_k_is_chosen_in_validation_of_the_first_fold_and_kept():
    data = made_up()
    result = vote(data, LINEAR, seed=1)
    scores = [point.validation_score for point in result.grid]
    ks = [point.point.k for point in result.grid]
    assert ks == [k for k in KS if k <= 60]
    part = data.fold(FOLDS[0], LINEAR)
    by_hand = [
        METRICS["top1_acc"].primary(data.targets["b"], found)
        for found in neighbor_shares(part.train, part.valid, ks)
    ]
    assert scores == pytest.approx(by_hand, abs=1e-6)
    best = ks[scores.index(max(scores))]  # the first of equals
    assert [fold.chosen.point.k for fold in result.folds] == [best, best]
    other = data.fold(FOLDS[1], LINEAR)
    (expected,) = neighbor_shares(other.train, other.test, [best])
    assert np.array_equal(result.folds[1].probabilities, expected)


@pytest.mark.parametrize(
    "slug", [slug for slug, metric in METRICS.items() if metric.kind == "clip"]
)
def test_every_metric_of_scenes_has_a_score(slug):
    kind = "multiclass" if slug in ("top1_acc", "pitch_acc", "chroma_acc") else "multilabel"
    data = made_up(kind, slug)
    found = vote(data, LINEAR, seed=1).folds[0].probabilities
    assert np.isfinite(found).all() and METRICS[slug].primary(data.targets["a"], found) > 0


def test_events_are_refused_and_another_evaluator_changes_nothing():
    with pytest.raises(ProbeError, match="expected a scene task"):
        vote(replace(made_up(), events=EventInfo({}, {}, {})), LINEAR, seed=1)
    knn = Evaluation(PROBES["knn"])
    for name in ("native", "stacked", "heareval"):
        assert evaluator(name, evaluation=knn).keywords["evaluate"] is vote
        assert described(name, knn).startswith("scikit-learn ")
