"""Statistics of small studies, by hand; missing cells stay missing; what is paired is paired."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_cells import make_cells, summary_of, write_replicates
from score_rows import METRICS

from analysis.statistics.cells import CellsError, build_cells
from analysis.statistics.estimates import (
    ESTIMATE_COLUMNS,
    EVENTS,
    SCENES,
    estimate,
    improvement,
    ranks,
    read_estimates,
)
from analysis.statistics.intervals import interval
from analysis.tables.normalize import summarize
from analysis.tables.scores import write_csv

MAXIMA = {"esc50": 0.8, "fsd50k": 0.5, "maestro": 0.4, "libricount": 1.0}
SCORES = {
    "a": {"esc50": 0.8, "fsd50k": 0.4, "maestro": 0.1, "libricount": 0.5},
    "b": {"esc50": 0.6, "fsd50k": 0.5, "maestro": 0.4},
    "logmel": {"esc50": 0.4, "fsd50k": 0.1, "maestro": 0.1, "libricount": 0.2},
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return estimate(make_cells(SCORES, spread=0.02), MAXIMA, "logmel", "test", ["maestro"])


def pick(table: pd.DataFrame, statistic: str, model: str, **where: str) -> pd.Series:
    rows = table[(table["statistic"] == statistic) & (table["model"] == model)]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_columns_and_study(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == ESTIMATE_COLUMNS
    assert set(table["study"]) == {"test"}


@pytest.mark.parametrize(
    ("statistic", "model", "where", "estimate", "n_tasks"),
    [
        ("score", "a", {"task": "esc50"}, 0.8, 1),
        ("normalized_score", "a", {"task": "fsd50k"}, 0.8, 1),
        ("headroom", "a", {"task": "esc50"}, (0.8 - 0.4) / 0.6, 1),
        ("headroom", "logmel", {"task": "esc50"}, 0.0, 1),
        ("mean_normalized_score", "a", {"category": "general"}, 0.9, 2),
        ("mean_normalized_score", "b", {"category": "all"}, (0.75 + 1 + 1) / 3, 3),
        ("mean_normalized_score", "a", {"category": SCENES}, (1 + 0.8 + 0.5) / 3, 3),
        ("mean_normalized_score", "a", {"category": EVENTS}, 0.25, 1),
        ("median_normalized_score", "a", {"category": "all"}, (0.8 + 0.5) / 2, 4),
        ("mean_headroom", "b", {"category": "music"}, 0.3 / 0.9, 1),
        ("mean_rank", "a", {"category": "all"}, (1 + 2 + 2.5 + 1) / 4, 4),
        ("mean_rank", "b", {"category": "all"}, (2 + 1 + 1) / 3, 3),
        ("score_difference", "a", {"other_model": "b", "task": "maestro"}, -0.3, 1),
        ("difference_of_means", "a", {"other_model": "b", "category": "general"}, 0.025, 2),
        ("difference_of_medians", "a", {"other_model": "b", "category": "all"}, 0.8 - 1.0, 3),
        ("probability_of_improvement", "a", {"other_model": "b", "category": "all"}, 1 / 3, 3),
        ("probability_of_improvement", "a", {"other_model": "logmel", "category": "all"},
         3.5 / 4, 4),
    ],
)  # fmt: skip
def test_by_hand(
    table: pd.DataFrame, statistic: str, model: str, where: dict, estimate: float, n_tasks: int
) -> None:
    row = pick(table, statistic, model, **where)
    assert row["estimate"] == pytest.approx(estimate)
    assert row["n_tasks"] == n_tasks
    assert row["low"] <= row["estimate"] <= row["high"]
    assert row["n_replicates"] == 400


def test_missing_cells_stay_missing(table: pd.DataFrame) -> None:
    of_b = table[(table["model"] == "b") | (table["other_model"] == "b")]
    assert "libricount" not in set(of_b["task"])
    assert "speech" not in set(of_b["category"])


def test_every_pair_once(table: pd.DataFrame) -> None:
    pairs = table[table["statistic"] == "difference_of_means"]
    pairs = pairs[pairs["category"] == "all"][["model", "other_model"]]
    expected = [("a", "b"), ("a", "logmel"), ("b", "logmel")]
    assert list(pairs.itertuples(index=False, name=None)) == expected


def test_intervals_of_scores_stay_in_their_range(table: pd.DataFrame) -> None:
    scores = table[table["statistic"].isin(["score", "probability_of_improvement"])]
    assert scores["low"].min() >= 0 and scores["high"].max() <= 1
    rank = table[table["statistic"] == "mean_rank"]
    assert rank["low"].min() >= 1 and rank["high"].max() <= 3


def test_intervals_of_normalized_scores_stay_in_their_range() -> None:
    near = {
        "a": {"esc50": 1.0, "fsd50k": 0.97, "maestro": 0.02},
        "b": {"esc50": 0.98, "fsd50k": 0.01, "maestro": 0.0},
        "logmel": {"esc50": 0.9, "fsd50k": 0.5, "maestro": 0.01},
    }
    maxima = {"esc50": 1.0, "fsd50k": 0.97, "maestro": 0.02}
    table = estimate(make_cells(near, spread=0.2), maxima, "logmel", "test", ["maestro"])
    keys = ["model", "task"]
    score, normalized = (
        table[table["statistic"] == name].set_index(keys)[["estimate", "low", "high"]]
        for name in ("score", "normalized_score")
    )
    best = score.index.get_level_values("task").map(maxima).to_numpy(float)
    np.testing.assert_allclose(normalized, score / best[:, None], atol=1e-7)
    assert (score["high"] == 1).any() and (score["low"] == 0).any()
    for name in ("mean", "median"):
        events = table[
            (table["statistic"] == f"{name}_normalized_score") & (table["category"] == EVENTS)
        ].set_index("model")  # one task: the same interval
        np.testing.assert_allclose(
            events[["low", "high"]],
            normalized.xs("maestro", level="task").loc[events.index, ["low", "high"]],
        )
        headroom = table[table["statistic"] == f"{name}_headroom"]
        assert len(headroom) and (headroom["high"] <= 1).all()


def test_no_headroom_without_a_best_value_or_a_baseline() -> None:
    cells = make_cells(SCORES)
    unbounded = make_cells(SCORES)
    unbounded.metric["esc50"] = METRICS["d_prime"]
    assert np.isnan(unbounded.headroom("logmel").score[0, 0])
    assert unbounded.headroom("logmel").score[0, 1] == pytest.approx(0.3 / 0.9)
    assert np.isnan(cells.headroom("absent").score).all()
    perfect = make_cells({"a": {"esc50": 1.0}, "logmel": {"esc50": 1.0}})
    assert np.isnan(perfect.headroom("logmel").score).all()


def test_ranks_and_improvement_by_hand() -> None:
    scores = np.array([[0.9, 0.5], [0.9, np.nan], [0.1, 0.7]])
    np.testing.assert_allclose(ranks(scores), [[1.5, 2], [1.5, np.nan], [3, 1]])
    assert improvement(np.array([1, 2, 3, 4.0]), np.array([0, 2, 4, 5.0])) == 1.5 / 4
    assert np.isnan(improvement(np.array([1, np.nan]), np.array([0, 0.0])))


def test_paired_differences_are_narrower_than_unpaired() -> None:
    cells = make_cells({"a": {"esc50": 0.6}, "b": {"esc50": 0.5}}, spread=0.02)
    shared = np.random.default_rng(1).normal(0, 0.1, 400)  # the same hard clips for both
    cells.replicates[:, 0] += shared
    row = pick(estimate(cells, MAXIMA, "logmel", "t"), "score_difference", "a", task="esc50")
    drawn = cells.replicates[:, 0]
    unpaired = interval(0.1, drawn[0] - np.random.default_rng(2).permutation(drawn[1]))
    assert row["high"] - row["low"] < 0.5 * (unpaired.high - unpaired.low)
    assert row["low"] > 0 > unpaired.low


def test_seeds_are_drawn_and_models_of_one_embedding_are_alike(tmp_path: Path) -> None:
    scores = np.array([[0.1, 0.3]])  # one embedding, two seeds
    drawn = np.repeat(scores[..., None], 60, axis=2)
    metric = "event_onset_50ms_fms"
    path = write_replicates(tmp_path / "r.npz", "maestro", metric, scores, drawn, 6)
    summary = summary_of({"a": 0.2, "b": 0.2}, "maestro", metric)
    cells = build_cells(summary, path, {"maestro": {"a": "e0", "b": "e0"}}, METRICS)
    assert (cells.n_clips, cells.n_seeds) == ({"maestro": 6}, {"maestro": 2})
    assert cells.replicates.mean() == pytest.approx(0.2, abs=0.05)
    assert cells.replicates.std() > 0.1  # one of two seeds is drawn: .1 or .3
    assert (cells.replicates[0] == cells.replicates[1]).all()  # the same embedding
    path = write_replicates(tmp_path / "r.npz", "maestro", metric, scores, drawn * np.nan, 6)
    cells = build_cells(summary, path, {"maestro": {"a": "e0", "b": "e0"}}, METRICS)
    assert np.isnan(cells.replicates).all()


def test_a_study_of_undefined_scores_has_no_estimates() -> None:
    cells = make_cells({"a": {"esc50": np.nan}, "logmel": {"esc50": np.nan}})
    table = estimate(cells, {"esc50": np.nan}, "logmel", "test")
    assert table.empty and list(table.columns) == list(ESTIMATE_COLUMNS)


def test_old_files_are_noticed(tmp_path: Path) -> None:
    scores = np.full((1, 1), 0.5)
    path = write_replicates(tmp_path / "r.npz", "esc50", "top1_acc", scores, scores[..., None], 9)
    summary = summary_of({"a": 0.4}, "esc50", "top1_acc")
    with pytest.raises(CellsError, match="esc50, a: the summary says 0.4, the bootstrapped .* 0.5"):
        build_cells(summary, path, {"esc50": {"a": "e0"}}, METRICS)
    with pytest.raises(CellsError, match="maestro: no bootstrapped scores of this task"):
        build_cells(summary, path, {"maestro": {"a": "e0"}}, METRICS)
    for broken in (b"no", path.read_bytes()[:-1]):
        (tmp_path / "broken.npz").write_bytes(broken)
        with pytest.raises(CellsError, match=r"broken\.npz: not a readable .*; remove it"):
            build_cells(summary, tmp_path / "broken.npz", {}, METRICS)


def test_official_entries_have_point_values(official: tuple[pd.DataFrame, pd.Series]) -> None:
    tidy, maxima = official
    cells = build_cells(summarize(tidy, METRICS), None, {}, METRICS)
    table = estimate(cells, maxima, "logmel", "official")
    assert table["low"].isna().all() and table["n_replicates"].isna().all()
    assert pick(table, "median_normalized_score", "GURA Fuse Cat H+w+C", category="all")[
        "estimate"
    ] == pytest.approx(0.965, abs=0.0006)
    best = table[(table["statistic"] == "mean_rank") & (table["category"] == "all")]
    assert len(best) == 29  # later entries are not ranked


def test_written_and_read_back(table: pd.DataFrame, tmp_path: Path) -> None:
    write_csv(table, tmp_path / "statistics.csv")
    back = read_estimates(tmp_path / "statistics.csv")
    assert list(back["estimate"]) == pytest.approx(list(table["estimate"]))
    assert (back["n_tasks"] == table["n_tasks"]).all()
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="other.csv: expected the columns statistic"):
        read_estimates(tmp_path / "other.csv")
