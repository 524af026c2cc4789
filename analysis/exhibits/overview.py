"""Figure 9: every model over all its tasks, sorted by median normalized score."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.exhibits.boxes import draw_boxes
from analysis.exhibits.numbers import (
    BOX_NOTE,
    MIN_BOX_TASKS,
    NOTHING_DRAWN,
    POINT_COLUMNS,
    has_official,
    missing_note,
    numbers,
    official_in_words,
    tasks_in_words,
)
from analysis.exhibits.style import (
    DARK,
    GRAY,
    LINE_IN,
    PALETTE,
    SMALL_PT,
    empty_figure,
    house_style,
    new_figure,
    pale,
)
from analysis.exhibits.text import FigureText

LABEL_LETTERS = 28  # a longer model name goes on in a second line
ROW_IN = 0.165  # height of a model with a one-line name, inches
_BOX = 0.66  # height of a box, in units of the distance between models
_HEIGHTS = (0.0, 0.26, -0.26, 0.13, -0.13)  # of a model's points in turn, in the same units


def figure_9(summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 9: normalized scores of all models on all their tasks, best median on top.

    Beside official scores: the HEAR 2021 entries and the highlighted models of the run (improved
    PaSST, as in the paper, if nothing else is said); entries that came later are left out. In
    other studies: every model of the run.

    Returns
    -------
    figure : Figure
        A horizontal box and a point per task for each model, its number of tasks on the right.
        A model without a score on one of the figure's tasks has a hollow box and a star; of fewer
        than `MIN_BOX_TASKS` tasks there are only the points and their median.
    numbers : DataFrame
        What is drawn, one row per point, columns `POINT_COLUMNS`; ``position`` is the rank by
        median, 1 the best, models of equal median by name.
    """
    run = summary["source"] == "run"
    if has_official(summary):
        highlighted = run & summary["model"].isin(list(text.highlight))
        rows = summary[summary["source"].eq("hear2021") | highlighted]
        expected = set(text.highlight) if run.any() else set()
    else:
        rows = summary[run]
        expected = set(rows["model"])
    rows = rows[rows["normalized_score"].notna()]
    missing = missing_note(sorted(expected), rows)
    if rows.empty:
        reason = " ".join(missing) or "No model has a normalized score in this study."
        return empty_figure(reason, text), numbers(rows, 9, text, POINT_COLUMNS)
    rows = _ranked(rows)
    models = rows.drop_duplicates("position")
    labels = model_labels(models["model"], text)
    with house_style():
        n_lines = sum(label.count("\n") for label in labels)
        height_in = 0.55 + ROW_IN * len(labels) + LINE_IN * n_lines
        figure = new_figure(height_in, [*missing, *_notes(rows)], text)
        axes = figure.add_subplot()
        _draw(axes, rows, text)
        write_counts(axes, models, rows["task"].nunique())
        axes.set_yticks(models["position"], labels, linespacing=0.95)
        is_highlighted = models["source"].eq("run") & models["model"].isin(list(text.highlight))
        for tick, stands_out in zip(axes.get_yticklabels(), is_highlighted, strict=True):
            tick.set_fontweight("bold" if stands_out else "normal")
    return figure, numbers(rows, 9, text, POINT_COLUMNS)


def figure_9_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return NOTHING_DRAWN
    unequal = " Models on fewer tasks than others are starred: no score is filled in for them."
    return (
        f"A row per model ({numbers['model'].nunique()}), best median on top; a point per task, "
        f"{tasks_in_words(numbers)} in all. Horizontal axis: score divided by the "
        f"{text.normalization}.{official_in_words(numbers)}"
        f"{unequal if numbers['n_tasks'].nunique() > 1 else ''}"
    )


def model_labels(models: pd.Series, text: FigureText) -> list[str]:
    """Return the names of models as labels of rows, long ones in several lines."""
    return [
        textwrap.fill(text.model(model), LABEL_LETTERS, break_on_hyphens=False) for model in models
    ]


def write_counts(axes: Axes, models: pd.DataFrame, all_tasks: int) -> None:
    """Write each model's ``n_tasks`` to the right of its row, starred if it is not all tasks."""
    place: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": SMALL_PT,
    }
    for row in models.itertuples():
        star = "" if row.n_tasks == all_tasks else "*"
        axes.text(1.02, row.position, f"{row.n_tasks}{star}", **place)
    last = models["position"].max()
    axes.set_ylim(last + 0.6, 0.4)
    axes.text(
        1.02, 1.0, "tasks", transform=axes.transAxes, ha="center", va="bottom", fontsize=SMALL_PT
    )


def _ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Add each model's number of tasks, median, mean and rank (``position``)."""
    scores = rows.groupby("model")["normalized_score"]
    models = scores.agg(["size", "median", "mean"]).reset_index()
    models = models.sort_values(["median", "model"], ascending=[False, True], ignore_index=True)
    facts = {
        "n_tasks": models["size"],
        "median_normalized_score": models["median"],
        "mean_normalized_score": models["mean"],
        "position": models.index + 1,
    }
    facts = models[["model"]].assign(**facts)
    return rows.merge(facts, on="model").assign(panel="all tasks").sort_values(["position", "task"])


def _notes(rows: pd.DataFrame) -> list[str]:
    """Say how to read the rows that are drawn."""
    notes = ["Sorted by median (black line); a point per task."]
    n_tasks = rows["task"].nunique()
    if rows["n_tasks"].min() < n_tasks:
        notes.append(f"* and hollow: fewer than all {n_tasks} tasks, not strictly comparable.")
    return notes + ([BOX_NOTE] if rows["n_tasks"].min() < MIN_BOX_TASKS else [])


def _draw(axes: Axes, rows: pd.DataFrame, text: FigureText) -> None:
    """Draw a row per model, rank 1 on top."""
    axes.axvline(1, color=DARK, linewidth=0.6, linestyle=":", zorder=1)
    mine = rows["source"].eq("run") & rows["model"].isin(list(text.highlight))
    full = rows["n_tasks"] == rows["task"].nunique()
    fills = mine.map({True: pale(PALETTE[0]), False: pale(GRAY)}).where(full, "white")
    draw_boxes(axes, rows.assign(fill=fills), "position", _BOX, "h")
    points = rows.sort_values(["position", "normalized_score"])
    turn = points.groupby("position").cumcount() % len(_HEIGHTS)
    points = points.assign(height=points["position"] + np.take(_HEIGHTS, turn))
    sns.scatterplot(
        points, x="normalized_score", y="height", s=6, color=DARK, edgecolor="white",
        linewidth=0.3, zorder=4, legend=False, ax=axes,
    )  # fmt: skip
    low = min(0.0, float(rows["normalized_score"].min())) - 0.03  # d' can be negative
    high = max(1.03, 1.03 * float(rows["normalized_score"].max()))
    axes.set(xlim=(low, high), xlabel=text.normalized_axis, ylabel="")
    axes.grid(axis="x")
