"""Normalization and summary: laws, and two tasks by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from score_rows import METRICS, tidy_row, tidy_table

from analysis.tables.normalize import (
    SUMMARY_COLUMNS,
    best_of_run,
    normalize,
    read_maxima,
    read_summary,
    summarize,
)
from analysis.tables.scores import write_csv


def normalized(tidy: pd.DataFrame) -> pd.DataFrame:
    return normalize(tidy, best_of_run(tidy, METRICS), METRICS)


def summary_of(tidy: pd.DataFrame) -> pd.DataFrame:
    return summarize(normalized(tidy), METRICS)


def cell(summary: pd.DataFrame, model: str, task: str) -> pd.Series:
    return summary.set_index(["model", "task"]).loc[(model, task)]


def test_best_model_of_the_run_has_one(run_tidy: pd.DataFrame) -> None:
    summary = summary_of(run_tidy)
    best = summary.groupby("task")["normalized_score"].max()
    np.testing.assert_allclose(best, 1, rtol=1e-12)


def test_order_of_rows_does_not_matter(run_tidy: pd.DataFrame) -> None:
    shuffled = run_tidy.sample(frac=1, random_state=np.random.default_rng(1).integers(99))
    maxima = best_of_run(run_tidy, METRICS)
    pd.testing.assert_series_equal(best_of_run(shuffled, METRICS), maxima)
    pd.testing.assert_frame_equal(summary_of(shuffled), summary_of(run_tidy))


def test_two_tasks_by_hand() -> None:
    tidy = tidy_table(
        [
            tidy_row("a", "libricount", 0.50, fold="f0"),
            tidy_row("a", "libricount", 0.70, fold="f1"),
            tidy_row("b", "libricount", 0.80, fold="f0"),
            tidy_row("b", "libricount", 0.80, fold="f1"),
            tidy_row("a", "nsynth_pitch_5h", 0.30),
            tidy_row("b", "nsynth_pitch_5h", 0.24),
        ]
    )
    maxima = best_of_run(tidy, METRICS)
    assert maxima.to_dict() == pytest.approx({"libricount": 0.8, "nsynth_pitch_5h": 0.3})
    summary = summarize(normalize(tidy, maxima, METRICS), METRICS)
    assert tuple(summary.columns) == SUMMARY_COLUMNS
    a = cell(summary, "a", "libricount")
    assert a["score"] == pytest.approx(0.6)
    assert a["score_sd"] == pytest.approx(0.2 / np.sqrt(2))
    assert a["normalized_score"] == pytest.approx(0.75)
    assert (a["n_folds"], a["n_seeds"]) == (2, 1)
    assert cell(summary, "b", "nsynth_pitch_5h")["normalized_score"] == pytest.approx(0.8)
    assert np.isnan(cell(summary, "a", "nsynth_pitch_5h")["score_sd"])


def test_mean_over_folds_then_seeds() -> None:
    scores = {("f0", 1): 0.2, ("f1", 1): 0.4, ("f0", 2): 0.5, ("f1", 2): 0.9}
    rows = [tidy_row("a", "libricount", s, fold=f, seed=n) for (f, n), s in scores.items()]
    row = summarize(tidy_table(rows), METRICS).iloc[0]
    assert row["score"] == pytest.approx((0.3 + 0.7) / 2)
    assert row["score_sd"] == pytest.approx((0.2 + 0.4) / np.sqrt(2) / 2)
    assert (row["n_folds"], row["n_seeds"]) == (2, 2)


def test_one_fold_spreads_over_seeds() -> None:
    rows = [tidy_row("a", "libricount", s, seed=n) for n, s in ((1, 0.2), (2, 0.4))]
    assert summarize(tidy_table(rows), METRICS)["score_sd"].tolist() == pytest.approx(
        [0.2 / np.sqrt(2)]
    )


def two_models(task: str) -> pd.DataFrame:
    """Model a without a score on the second of two folds, model b with all scores."""
    scores = {("a", "f0"): 0.9, ("a", "f1"): np.nan, ("b", "f0"): 0.4, ("b", "f1"): 0.6}
    return tidy_table([tidy_row(m, task, score, fold=f) for (m, f), score in scores.items()])


def test_nan_makes_its_cell_missing_and_the_count_says_so() -> None:
    tidy = two_models("libricount")
    maxima = best_of_run(tidy, METRICS)
    assert maxima.to_dict() == pytest.approx({"libricount": 0.5})
    summary = summarize(normalize(tidy, maxima, METRICS), METRICS)
    a = cell(summary, "a", "libricount")
    assert np.isnan(a[["score", "score_sd", "normalized_score"]].astype(float)).all()
    assert a["n_folds"] == 1
    assert cell(summary, "b", "libricount")["normalized_score"] == pytest.approx(1)


def test_nan_of_an_event_metric_counts_as_zero() -> None:
    tidy = two_models("maestro")
    maxima = best_of_run(tidy, METRICS)
    assert maxima.to_dict() == pytest.approx({"maestro": 0.5})
    normalized = normalize(tidy, maxima, METRICS)
    assert normalized["score"].isna().tolist() == [False, True, False, False]
    a = cell(summarize(normalized, METRICS), "a", "maestro")
    assert a["score"] == pytest.approx(0.45)
    assert a["score_sd"] == pytest.approx(0.9 / np.sqrt(2))
    assert a["normalized_score"] == pytest.approx(0.9)
    assert a["n_folds"] == 2


def test_a_model_without_any_event_is_at_zero() -> None:
    rows = [tidy_row("a", "dcase2016_task2", np.nan), tidy_row("b", "dcase2016_task2", 0.5)]
    tidy = tidy_table(rows)
    a = cell(
        summary_of(tidy),
        "a",
        "dcase2016_task2",
    )
    assert (a["score"], a["normalized_score"]) == (0, 0)
    alone = tidy_table(rows[:1])
    assert summary_of(alone)["score"].tolist() == [0]
    beside_official = normalize(alone, pd.Series({"dcase2016_task2": 0.9}), METRICS)
    assert summarize(beside_official, METRICS)["normalized_score"].tolist() == [0]


def test_secondary_nan_of_an_event_metric_stays_missing() -> None:
    rows = [tidy_row("a", "maestro", 0.5), tidy_row("a", "maestro", np.nan)]
    rows[1] |= {"metric": "event_onset_50ms_fms.precision", "primary": False}
    tidy = normalize(tidy_table(rows), pd.Series({"maestro": 0.5}), METRICS)
    assert tidy["normalized_score"].tolist() == pytest.approx([1, np.nan], nan_ok=True)


def test_missing_cells_stay_missing(run_tidy: pd.DataFrame) -> None:
    summary = summary_of(run_tidy)
    assert set(summary.loc[summary["model"] == "passt_l_hop10", "task"]) == {
        "dcase2016_task2",
        "maestro",
    }


def test_secondary_metrics_are_not_normalized() -> None:
    rows = [tidy_row("a", "libricount", 0.5), tidy_row("a", "libricount", 0.9)]
    rows[1] |= {"metric": "mAP", "primary": False}
    tidy = normalize(tidy_table(rows), pd.Series({"libricount": 0.5}), METRICS)
    assert tidy["normalized_score"].tolist() == pytest.approx([1, np.nan], nan_ok=True)


def test_above_the_maximum_is_above_one() -> None:
    tidy = tidy_table([tidy_row("a", "libricount", 0.9)])
    tidy = normalize(tidy, pd.Series({"libricount": 0.6}), METRICS)
    assert tidy["normalized_score"].tolist() == pytest.approx([1.5])


@pytest.mark.parametrize("best", [np.inf, -0.5, 0.0, np.nan])
def test_no_fraction_of_a_maximum_that_means_nothing(best: float) -> None:
    d_prime = {"metric": "d_prime"}
    tidy = tidy_table(
        [
            tidy_row("a", "libricount", best, **d_prime),
            tidy_row("b", "libricount", -1.0, **d_prime),
            tidy_row("a", "nsynth_pitch_5h", 0.5),
        ]
    )
    summary = summary_of(tidy)
    assert summary.groupby("task")["normalized_score"].count().to_dict() == {
        "libricount": 0,
        "nsynth_pitch_5h": 1,
    }


def test_infinite_scores_are_not_normalized() -> None:
    rows = [tidy_row(m, "libricount", s) for m, s in (("a", 2.0), ("b", -np.inf), ("c", -1.0))]
    tidy = tidy_table(rows)
    shares = normalized(tidy)["normalized_score"]
    assert shares.tolist() == pytest.approx([1, np.nan, -0.5], nan_ok=True)


@pytest.mark.filterwarnings("error")
def test_infinite_scores_over_folds() -> None:
    rows = [tidy_row("a", "libricount", s, fold=f) for f, s in (("f0", np.inf), ("f1", 1.0))]
    tidy = tidy_table(rows)
    row = summary_of(tidy).iloc[0]
    assert row["score"] == np.inf
    assert row[["score_sd", "normalized_score"]].isna().all()


def test_nothing_scored_has_no_normalized_score() -> None:
    tidy = tidy_table([tidy_row("a", "maestro", 0.0), tidy_row("b", "maestro", 0.0)])
    assert normalized(tidy)["normalized_score"].isna().all()


def test_only_the_run_enters_its_maxima() -> None:
    rows = [tidy_row("a", "maestro", 0.5), tidy_row("x", "maestro", 0.9, source="hear2021")]
    assert best_of_run(tidy_table(rows), METRICS).to_dict() == {"maestro": 0.5}


def test_controls_set_no_maximum() -> None:
    rows = [tidy_row(m, "libricount", s) for m, s in (("m", 0.4), ("logmel", 0.5))]
    tidy = tidy_table([*rows, tidy_row("logmel", "maestro", 0.3)])
    maxima = best_of_run(tidy, METRICS, ["logmel"])
    assert maxima.to_dict() == pytest.approx({"libricount": 0.4, "maestro": np.nan}, nan_ok=True)
    shares = normalize(tidy, maxima, METRICS)["normalized_score"]
    assert shares.tolist() == pytest.approx([1, 1.25, np.nan], nan_ok=True)


def test_a_task_without_maximum() -> None:
    tidy = tidy_table([tidy_row("a", "libricount", 0.5)])
    with pytest.raises(ValueError, match=r"one for every task; found none for \['libricount'\]"):
        normalize(tidy, pd.Series({"maestro": 1.0}), METRICS)


def test_tables_round_trip(tmp_path: Path, run_tidy: pd.DataFrame) -> None:
    maxima = best_of_run(run_tidy, METRICS)
    summary = summarize(normalize(run_tidy, maxima, METRICS), METRICS)
    write_csv(summary, tmp_path / "summary.csv")
    write_csv(maxima.reset_index(), tmp_path / "maxima.csv")
    pd.testing.assert_frame_equal(
        read_summary(tmp_path / "summary.csv"), summary, check_dtype=False
    )
    pd.testing.assert_series_equal(
        read_maxima(tmp_path / "maxima.csv"), maxima, check_index_type=False
    )


def test_tables_with_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("task,best\nesc50,1\n")
    with pytest.raises(ValueError, match="bad.csv: expected the columns model, task"):
        read_summary(path)
    with pytest.raises(ValueError, match="bad.csv: expected the columns task, maximum"):
        read_maxima(path)
    path.write_text("task,maximum\nesc50,1\nesc50,2\n")
    with pytest.raises(ValueError, match=r"one maximum per task; found more for \['esc50'\]"):
        read_maxima(path)


def test_an_unknown_primary_metric() -> None:
    tidy = tidy_table([tidy_row("a", "libricount", 0.5, metric="accuracy")])
    with pytest.raises(ValueError, match="metric 'accuracy': expected one of aucroc"):
        best_of_run(tidy, METRICS)
