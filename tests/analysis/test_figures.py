"""Figures: exactly the numbers drawn, the same bytes again, and every gap said in words."""

from __future__ import annotations

import dataclasses
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from figure_parts import BOXES, OF_SCORES, bar_heights, draw, line_ends, point_values, words
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from analysis.exhibits.event_bars import LEVELS, REFERENCES
from analysis.exhibits.make import caption
from analysis.exhibits.numbers import BASE, IMPROVED
from analysis.exhibits.registry import find_exhibit
from analysis.exhibits.style import SMALL_PT, save_figure
from analysis.exhibits.text import FigureText


@pytest.mark.parametrize("stem", OF_SCORES)
def test_label_is_visible(stem: str, run_summary: pd.DataFrame, text: FigureText) -> None:
    assert text.label in words(draw(stem, run_summary, text)[0])


@pytest.mark.parametrize("stem", OF_SCORES)
def test_names_are_text(stem: str, run_summary: pd.DataFrame, text: FigureText, tmp_path) -> None:
    odd = {name: f"{name} $\\frac{{$ _<b>" for name in {*text.models, *run_summary["model"]}}
    tasks = {task: f"_{task} $x_{{$" for task in run_summary["task"]}
    named = dataclasses.replace(text, models=odd, tasks=tasks, stamp="folder $a_{$")
    figure, _ = draw(stem, run_summary, named)
    assert "folder $a_{$" in words(figure)
    save_figure(figure, tmp_path / stem, ["svg"])


@pytest.mark.parametrize("stem", ("figure_6", "figure_7", "figure_8", "figure_9", "figure_10"))
def test_axis_says_the_normalization(
    stem: str, run_summary: pd.DataFrame, text: FigureText
) -> None:
    assert "Score / best model of this run" in words(draw(stem, run_summary, text)[0])


@pytest.mark.parametrize("stem", ("figure_4", "figure_5"))
def test_axis_says_the_metric(stem: str, run_summary: pd.DataFrame, text: FigureText) -> None:
    drawn = words(draw(stem, run_summary, text)[0])
    assert "Onset F-measure (200 ms)" in drawn
    assert "Onset F-measure (50 ms)" in drawn
    assert "Lines: 95 % intervals, 100 bootstraps of the test clips or their sources" in drawn


@pytest.mark.parametrize(
    ("stem", "column"), [("figure_4", "score"), ("figure_10", "normalized_score")]
)
def test_bars_are_the_numbers(
    stem: str, column: str, real_summary: pd.DataFrame, text: FigureText
) -> None:
    figure, numbers = draw(stem, real_summary, text)
    assert bar_heights(figure) == pytest.approx(sorted(numbers[column]))
    expected = real_summary.set_index(["source", "model", "task"])[column]
    keys = list(numbers[["source", "model", "task"]].itertuples(index=False, name=None))
    assert numbers[column].tolist() == expected.loc[keys].tolist()
    lines = numbers.loc[numbers["low"].notna(), ["low", "high"]]
    assert set(numbers.loc[lines.index, "source"]) == {"run"}
    drawn = sorted(lines.itertuples(index=False, name=None))
    np.testing.assert_allclose(line_ends(figure, 1), drawn)


@pytest.mark.parametrize("stem", BOXES)
def test_points_are_the_numbers(stem: str, real_summary: pd.DataFrame, text: FigureText) -> None:
    figure, numbers = draw(stem, real_summary, text)
    assert point_values(figure, 0 if stem == "figure_9" else 1) == pytest.approx(
        sorted(numbers["normalized_score"])
    )
    groups = numbers.groupby(["panel", "source", "model"])
    assert (numbers["n_tasks"] == groups["task"].transform("size")).all()
    medians = groups["normalized_score"].transform("median")
    np.testing.assert_allclose(numbers["median_normalized_score"], medians)


def test_no_official_models_beside_other_tasks(run_summary: pd.DataFrame, text: FigureText) -> None:
    for stem in OF_SCORES:
        figure, numbers = draw(stem, run_summary, text)
        assert set(numbers["source"]) == {"run"}
        assert "OpenL3" not in words(figure)


def test_figure_4_beside_official_scores(real_summary: pd.DataFrame, text: FigureText) -> None:
    figure, numbers = draw("figure_4", real_summary, text)
    assert set(numbers["model"]) == {*LEVELS, *REFERENCES}
    assert set(numbers.loc[numbers["source"] == "hear2021", "model"]) == set(REFERENCES)
    assert "HEAR 2021 entry" in words(figure)


def test_figure_8_shows_the_third_party_models(run_summary: pd.DataFrame, text: FigureText) -> None:
    numbers = draw("figure_8", run_summary, text)[1]
    assert set(numbers["model"]) == {"logmel", BASE, IMPROVED}


def test_figure_9_is_the_papers(real_summary: pd.DataFrame, text: FigureText) -> None:
    numbers = draw("figure_9", real_summary, text)[1]
    assert numbers.loc[numbers["source"] == "run", "model"].unique().tolist() == [IMPROVED]
    assert numbers.loc[numbers["source"] == "hear2021", "model"].nunique() == 29
    assert "later" not in set(numbers["source"])
    ranks = numbers.drop_duplicates("model")
    assert ranks["position"].tolist() == list(range(1, 31))
    assert ranks["median_normalized_score"].is_monotonic_decreasing


