"""Intervals: order, range, coverage on simulated test sets, and what seeds add."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.intervals import (
    combined_freedom,
    draw_pseudo_clips,
    interval,
    over_seeds,
    variance_of,
    widen,
)
from hear.metrics.curves import weighted_average_precision
from hear.scores.bootstrap import draw_weights

UNIT = (0.0, 1.0)


def test_hand_computed() -> None:
    replicates = np.arange(101) / 100  # mean 0.5; quantiles 0.025 and 0.975
    assert interval(0.5, replicates) == pytest.approx((0.025, 0.975, 101))
    assert interval(0.6, replicates) == pytest.approx((0.125, 1.075, 101))
    assert interval(0.6, replicates, (0.0, 1.0)) == pytest.approx((0.125, 1.0, 101))


def test_low_is_never_above_the_estimate_nor_high_below() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        replicates = rng.choice([0.0, 1.0], size=200, p=[0.01, 0.99]) ** rng.integers(1, 3)
        estimate = rng.random()
        low, high, _ = interval(estimate, replicates, (0.0, 1.0))
        assert 0 <= low <= estimate <= high <= 1


def test_what_has_no_interval() -> None:
    assert np.isnan(interval(np.nan, np.ones(10)).low)
    assert np.isnan(interval(0.5, np.full(10, np.nan)).low)
    assert np.isnan(interval(0.5, np.zeros(0)).low)
    mostly = np.r_[np.full(11, np.nan), np.linspace(0, 1, 89)]
    assert np.isnan(interval(0.5, mostly).low)
    assert interval(0.5, mostly[2:]).n_replicates == 89
    assert interval(np.inf, np.full(10, np.inf)).n_replicates == 0


def coverage(inside: list[bool]) -> float:
    return float(np.mean(inside))


def widened(
    hits: np.ndarray, weights: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of models on the same clips (n_models, n_clips), and their widened replicates."""
    n_clips = hits.shape[1]
    pseudo_clips, scores = draw_pseudo_clips(len(weights), rng), hits.mean(axis=1)
    return scores, np.array(
        [
            widen(s, weights @ h / (n_clips - 1), n_clips, n_clips - 1, UNIT, pseudo_clips, rng)
            for s, h in zip(scores, hits, strict=True)
        ]
    )


def test_few_files_spread_replicates_by_students_quantile() -> None:
    rng = np.random.default_rng(0)
    replicates = rng.normal(2.0, 0.1, 500)
    found = widen(2.0, replicates, 8, 7, (-np.inf, np.inf), draw_pseudo_clips(500, rng), rng)
    assert found.mean() == pytest.approx(replicates.mean())
    assert found.std() / replicates.std() == pytest.approx(2.365 / 1.960, abs=1e-3)


def test_undefined_replicates_stay_undefined_and_alone() -> None:
    """A ROC area is NaN where no drawn clip has a label; the others keep their interval."""
    rng = np.random.default_rng(0)
    defined = rng.normal(0.8, 0.05, 480)
    replicates = np.r_[defined, np.full(20, np.nan)]
    unbounded = (-np.inf, np.inf)
    found = widen(0.8, replicates, 8, 7, unbounded, draw_pseudo_clips(500, rng), rng)
    assert np.isnan(found[480:]).all() and np.isfinite(found[:480]).all()
    assert variance_of(found) == pytest.approx((2.365 / 1.960) ** 2 * defined.var(), rel=1e-3)
    assert interval(0.8, found).n_replicates == 480
    nothing = np.full(9, np.nan)
    assert np.isnan(widen(0.8, nothing, 8, 7, UNIT, np.ones(9, int), rng)).all()


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_clips_that_are_all_right_or_all_wrong_leave_room_for_others(score: float) -> None:
    rng = np.random.default_rng(0)
    scores, replicates = widened(np.full((1, 60), score), draw_weights(60, 2000, rng), rng)
    low, high, _ = interval(scores[0], replicates[0], UNIT)
    assert 2 / 60 <= high - low <= 5 / 60  # the rule of three: 3 of 60 at most, with 95 %
    assert score in (low, high)


@pytest.mark.parametrize(("n_clips", "share"), [(60, 0.96), (100, 0.98)])
def test_intervals_near_one_cover_the_truth(n_clips: int, share: float) -> None:
    """Two equally good models that are nearly always right, on the same clips."""
    rng = np.random.default_rng(5)
    weights, inside, paired = draw_weights(n_clips, 400, rng), [], []
    for _ in range(400):
        hits = (rng.random((2, n_clips)) < share).astype(float)
        scores, drawn = widened(hits, weights, rng)
        low, high, _ = interval(scores[0], drawn[0], UNIT)
        inside.append(low <= share <= high)
        low, high, _ = interval(scores[0] - scores[1], drawn[0] - drawn[1])
        paired.append(low <= 0 <= high)
    assert coverage(inside) >= 0.93 and coverage(paired) >= 0.93


def test_intervals_of_few_files_cover_the_truth() -> None:
    rng = np.random.default_rng(6)
    weights, inside = draw_weights(8, 400, rng), []
    for _ in range(1000):
        files = rng.normal(0.5, 0.1, (1, 8))
        scores, drawn = widened(files, weights, rng)
        low, high, _ = interval(scores[0], drawn[0], UNIT)
        inside.append(low <= 0.5 <= high)
    assert 0.93 <= coverage(inside) <= 0.98


