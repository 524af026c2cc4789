"""The figure of blocks: its numbers, what is filled, and where every panel stands."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_parts import line_ends, point_values, words
from made_up_cells import make_cells
from matplotlib.colors import to_hex
from report_page import save

from analysis.exhibits.blocks import figure_blocks, figure_blocks_caption
from analysis.exhibits.marks import SVG
from analysis.exhibits.text import FigureText
from analysis.statistics.estimates import estimate

SCORES = {  # by block; a is the last
    "a": {"esc50": 0.7, "fsd50k": 0.4, "maestro": 0.5, "libricount": 0.6},
    "b1": {"esc50": 0.5, "fsd50k": 0.4, "maestro": 0.8, "libricount": 0.4},
    "b2": {"esc50": 0.7, "fsd50k": 0.1, "maestro": 0.5, "libricount": 0.5},
    "logmel": {"esc50": 0.5, "fsd50k": 0.1, "maestro": 0.5, "libricount": 0.4},
}
BLOCKS = {"net, 160 ms": {"a": 3, "b1": 1, "b2": 2}}
FILLED = {"esc50": [1], "fsd50k": [2], "maestro": [1], "libricount": [1, 2]}


@pytest.fixture(scope="module")
def estimates() -> pd.DataFrame:
    maxima = {task: 1.0 for task in SCORES["a"]}
    return estimate(make_cells(SCORES, spread=0.01), maxima, "logmel", "test")


@pytest.fixture
def blocks(text: FigureText) -> FigureText:
    return replace(text, blocks=BLOCKS)


def test_points_and_lines_are_the_numbers(estimates: pd.DataFrame, blocks: FigureText) -> None:
    figure, numbers = figure_blocks(estimates, blocks)
    scores = numbers[numbers["statistic"] == "score"].set_index(["task", "model"])["score"]
    expected = {(t, m): SCORES[m][t] for m in BLOCKS["net, 160 ms"] for t in SCORES[m]}
    assert scores.to_dict() == expected
    means = numbers[numbers["statistic"] == "mean_normalized_score"].set_index(["panel", "block"])
    assert {panel for panel, _ in means.index} == {"all", "general", "music", "speech"}
    assert means.loc[("general", 1), "score"] == pytest.approx(0.45)
    assert point_values(figure, 1) == pytest.approx(sorted(numbers["score"]))
    ends = sorted(numbers[["low", "high"]].itertuples(index=False, name=None))
    np.testing.assert_allclose(line_ends(figure, 1), ends)


def test_differences_are_paired_and_to_the_last(
    estimates: pd.DataFrame, blocks: FigureText
) -> None:
    _, numbers = figure_blocks(estimates, blocks)
    rows = numbers[numbers["statistic"] == "score"].set_index(["task", "block"])
    for (task, block), row in rows.iterrows():
        others = {1: "b1", 2: "b2"}
        if block == 3:
            assert np.isnan(row["difference"])
            continue
        assert row["difference"] == pytest.approx(SCORES[others[block]][task] - SCORES["a"][task])
        assert row["difference_low"] < row["difference"] < row["difference_high"]
        sure = row["difference_low"] > 0 or row["difference_high"] < 0
        assert sure == (block in FILLED[task])
    said = figure_blocks_caption(blocks, numbers)
    assert "Of 8 scores of earlier blocks 1 are above the last block's and 4 below" in said


def test_what_surely_differs_is_filled_in_its_panel(
    estimates: pd.DataFrame, blocks: FigureText
) -> None:
    figure, _ = figure_blocks(estimates, blocks)
    panels = {axes.get_title("right"): axes for axes in figure.axes}
    assert "Lines: 95 % intervals" in words(figure) and "Vertical axes differ" in words(figure)
    for task, filled in FILLED.items():
        earlier, last = [c for c in panels[task].collections if len(c.get_offsets())][-2:]
        colors = [to_hex(color) for color in earlier.get_facecolors()]
        places = earlier.get_offsets()[:, 0]
        assert [x for x, c in zip(places, colors, strict=True) if c != "#ffffff"] == filled
        assert last.get_offsets()[:, 0].tolist() == [3]


def test_points_say_their_numbers_in_the_report(
    estimates: pd.DataFrame, blocks: FigureText, tmp_path: Path
) -> None:
    figure, numbers = figure_blocks(estimates, blocks)
    save((figure, numbers), tmp_path / "blocks")
    titles = [e.text for e in ET.parse(tmp_path / "blocks.svg").iter(f"{{{SVG}}}title")]
    assert len(titles) >= 2 * len(numbers)  # points and lines
    (said,) = {t for t in titles if t and t.startswith("b1\nmaestro\nscore: 0.800 (95 % interval ")}
    assert "\ndifference to the last block: 0.300 (95 % interval 0.2" in said


def test_networks_stand_side_by_side_and_gaps_are_said(
    estimates: pd.DataFrame, text: FigureText
) -> None:
    two = replace(text, blocks=BLOCKS | {"other, 160 ms": {"logmel": 1, "a": 2, "gone": 3}})
    figure, numbers = figure_blocks(estimates, two)
    assert numbers.groupby("network")["block"].nunique().to_dict() == {
        "net, 160 ms": 3,
        "other, 160 ms": 2,
    }
    assert "net, 160 ms" in words(figure) and "No score in this study: gone." in words(figure)
    assert len(set(figure.axes[1].collections[-1].get_offsets()[:, 0])) == 1
    nothing, none = figure_blocks(estimates, text)
    assert none.empty and "No two blocks of one network" in words(nothing)
