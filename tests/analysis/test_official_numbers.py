"""Figures 8 and 9 from the official scores: what is known of the published challenge.

The expected numbers were computed independently from the leaderboard (2023-09), to three decimals.
"""

from __future__ import annotations

import pandas as pd
import pytest
from figure_parts import estimates_of
from score_rows import METRICS

from analysis.exhibits.boxes import figure_8
from analysis.exhibits.overview import figure_9
from analysis.exhibits.text import FigureText
from analysis.tables.normalize import summarize

TOLERANCE = 0.0006
BASE = "CP-JKU PaSST base"
TEXT = FigureText(
    "official",
    label="official",
    normalization="best HEAR 2021 entry",
    metrics={slug: facts.label for slug, facts in METRICS.items()},
)


@pytest.fixture(scope="module")
def summary(official: tuple[pd.DataFrame, pd.Series]) -> pd.DataFrame:
    return summarize(official[0], METRICS)


@pytest.fixture(scope="module")
def boxes(summary: pd.DataFrame) -> pd.DataFrame:
    numbers = figure_8(summary, estimates_of(summary), TEXT)[1]
    return numbers.drop_duplicates(["model", "panel"]).set_index(["model", "panel"])


def test_best_entries_are_at_one(summary: pd.DataFrame) -> None:
    challenge = summary[summary["source"] == "hear2021"]
    best = challenge.groupby("task")["normalized_score"].max()
    assert len(best) == 19
    assert (best == 1).all()


def test_later_entries_exceed_one(summary: pd.DataFrame) -> None:
    later = summary[summary["source"] == "later"]
    assert later["model"].nunique() == 5
    assert later["normalized_score"].max() > 1


@pytest.mark.parametrize(
    ("model", "category", "mean", "median", "n_tasks"),
    [
        (BASE, "general", None, 0.978, 6),
        (BASE, "music", 0.791, None, 6),
        (BASE, "speech", 0.673, 0.698, 5),
        ("OpenL3", "speech", 0.697, 0.731, 5),
        ("OpenL3", "music", 0.781, None, 7),
        ("CVSSP PANNS", "speech", 0.622, 0.632, 5),
    ],
)
def test_boxes_of_figure_8(
    boxes: pd.DataFrame,
    model: str,
    category: str,
    mean: float | None,
    median: float | None,
    n_tasks: int,
) -> None:
    box = boxes.loc[(model, category)]
    assert box["n_tasks"] == n_tasks
    if mean is not None:
        assert box["mean_normalized_score"] == pytest.approx(mean, abs=TOLERANCE)
    if median is not None:
        assert box["median_normalized_score"] == pytest.approx(median, abs=TOLERANCE)


def test_openl3_on_the_music_tasks_it_shares_with_passt(summary: pd.DataFrame) -> None:
    music = summary[summary["category"] == "music"].set_index(["model", "task"])["normalized_score"]
    shared = music["OpenL3"].loc[music[BASE].index]
    assert len(shared) == 6
    assert shared.mean() == pytest.approx(0.905, abs=TOLERANCE)


def test_figure_9_is_led_by_fuse_cat_xwc(summary: pd.DataFrame) -> None:
    first = figure_9(summary, estimates_of(summary), TEXT)[1].iloc[0]
    assert first["model"] == "GURA Fuse Cat H+w+C"
    assert first["median_normalized_score"] == pytest.approx(0.965, abs=TOLERANCE)


def test_zeros_stay_and_blanks_are_absent(summary: pd.DataFrame) -> None:
    scores = summary.set_index(["model", "task"])["score"]
    assert scores["CVSSP PANNS", "dcase2016_task2"] == 0
    assert scores["CVSSP PANNS", "maestro"] == 0
    assert (BASE, "maestro") not in scores.index
    assert (BASE, "beehive_states") not in scores.index
