"""Figure 9: every model over all its tasks, sorted by median normalized score."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.exhibits.figures.common import (
    BOX_NOTE,
    MIN_BOX_TASKS,
    POINT_COLUMNS,
    FigureText,
    draw_box,
    empty_figure,
    has_official,
    missing_note,
    numbers,
)
from analysis.exhibits.style import (
    DARK,
    GRAY,
    LINE_IN,
    PALETTE,
    SMALL_PT,
    house_style,
    new_figure,
    pale,
)

_LABEL_LETTERS = 28  # a longer model name goes on in a second line
_ROW_IN = 0.165  # height of a model with a one-line name, inches
_BOX = 0.66  # height of a box, in units of the distance between models
_LEVELS = (0.0, 0.26, -0.26, 0.13, -0.13)  # heights of a model's points in turn, in the same units


def figure_9(summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 9: normalized scores of all models on all their tasks, best median on top.

    Beside official scores: the HEAR 2021 entries and the highlighted models of the run (improved
    PaSST, as in the paper, if nothing else is said); entries that came later are left out. In
    other studies: every model of the run.

    Parameters
    ----------
    summary : DataFrame
        One row per model and task.
    text : FigureText
        Words.

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
    highlight = text.highlight
    if has_official(summary):
        rows = summary[summary["source"].eq("hear2021") | run & summary["model"].isin(highlight)]
        expected = set(highlight) if run.any() else set()
    else:
        rows = summary[run]
        expected = set(rows["model"])
    rows = rows[rows["normalized_score"].notna()]
    missing = missing_note(sorted(expected), rows)
    if rows.empty:
        reason = " ".join(missing) or "No model has a normalized score in this study."
        return empty_figure(reason, text), numbers(rows, 9, text, POINT_COLUMNS)
    rows = _ranked(rows)
    labels = {
        rank: textwrap.fill(text.model(model), _LABEL_LETTERS, break_on_hyphens=False)
        for rank, model in rows.groupby("position")["model"].first().items()
    }
    n_lines = sum(label.count("\n") for label in labels.values())
    with house_style():
        notes = [*missing, *_notes(rows)]
        height_in = 0.65 + _ROW_IN * len(labels) + LINE_IN * n_lines
        figure = new_figure(height_in, notes, text.label)
        _draw(figure.add_subplot(), rows, labels, text)
    return figure, numbers(rows, 9, text, POINT_COLUMNS)


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


def _is_highlighted(group: pd.DataFrame, text: FigureText) -> bool:
    """Tell whether a model's rows are of the run and highlighted; an entry may have its name."""
    return group["source"].iloc[0] == "run" and group["model"].iloc[0] in text.highlight


def _notes(rows: pd.DataFrame) -> list[str]:
    """Say how to read the rows that are drawn."""
    notes = ["Models sorted by median (black line); a point per task."]
    n_tasks = rows["task"].nunique()
    if rows["n_tasks"].min() < n_tasks:
        notes.append(
            f"* and not filled: scores on fewer than all {n_tasks} tasks; median and rank are not "
            "strictly comparable."
        )
    if rows["n_tasks"].min() < MIN_BOX_TASKS:
        notes.append(BOX_NOTE)
    return notes


def _draw(axes: Axes, rows: pd.DataFrame, labels: dict[int, str], text: FigureText) -> None:
    """Draw a row per model, rank 1 on top."""
    all_tasks = rows["task"].nunique()
    axes.axvline(1, color=DARK, linewidth=0.6, linestyle=":", zorder=1)
    for rank, group in rows.groupby("position"):
        highlighted = _is_highlighted(group, text)
        color = PALETTE[0] if highlighted else GRAY
        scores = np.sort(group["normalized_score"].to_numpy())
        complete = len(scores) == all_tasks
        draw_box(axes, rank, scores, _BOX, pale(color) if complete else "none", level=True)
        heights = rank + np.resize(_LEVELS, len(scores))  # neighbors never at the same height
        axes.scatter(scores, heights, s=6, color=DARK, edgecolors="white", linewidths=0.3, zorder=4)
        place = axes.get_yaxis_transform()
        count = f"{len(scores)}" if complete else f"{len(scores)}*"
        axes.text(1.02, rank, count, transform=place, va="center", fontsize=SMALL_PT)
    axes.set_yticks(list(labels), list(labels.values()), linespacing=0.95)
    for tick, (_, group) in zip(axes.get_yticklabels(), rows.groupby("position"), strict=True):
        tick.set_fontweight("bold" if _is_highlighted(group, text) else "normal")
    axes.text(1.02, 1.0, "tasks", transform=axes.transAxes, ha="center", va="bottom", fontsize=6.5)
    low = min(0.0, float(rows["normalized_score"].min())) - 0.03  # d' can be negative
    high = max(1.03, 1.03 * float(rows["normalized_score"].max()))
    axes.set(xlim=(low, high), ylim=(len(labels) + 0.6, 0.4), xlabel=text.normalized_axis)
    axes.grid(axis="x")
