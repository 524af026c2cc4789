"""Figures say what must not be read out of them: few tasks, incomplete rows, random weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_parts import BOXES, bar_heights, box_patches, draw, estimates_of, line_ends, words
from matplotlib.collections import PathCollection
from score_rows import METRICS

from analysis.exhibits.numbers import BASE, IMPROVED, MIN_BOX_TASKS
from analysis.exhibits.task_bars import figure_10
from analysis.exhibits.text import FigureText
from analysis.tables.normalize import best_of_run, normalize, summarize


@pytest.mark.parametrize("stem", BOXES)
def test_boxes_only_where_there_are_quartiles(
    stem: str, run_summary: pd.DataFrame, official_summary: pd.DataFrame, text: FigureText
) -> None:
    for summary in (run_summary, official_summary):
        figure, numbers = draw(stem, summary, text)
        n_tasks = numbers.groupby(["panel", "model"]).size()
        assert len(box_patches(figure)) == (n_tasks >= MIN_BOX_TASKS).sum()
        few = bool((n_tasks < MIN_BOX_TASKS).any())
        assert ("Fewer than 4 tasks: points and their median" in words(figure)) == few


def test_median_line_of_few_tasks(run_summary: pd.DataFrame, text: FigureText) -> None:
    figure, numbers = draw("figure_6", run_summary, text)
    medians = numbers.drop_duplicates(["panel", "model"])["median_normalized_score"]
    level = [low for low, high in line_ends(figure, 1) if low == high]  # not the intervals
    assert level == pytest.approx(sorted(medians))


@pytest.mark.parametrize("stem", BOXES)
def test_medians_have_their_intervals(
    stem: str, real_summary: pd.DataFrame, text: FigureText
) -> None:
    figure, numbers = draw(stem, real_summary, text)
    boxes = numbers.drop_duplicates(["panel", "source", "model"])
    run = boxes["source"] == "run"
    assert boxes.loc[~run, "low"].isna().all()
    intervals = boxes.loc[run, ["low", "high"]].itertuples(index=False, name=None)
    ends = line_ends(figure, 0 if stem == "figure_9" else 1)
    drawn = [pair for pair in ends if pair[1] > pair[0]]
    np.testing.assert_allclose(drawn, sorted(intervals))
    halves = (boxes["high"] - boxes["median_normalized_score"])[run]
    np.testing.assert_allclose(halves, 0.1)
    assert "Lines: 95 % intervals of the median, 100 bootstraps" in words(figure)


@pytest.mark.parametrize("stem", ["figure_8", "figure_10"])
def test_confounds_of_base_against_improved_are_named(
    stem: str, run_summary: pd.DataFrame, text: FigureText
) -> None:
    confounded = FigureText(**vars(text) | {"confounds": {"levels": "M is narrow"}})
    assert "Confounded: M is narrow." in words(draw(stem, run_summary, confounded)[0])
    assert "Confounded" not in words(draw(stem, run_summary, text)[0])


def test_tasks_on_which_base_and_improved_differ_are_bold(
    run_summary: pd.DataFrame, text: FigureText
) -> None:
    pairs = [(BASE, IMPROVED, "libricount", 0.1, 0.3), (IMPROVED, BASE, "maestro", -0.3, -0.1)]
    pairs += [
        (BASE, IMPROVED, "nsynth_pitch_5h", -0.1, 0.3),
        ("logmel", BASE, "dcase2016_task2", 1, 2),
    ]
    columns = ["model", "other_model", "task", "low", "high"]
    differences = pd.DataFrame(pairs, columns=columns).assign(statistic="score_difference")
    estimates = pd.concat([estimates_of(run_summary), differences])
    figure, _ = figure_10(run_summary, estimates, text)
    bold = {t.get_text() for t in figure.axes[0].get_xticklabels() if t.get_fontweight() == "bold"}
    assert bold == {"libricount", "maestro"}
    assert "Bold: the interval of the difference excludes 0." in words(figure)
    assert "Bold" not in words(draw("figure_10", run_summary, text)[0])


def test_rows_of_one_embedding_are_named(
    run_summary: pd.DataFrame, real_summary: pd.DataFrame, text: FigureText
) -> None:
    assert "The same embedding" not in words(draw("figure_9", run_summary, text)[0])
    shared = {"passt_m_hop10": "hop10.scene.M", "passt_lm_hop10": "hop10.scene.M"}
    named = replace(text, scene_embeddings=shared | {BASE: "hop10.scene.HM"})
    said = words(draw("figure_9", run_summary, named)[0])
    start = "The same embedding and therefore the same scores on 2 scene tasks: "
    names = [text.model(model) for model in shared]
    assert any(f"{start}{first} = {last}." in said for first, last in (names, names[::-1]))
    assert start not in words(draw("figure_9", real_summary, named)[0])  # these are not drawn


def test_points_of_figure_9_are_on_top_and_apart(
    official_summary: pd.DataFrame, text: FigureText
) -> None:
    axes = draw("figure_9", official_summary, text)[0].axes[0]
    others = max(artist.get_zorder() for artist in (*axes.lines, *axes.patches))
    drawn = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert drawn
    for points in drawn:
        assert points.get_zorder() > others
        places = points.get_offsets()
        assert len(np.unique(places, axis=0)) == len(places)


def test_rows_of_figure_9_over_fewer_tasks_are_marked(
    official_summary: pd.DataFrame, text: FigureText
) -> None:
    figure, numbers = draw("figure_9", official_summary, text)
    n_tasks = numbers.groupby("position")["n_tasks"].first()
    counts = [text.get_text() for text in figure.axes[0].texts]
    for rank, n in n_tasks.items():
        assert counts[rank - 1] == (f"{n}" if n == 19 else f"{n}*")
    boxes = sorted(box_patches(figure), key=lambda box: box.get_path().get_extents().y0)
    hollow = [box.get_facecolor()[:3] == (1, 1, 1) for box in boxes]
    assert hollow == (n_tasks < 19).tolist()
    assert "fewer than all 19 tasks" in words(figure)


def test_complete_rows_of_figure_9_are_not_marked(
    run_summary: pd.DataFrame, text: FigureText
) -> None:
    complete = run_summary[run_summary["model"] != "passt_l_hop10"]
    assert "*" not in words(draw("figure_9", complete, text)[0])
    assert "2*" in words(draw("figure_9", run_summary, text)[0]).split()


def test_entries_have_the_papers_names_too(
    official_summary: pd.DataFrame, text: FigureText
) -> None:
    said = words(draw("figure_9", official_summary, text)[0])
    assert "GURA Fuse Cat H+w+C (Fuse Cat XWC)" in said and "GURA Cat H+w+C (Cat XWC)" in said
    assert "(Wav2Vec2)" not in said  # the same but for its case


@pytest.mark.parametrize("stem", ("figure_4", "figure_5", "figure_6", "figure_7"))
def test_random_weights_are_said_on_the_axis(
    stem: str, real_summary: pd.DataFrame, text: FigureText
) -> None:
    def axis(models: dict[str, str]) -> tuple[str, str]:
        figure = draw(stem, real_summary, replace(text, models=models))[0]
        return figure.axes[-1].get_xlabel(), words(figure)

    assert axis(dict(text.models))[0].endswith("All PaSST models: random-init weights")
    assert "random-init" not in axis({})[0]
    some = {BASE: "base (random-init)", "passt_lm_hop10": "L+M (random-init)"}
    label, drawn = axis(some)
    assert label.endswith("* random-init weights")
    starred = {"4": "L+M*", "5": "160 ms*", "6": "M+H*", "7": "10*"}
    assert f" {starred[stem[-1]]} " in drawn


def test_a_model_without_any_event_has_a_bar_of_zero(
    run_tidy: pd.DataFrame, text: FigureText
) -> None:
    silent = (run_tidy["model"] == BASE) & (run_tidy["task"] == "maestro")
    tidy = run_tidy.assign(score=run_tidy["score"].mask(silent))
    summary = summarize(normalize(tidy, best_of_run(tidy, METRICS), METRICS), METRICS)
    figure, numbers = draw("figure_4", summary, text)
    assert numbers.set_index(["model", "task"])["score"][BASE, "maestro"] == 0
    assert min(bar_heights(figure)) == 0
    assert "no score" not in words(figure)


@pytest.mark.parametrize("stem", ("figure_6", "figure_9", "figure_10"))
def test_negative_scores_are_inside(stem: str, run_summary: pd.DataFrame, text: FigureText) -> None:
    negative = run_summary["normalized_score"].mask(run_summary["task"] == "libricount", -0.7)
    axes = draw(stem, run_summary.assign(normalized_score=negative), text)[0].axes[0]
    assert min(*axes.get_xlim(), *axes.get_ylim()) < -0.7
