"""Figures say what must not be read out of them: few tasks, incomplete rows, random weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_parts import bar_heights, box_patches, words
from score_rows import METRICS

from analysis.exhibits.figures import FIGURES
from analysis.exhibits.figures.common import BASE, MIN_BOX_TASKS, FigureText
from analysis.tables.normalize import best_of_run, normalize, summarize


@pytest.mark.parametrize("number", (6, 7, 8, 9))
def test_boxes_only_where_there_are_quartiles(
    number: int, run_summary: pd.DataFrame, official_summary: pd.DataFrame, text: FigureText
) -> None:
    for summary in (run_summary, official_summary):
        figure, numbers = FIGURES[number](summary, text)
        n_tasks = numbers.groupby(["panel", "model"]).size()
        assert len(box_patches(figure)) == (n_tasks >= MIN_BOX_TASKS).sum()
        few = bool((n_tasks < MIN_BOX_TASKS).any())
        assert ("Fewer than 4 tasks: points and their median" in words(figure)) == few


def test_median_line_of_few_tasks(run_summary: pd.DataFrame, text: FigureText) -> None:
    figure, numbers = FIGURES[6](run_summary, text)
    lines = [line for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    drawn = sorted(float(line.get_ydata()[0]) for line in lines)
    medians = numbers.drop_duplicates(["panel", "model"])["median_normalized_score"]
    assert drawn == pytest.approx(sorted(medians))


def test_points_of_figure_9_are_on_top_and_apart(
    official_summary: pd.DataFrame, text: FigureText
) -> None:
    axes = FIGURES[9](official_summary, text)[0].axes[0]
    others = max(artist.get_zorder() for artist in (*axes.lines, *axes.patches))
    for points in axes.collections:
        assert points.get_zorder() > others
        places = points.get_offsets()
        assert len(np.unique(places, axis=0)) == len(places)


def test_rows_of_figure_9_over_fewer_tasks_are_marked(
    official_summary: pd.DataFrame, text: FigureText
) -> None:
    figure, numbers = FIGURES[9](official_summary, text)
    n_tasks = numbers.groupby("position")["n_tasks"].first()
    counts = [text.get_text() for text in figure.axes[0].texts]
    for rank, n in n_tasks.items():
        assert counts[rank - 1] == (f"{n}" if n == 19 else f"{n}*")
    hollow = [patch.get_facecolor()[3] == 0 for patch in box_patches(figure)]
    assert hollow == (n_tasks < 19).tolist()
    assert "fewer than all 19 tasks" in words(figure)


def test_complete_rows_of_figure_9_are_not_marked(
    run_summary: pd.DataFrame, text: FigureText
) -> None:
    complete = run_summary[run_summary["model"] != "passt_l_hop10"]
    assert "*" not in words(FIGURES[9](complete, text)[0])
    assert "2*" in words(FIGURES[9](run_summary, text)[0]).split()


@pytest.mark.parametrize("number", (4, 5, 6, 7))
def test_random_weights_are_said_on_the_axis(
    number: int, real_summary: pd.DataFrame, text: FigureText
) -> None:
    def axis(models: dict[str, str]) -> tuple[str, str]:
        figure = FIGURES[number](real_summary, replace(text, models=models))[0]
        return figure.axes[-1].get_xlabel(), words(figure)

    assert axis(dict(text.models))[0] == "All PaSST models: random-init weights"
    assert axis({})[0] == ""
    some = {BASE: "base (random-init)", "passt_lm_hop10": "L+M (random-init)"}
    label, drawn = axis(some)
    assert label == "* random-init weights"
    starred = {4: "L+M*", 5: "160 ms*", 6: "M+H*", 7: "hop 10 ms*"}
    assert starred[number] in drawn


def test_a_model_without_any_event_has_a_bar_of_zero(
    run_tidy: pd.DataFrame, text: FigureText
) -> None:
    silent = (run_tidy["model"] == BASE) & (run_tidy["task"] == "maestro")
    tidy = run_tidy.assign(score=run_tidy["score"].mask(silent))
    summary = summarize(normalize(tidy, best_of_run(tidy, METRICS), METRICS), METRICS)
    figure, numbers = FIGURES[4](summary, text)
    assert numbers.set_index(["model", "task"])["score"][BASE, "maestro"] == 0
    assert min(bar_heights(figure)) == 0
    assert "no score" not in words(figure)


@pytest.mark.parametrize("number", (6, 9, 10))
def test_negative_scores_are_inside(
    number: int, run_summary: pd.DataFrame, text: FigureText
) -> None:
    negative = run_summary["normalized_score"].mask(run_summary["task"] == "libricount", -0.7)
    axes = FIGURES[number](run_summary.assign(normalized_score=negative), text)[0].axes[0]
    assert min(*axes.get_xlim(), *axes.get_ylim()) < -0.7
