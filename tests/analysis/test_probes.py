"""Estimates of probes and shares of the training clips, and what their two exhibits show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_parts import line_ends, words
from made_up_cells import CATEGORY, make_cells
from scipy.stats import spearmanr
from score_rows import METRICS, tidy_row, tidy_table
from test_marks import saved

from analysis.exhibits.probes import figure_probes, figure_probes_caption
from analysis.exhibits.text import FigureText
from analysis.exhibits.train_fractions import (
    figure_train_fractions,
    figure_train_fractions_caption,
)
from analysis.statistics.probes import (
    Evaluated,
    estimate_probes,
    rank_correlation,
    read_probes,
)
from analysis.tables.normalize import best_of_run, read_evaluations, read_summary, summarize
from analysis.tables.score_files import read_scores
from analysis.tables.scores import ScoresError, of_first, write_csv

MODELS = [f"m{i}" for i in range(6)]
EMBEDDINGS = {task: {m: m for m in MODELS} for task in CATEGORY}
MAXIMA = dict.fromkeys(CATEGORY, 1.0)
TEXT = FigureText(
    study="test", label="made up", normalization="best", probes={"mlp": "MLP", "knn": "kNN"}
)


def made_up(seed: int, without: str = "", spread: float = 0.05):
    """Six models on four tasks, or on three."""
    rng = np.random.default_rng(seed)
    tasks = [task for task in CATEGORY if task != without]
    scores = {
        m: {t: 0.3 + 0.08 * i + rng.uniform(0, 0.2) for t in tasks} for i, m in enumerate(MODELS)
    }
    return make_cells(scores, spread=spread, seed=seed)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """The MLP with three shares, the smallest of which leaves a task out, and kNN."""
    evaluated = [
        Evaluated("mlp", 1.0, made_up(1)),
        Evaluated("mlp", 0.2, made_up(2)),
        Evaluated("mlp", 0.05, made_up(3, without="esc50")),
        Evaluated("knn", 1.0, made_up(4, without="maestro")),
    ]
    return estimate_probes(evaluated, MAXIMA, EMBEDDINGS, "test")


def test_rank_correlation_is_spearmans_and_undefined_for_equal_scores():
    rng = np.random.default_rng(0)
    a, b = rng.integers(5, size=(2, 12)), rng.integers(5, size=(2, 12))
    expected = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    assert rank_correlation(a.T, b.T) == pytest.approx(expected)
    assert np.isnan(rank_correlation(np.ones(4), np.arange(4)))


def test_probes_are_compared_per_task_and_over_those_that_both_have(table):
    found = table[table["statistic"] == "rank_correlation"].set_index("task")
    assert set(found.index) == {*CATEGORY, ""} - {"maestro"}
    assert found["n_models"].eq(6).all() and found.loc["", "n_tasks"] == 3
    cells = [made_up(1), made_up(4, without="maestro")]
    scores = [of.score[:, of.tasks.index("fsd50k")] for of in cells]
    assert found.loc["fsd50k", "estimate"] == pytest.approx(spearmanr(*scores).statistic)
    means = [of.score[:, [of.tasks.index(t) for t in cells[1].tasks]].mean(axis=1) for of in cells]
    assert found.loc["", "estimate"] == pytest.approx(spearmanr(*means).statistic)
    assert (found["low"] <= found["estimate"]).all() and (found["estimate"] <= found["high"]).all()
    assert found["low"].min() >= -1 and found["high"].max() <= 1


def test_models_of_one_embedding_count_once():
    same = {task: {m: "one" if m in ("m0", "m1") else m for m in MODELS} for task in CATEGORY}
    evaluated = [Evaluated("mlp", 1.0, made_up(1)), Evaluated("knn", 1.0, made_up(4))]
    found = estimate_probes(evaluated, MAXIMA, same, "test")
    assert set(found.loc[found["statistic"] == "rank_correlation", "n_models"]) == {5}


def test_the_same_probe_ranks_like_itself_however_noisy():
    cells = made_up(1, spread=0.3)
    pair = [Evaluated("mlp", 1.0, cells), Evaluated("linear", 1.0, cells)]
    found = estimate_probes(pair, MAXIMA, EMBEDDINGS, "test").query(
        "statistic == 'rank_correlation'"
    )
    assert found[["estimate", "low", "high"]].to_numpy() == pytest.approx(1)


def test_means_of_all_shares_are_over_the_same_tasks(table):
    found = table[table["statistic"] == "mean_over_shares"]
    assert set(found["probe"]) == {"mlp"} and set(found["train_fraction"]) == {1.0, 0.2, 0.05}
    general = found[found["category"] == "general"]
    assert general["n_tasks"].eq(1).all()  # without esc50, with every share
    cells = made_up(1)
    column = cells.score[:, cells.tasks.index("fsd50k")]
    whole = general[general["train_fraction"] == 1].set_index("model")["estimate"]
    assert whole[list(cells.models)].to_numpy() == pytest.approx(column)


def test_estimates_of_probes_round_trip(table, tmp_path: Path):
    write_csv(table, tmp_path / "probes.csv")
    pd.testing.assert_frame_equal(read_probes(tmp_path / "probes.csv"), table)


def test_the_figure_of_probes_has_an_interval_per_task_and_pair(table):
    figure, numbers = figure_probes(table, TEXT)
    shown = words(figure)
    assert "MLP and kNN" in shown and "all tasks" in shown and "95 % intervals" in shown
    ends = numbers[["low", "high"]].sort_values(["low", "high"]).to_numpy()
    assert np.array(line_ends(figure, 0)) == pytest.approx(ends)
    assert "3 tasks" in figure_probes_caption(TEXT, numbers)
    nothing, numbers = figure_probes(table[table["statistic"] == "score"], TEXT)
    assert numbers.empty and "two embeddings" in words(nothing)
    assert figure_probes_caption(TEXT, numbers)


def test_every_point_and_line_is_marked_with_its_numbers(table, tmp_path: Path):
    marks, numbers = saved(figure_probes(table, TEXT), tmp_path)
    assert len(marks) == 2 * len(numbers)  # a point and its interval
    for row in numbers.itertuples():
        title = (
            f"{row.pair}\n{row.task or 'all tasks'}\nrank correlation: {row.rank_correlation:.3f}"
        )
        assert marks["title"].str.startswith(title).any()
    marks, numbers = saved(figure_train_fractions(table, TEXT), tmp_path)
    for row in numbers.itertuples():
        title = f"{row.label}\n{row.panel}, {100 * row.train_fraction:g} % of the training clips\n"
        found = marks[marks["title"].str.startswith(title) & marks["model"].eq(row.model)]
        assert len(found) == 2 and found["category"].eq(row.panel).all()


def test_the_figure_of_shares_names_what_is_left_out(table):
    figure, numbers = figure_train_fractions(table, TEXT)
    shown = words(figure)
    assert "at 5 % esc50" in shown and "MLP probe" in shown and "20 %" in shown
    assert len(figure.axes) == 4 and "all, 3 tasks" in shown
    drawn = numbers[numbers["panel"] != "nothing"]
    assert len(line_ends(figure, 1)) == len(drawn)
    assert set(numbers.loc[numbers["train_fraction"] < 0.1, "left_out"]) == {"esc50", ""}
    assert "Left out" in figure_train_fractions_caption(TEXT, numbers)
    none = table[(table["train_fraction"] == 1) | (table["statistic"] == "score")]
    nothing, numbers = figure_train_fractions(none[none["statistic"] == "score"], TEXT)
    assert numbers.empty and "No task has every share" in words(nothing)


def test_the_first_evaluation_is_what_summaries_and_maxima_are_of(tmp_path: Path):
    rows = [
        tidy_row("a", "libricount", score, probe=probe, train_fraction=fraction)
        for score, probe, fraction in (
            (0.5, "linear", 1.0),
            (0.4, "linear", 0.2),
            (0.9, "knn", 1.0),
        )
    ]
    official = tidy_row("b", "libricount", 0.8, source="hear2021")
    tidy = tidy_table([*rows, official])
    assert best_of_run(tidy, METRICS)["libricount"] == 0.5
    assert list(of_first(tidy)["score"]) == [0.5, 0.8]
    summary = summarize(tidy.assign(normalized_score=1.0), METRICS)
    write_csv(summary, tmp_path / "summary.csv")
    assert sorted(read_summary(tmp_path / "summary.csv")["score"]) == [0.5, 0.8]
    assert len(read_evaluations(tmp_path / "summary.csv")) == 4


def test_a_share_that_is_left_out_has_no_row(score_file):
    whole = score_file()
    reason = {"scores": [], "left_out": "1 clip", "train_fraction": 0.1}
    tidy, _ = read_scores([whole, score_file("b.json", **reason)])
    assert set(tidy["train_fraction"]) == {1.0}
    for wrong in ({"train_fraction": 1.0}, {"left_out": ""}, {"train_fraction": 1.5}):
        with pytest.raises(ScoresError):
            read_scores([whole, score_file("c.json", **(reason | wrong))])


def test_evaluations_are_in_the_order_of_their_files(score_file):
    files = [score_file("a.json", probe="mlp"), score_file("b.json", probe="knn", model="a")]
    assert list(read_scores(files)[0]["probe"]) == ["mlp", "mlp", "knn", "knn"]