@pytest.mark.parametrize("folds", [(200,), (40, 40, 40, 40, 40), (6,) * 20])
def test_intervals_of_an_accuracy_cover_the_truth(folds: tuple[int, ...]) -> None:
    """The mean over folds of clips that are right with probability 0.7, on 1000 test sets."""
    rng = np.random.default_rng(1)
    weights = [draw_weights(n, 400, rng) / (n - 1) for n in folds]
    inside = []
    for _ in range(1000):
        right = [(rng.random(n) < 0.7).astype(float) for n in folds]
        estimate = np.mean([clips.mean() for clips in right])
        drawn = np.mean([w @ clips for w, clips in zip(weights, right, strict=True)], axis=0)
        low, high, _ = interval(estimate, drawn, (0.0, 1.0))
        inside.append(low <= 0.7 <= high)
    assert 0.93 <= coverage(inside) <= 0.97


def test_intervals_of_a_paired_difference_cover_the_truth() -> None:
    """Two models that fail on the same hard clips: right with probability 0.75 and 0.65."""
    rng = np.random.default_rng(2)
    weights = draw_weights(150, 400, rng) / 149
    inside, narrower = [], []
    for _ in range(1000):
        hard = rng.random(150)
        noise = 0.1 * rng.random((2, 150))
        right = (hard + noise < [[0.80], [0.70]]).astype(float)
        drawn = right @ weights.T
        low, high, _ = interval(right[0].mean() - right[1].mean(), drawn[0] - drawn[1])
        inside.append(low <= 0.10 <= high)
        unpaired = interval(0.0, drawn[0] - rng.permutation(drawn[1]))
        narrower.append(high - low < unpaired.high - unpaired.low)
    assert 0.93 <= coverage(inside) <= 0.97
    assert np.mean(narrower) > 0.99


def test_intervals_of_a_biased_metric_cover_what_is_expected() -> None:
    """Average precision: replicates repeat clips and lie above the score; the interval does not."""
    rng = np.random.default_rng(3)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        true = np.zeros((80, 1))
        true[:16] = 1
        return true, rng.normal(true, 1.0)

    def score(test_set: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> np.ndarray:
        return weighted_average_precision(*test_set, weights)

    once = np.ones((1, 80), np.float32)
    expected = np.mean([score(draw(), once)[0] for _ in range(2000)])
    inside = []
    for _ in range(400):
        test_set = draw()
        weights = draw_weights(80, 300, rng)
        low, high, _ = interval(score(test_set, once)[0], score(test_set, weights), (0.0, 1.0))
        inside.append(low <= expected <= high)
    assert 0.92 <= coverage(inside) <= 0.98


def test_freedom_of_a_sum_of_variances() -> None:
    assert combined_freedom([2.0, 0.0], [7, 0]) == 7
    assert combined_freedom([0.0, 0.0], [7, 0]) == 7
    assert combined_freedom([np.nan, 1.0], [7, 2]) == 2
    assert combined_freedom([1.0, 1.0], [10, 2]) == pytest.approx(4 / (1 / 10 + 1 / 2))


@pytest.mark.parametrize("n_seeds", [2, 3, 5])
def test_intervals_over_seeds_cover_what_other_seeds_and_clips_would_give(n_seeds: int) -> None:
    """Seeds spread as much as the clips do, and half of each clip's luck is the seed's own."""
    rng = np.random.default_rng(7)
    weights, inside = draw_weights(100, 400, rng), []
    for _ in range(400):
        clips = 0.3 * (rng.normal(size=100) + rng.normal(size=(n_seeds, 100))) / np.sqrt(2)
        clips += 0.5 + rng.normal(0, 0.03, (n_seeds, 1))
        scores = clips.mean(axis=1)
        averaged, freedom = over_seeds(scores, clips @ weights.T / 99, 99, rng)
        pseudo_clips = draw_pseudo_clips(400, rng)
        unbounded = (-np.inf, np.inf)
        drawn = widen(scores.mean(), averaged, 100, freedom, unbounded, pseudo_clips, rng)
        low, high, _ = interval(scores.mean(), drawn)
        inside.append(low <= 0.5 <= high)
    assert 0.92 <= coverage(inside) <= 0.98


def test_seeds_widen_an_interval_by_their_own_spread() -> None:
    rng = np.random.default_rng(4)
    scores = np.array([-0.1, 0.0, 0.1])
    replicates = scores[:, None] + np.zeros((3, 4000))
    averaged, freedom = over_seeds(scores, replicates, 50, rng)
    assert averaged.mean() == pytest.approx(0, abs=0.005) and freedom == 2
    assert averaged.var() == pytest.approx(scores.var(ddof=1) / 3, rel=0.1)
    alone, freedom = over_seeds(scores[:1], replicates[:1], 50, rng)
    assert (alone == replicates[0]).all() and freedom == 50
    again, _ = over_seeds(scores, replicates, 50, np.random.default_rng(4))
    assert (averaged == again).all()


def test_luck_with_the_clips_is_no_spread_over_seeds() -> None:
    """Three seeds that differ by their luck with the clips alone."""
    rng = np.random.default_rng(5)
    scores = rng.normal(0.5, 0.05, 3)
    replicates = scores[:, None] + rng.normal(0, 0.05, (3, 4000))
    averaged, _ = over_seeds(scores, replicates, 50, rng)
    assert averaged.std() == pytest.approx(0.05 / np.sqrt(3), rel=0.35)
