"""The figure of mean ranks: what is drawn, in which order, and what it says of itself."""

from __future__ import annotations

import pandas as pd
from figure_parts import words
from made_up_cells import make_cells

from analysis.exhibits.figures.common import FigureText
from analysis.exhibits.figures.ranks import RANK_COLUMNS, figure_ranks
from analysis.exhibits.style import save_exhibit
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


def test_it_says_study_resamples_and_partial_models(text: FigureText) -> None:
    said = words(draw(text)[0])
    assert " ".join(text.label.split()) in said
    assert "over 400 resamples of the test clips" in said
    assert "1*" in said and "scores on fewer than 3 tasks" in said


def test_official_entries_have_no_intervals(text: FigureText) -> None:
    figure, numbers = draw(text, source=dict.fromkeys(SCORES, "hear2021"), n_replicates=0)
    assert "no predictions to resample" in words(figure)
    assert set(numbers["source"]) == {"hear2021"} and numbers["low"].isna().all()


def test_an_empty_study_says_so(text: FigureText) -> None:
    empty = pd.DataFrame(columns=list(ESTIMATE_COLUMNS))
    figure, numbers = figure_ranks(empty, text)
    assert numbers.empty and "No model has a score" in words(figure)


def test_same_statistics_same_bytes(text: FigureText, tmp_path) -> None:
    first = {path.suffix: path.read_bytes() for path in save_exhibit(draw(text), tmp_path / "a")}
    again = {path.suffix: path.read_bytes() for path in save_exhibit(draw(text), tmp_path / "b")}
    assert first == again and {".pdf", ".png", ".svg", ".csv"} == set(first)