@pytest.mark.parametrize("stem", ("figure_8", "figure_9"))
def test_a_run_without_the_papers_model_is_beside_the_entries(
    stem: str, real_summary: pd.DataFrame, text: FigureText
) -> None:
    mine = ["logmel", "passt_m_hop10"]
    run = real_summary["source"] == "run"
    numbers = draw(stem, real_summary[~run | real_summary["model"].isin(mine)], text)[1]
    shown = numbers[numbers["source"] == "run"]
    assert set(shown["model"]) == set(mine) and not numbers[numbers["source"] == "hear2021"].empty
    said = caption(find_exhibit(f"figures/{stem}"), text, numbers)
    assert "HEAR 2021 entries are official scores, not of this run" in said
    if stem == "figure_9":
        place = shown[shown["model"] == "logmel"]["position"].iloc[0]
        assert f"{text.model('logmel')}: place {place}, median" in said


@pytest.mark.parametrize("stem", OF_SCORES)
def test_official_scores_alone(stem: str, official_summary: pd.DataFrame, text: FigureText) -> None:
    figure, numbers = draw(stem, official_summary, text)
    assert set(numbers["source"]) <= {"hear2021"}
    assert numbers.empty == (stem in ("figure_6", "figure_7", "figure_10"))
    assert text.label in words(figure)


@pytest.mark.parametrize("stem", OF_SCORES)
def test_nothing_to_draw_is_said(stem: str, run_summary: pd.DataFrame, text: FigureText) -> None:
    full = draw(stem, run_summary, text)[1]
    figure, numbers = draw(stem, run_summary.iloc[:0], text)
    assert numbers.empty
    assert list(numbers.columns) == list(full.columns)
    assert "in this study" in words(figure)


@pytest.mark.parametrize("stem", ("figure_4", "figure_5"))
def test_no_event_task_is_said(stem: str, run_summary: pd.DataFrame, text: FigureText) -> None:
    scenes = run_summary[~run_summary["task"].isin(text.event_tasks)]
    without = FigureText("test", label=text.label, normalization=text.normalization)
    assert "No event task" in words(draw(stem, scenes, without)[0])


@pytest.mark.parametrize("stem", ("figure_4", "figure_6", "figure_7", "figure_8", "figure_10"))
def test_missing_model_is_said(stem: str, run_summary: pd.DataFrame, text: FigureText) -> None:
    figure, numbers = draw(stem, run_summary[run_summary["model"] != BASE], text)
    assert BASE not in set(numbers["model"])
    assert f"No score in this study: {BASE}" in words(figure)


def test_missing_bar_is_said(run_summary: pd.DataFrame, text: FigureText) -> None:
    cell = (run_summary["model"] == BASE) & (run_summary["task"] == "maestro")
    summary = run_summary.assign(score=run_summary["score"].mask(cell))
    figure, numbers = draw("figure_4", summary, text)
    assert "no score" in words(figure)
    assert len(numbers) == 2 * len(LEVELS) - 1


def test_missing_task_is_said(run_summary: pd.DataFrame, text: FigureText) -> None:
    cell = (run_summary["model"] == BASE) & (run_summary["task"] == "maestro")
    drawn = words(draw("figure_10", run_summary[~cell], text)[0])
    assert "No score for PaSST base (random-init): maestro." in drawn


def test_unknown_category_is_drawn(run_summary: pd.DataFrame, text: FigureText) -> None:
    figure, numbers = draw("figure_6", run_summary.assign(category="custom"), text)
    assert set(numbers["panel"]) == {"custom"}
    assert "custom" in words(figure)


@pytest.mark.parametrize("stem", OF_SCORES)
def test_order_of_rows_does_not_matter(
    stem: str, run_summary: pd.DataFrame, text: FigureText
) -> None:
    numbers = [draw(stem, table, text)[1] for table in (run_summary, run_summary[::-1])]
    pd.testing.assert_frame_equal(*numbers)


def drawn_boxes(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Text, Bbox]]:
    """Every text that is really drawn, with its box in pixels; hidden tick labels are not."""
    seen: list[Text] = []
    draw = Text.draw
    monkeypatch.setattr(
        Text, "draw", lambda text, renderer: [seen.append(text), draw(text, renderer)]
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    visible = {id(text): text for text in seen if text.get_visible() and text.get_text().strip()}
    return [(text, text.get_window_extent(renderer)) for text in visible.values()]


@pytest.mark.slow
@pytest.mark.parametrize("stem", OF_SCORES)
@pytest.mark.parametrize("table", ["run_summary", "real_summary", "official_summary"])
def test_legible_inside_and_apart(
    stem: str,
    table: str,
    text: FigureText,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figure = draw(stem, request.getfixturevalue(table), text)[0]
    drawn = drawn_boxes(figure, monkeypatch)
    page = figure.bbox.padded(1)  # one pixel of rounding
    for item, box in drawn:
        assert item.get_fontsize() >= SMALL_PT
        assert page.x0 <= box.x0 and box.x1 <= page.x1, item.get_text()
        assert page.y0 <= box.y0 and box.y1 <= page.y1, item.get_text()
    level = [item for item in drawn if item[0].get_rotation() % 90 == 0]  # slanted: boxes too big
    overlapping = [
        (first.get_text(), second.get_text())
        for (first, a), (second, b) in combinations(level, 2)
        if a.padded(-1).overlaps(b.padded(-1))
    ]
    assert overlapping == []


def test_matplotlib_settings_are_left_alone(run_summary: pd.DataFrame, text: FigureText) -> None:
    before = dict(matplotlib.rcParams)
    draw("figure_4", run_summary, text)
    assert dict(matplotlib.rcParams) == before
