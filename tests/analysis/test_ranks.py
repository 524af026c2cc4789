"""The figure of mean ranks: what is drawn, in which order, and what it says of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_parts import line_ends, point_values, words
from made_up_cells import make_cells

from analysis.exhibits.ranks import RANK_COLUMNS, figure_ranks
from analysis.exhibits.text import FigureText
from analysis.statistics.estimates import ESTIMATE_COLUMNS, estimate

MAXIMA = {"esc50": 1.0, "maestro": 1.0, "libricount": 1.0}
SCORES = {
    "worst": {"esc50": 0.2, "maestro": 0.3, "libricount": 0.2},
    "best": {"esc50": 0.9, "maestro": 0.8, "libricount": 0.9},
    "partial": {"maestro": 0.5},
}


def draw(text: FigureText, **changes: object) -> tuple:
    cells = make_cells(SCORES, spread=0.01, **changes)
    return figure_ranks(estimate(cells, MAXIMA, "logmel", "test"), text)


def test_best_on_top_with_intervals(text: FigureText) -> None:
    figure, numbers = draw(text)
    assert tuple(numbers.columns) == RANK_COLUMNS
    whole = numbers[numbers["panel"] == "all"].set_index("model")
    assert whole["position"].to_dict() == {"best": 1, "partial": 2, "worst": 3}
    assert (whole["low"] <= whole["mean_rank"]).all() and (
        whole["mean_rank"] <= whole["high"]
    ).all()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["best", "partial", "worst"]
    assert figure.axes[0].yaxis_inverted()


def test_it_says_study_bootstraps_and_partial_models(text: FigureText) -> None:
    said = words(draw(text)[0])
    assert " ".join(text.label.split()) in said
    assert "400 bootstraps of the test clips or their sources" in said
    assert "1*" in said and "fewer than 3 tasks" in said


def test_points_and_lines_are_the_numbers(text: FigureText) -> None:
    figure, numbers = draw(text)
    whole = numbers[numbers["panel"] == "all"]
    assert point_values(figure, 0) == pytest.approx(sorted(numbers["mean_rank"]))
    np.testing.assert_allclose(
        line_ends(figure, 0), sorted(whole[["low", "high"]].itertuples(index=False))
    )


def test_rows_of_one_embedding_are_named(text: FigureText) -> None:
    shared = dict.fromkeys(("worst", "best", "partial"), "e")  # the last has no scene task
    said = words(draw(replace(text, scene_embeddings=shared))[0])
    assert "the same scores on 2 scene tasks: worst = best." in said


def test_official_entries_have_no_intervals(text: FigureText) -> None:
    figure, numbers = draw(text, source=dict.fromkeys(SCORES, "hear2021"), n_replicates=0)
    assert "no predictions to bootstrap" in words(figure)
    assert set(numbers["source"]) == {"hear2021"} and numbers["low"].isna().all()


def test_an_empty_study_says_so(text: FigureText) -> None:
    empty = pd.DataFrame(columns=list(ESTIMATE_COLUMNS))
    figure, numbers = figure_ranks(empty, text)
    assert numbers.empty and "No model has a score" in words(figure)
