"""Figures as the registry draws them, and what a reader sees in one, for the tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.text import Text

from analysis.exhibits.make import load
from analysis.exhibits.registry import EXHIBITS, find_exhibit
from analysis.exhibits.text import FigureText
from analysis.statistics.estimates import ESTIMATE_COLUMNS

SHARE = "normalized_score"
OF_SCORES = tuple(e.stem for e in EXHIBITS if e.rule == "draw" and "summary" in e.of)
BOXES = ("figure_6", "figure_7", "figure_8", "figure_9")


def estimates_of(summary: pd.DataFrame) -> pd.DataFrame:
    """Estimates of a summary's scores and of their medians over tasks.

    Those of the run have intervals of 0.1 to both sides.
    """
    tables = [summary.assign(statistic=s, estimate=summary[s]) for s in ("score", SHARE)]
    for table in (summary, summary.assign(category="all")):
        medians = table.groupby(["model", "source", "category"])[SHARE].median().reset_index()
        tables.append(medians.assign(statistic=f"median_{SHARE}", estimate=medians[SHARE]))
    table = pd.concat(tables).assign(n_replicates=100)
    half = table["source"].map({"run": 0.1}).astype(float)
    table = table.assign(low=table["estimate"] - half, high=table["estimate"] + half)
    return table.reindex(columns=list(ESTIMATE_COLUMNS))


def draw(stem: str, summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw a figure of scores, with intervals where it has them."""
    exhibit = find_exhibit(f"figures/{stem}")
    tables = {"summary": summary, "estimates": estimates_of(summary)}
    return load(exhibit.drawing)(**{name: tables[name] for name in exhibit.of}, text=text)


def words(figure: Figure) -> str:
    """Everything a reader can read in a figure, with single spaces."""
    texts = figure.findobj(Text)
    return " ".join(" ".join(text.get_text().split()) for text in texts)


def bar_heights(figure: Figure) -> list[float]:
    """Heights of all bars, sorted."""
    patches = [patch for axes in figure.axes for patch in axes.patches]
    return sorted(patch.get_height() for patch in patches)


def line_ends(figure: Figure, axis: int) -> list[tuple[float, float]]:
    """Ends of all interval and median lines along an axis (0 level, 1 upright), sorted."""
    lines = [c for a in figure.axes for c in a.collections if isinstance(c, LineCollection)]
    ends = [tuple(segment[:, axis]) for line in lines for segment in line.get_segments()]
    return sorted(end for end in ends if not np.isnan(end).any())


def point_values(figure: Figure, axis: int) -> list[float]:
    """Coordinates of all points along an axis (0 level, 1 upright), sorted."""
    points = [c for a in figure.axes for c in a.collections if isinstance(c, PathCollection)]
    return sorted(np.concatenate([c.get_offsets()[:, axis] for c in points]))


def box_patches(figure: Figure) -> list[PathPatch]:
    """The boxes of a figure of boxes; a bar is another kind of patch."""
    patches = [patch for axes in figure.axes for patch in axes.patches]
    return [patch for patch in patches if isinstance(patch, PathPatch)]
