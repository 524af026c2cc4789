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
from analysis.exhibits.marks import mark, mark_models, score_words
from analysis.exhibits.numbers import (
    BOX_NOTE,
    IMPROVED,
    MIN_BOX_TASKS,
    NOTHING_DRAWN,
    PAPER_NAMES,
    POINT_COLUMNS,
    has_official,
    highlighted,
    interval_note,
    lacking,
    missing_note,
    numbers,
    official_in_words,
    same_note,
    tasks_in_words,
    with_intervals,
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
from analysis.tables.words import ALL

LABEL_LETTERS = 28  # a longer model name goes on in a second line
ROW_IN = 0.165  # height of a model with a one-line name, inches
_BOX = 0.66  # height of a box, in units of the distance between models
_LINE = 0.42  # distance of the median's interval from the middle of its row, in the same units
_HEIGHTS = (0.0, 0.26, -0.26, 0.13, -0.13)  # of a model's points in turn, in the same units


def figure_9(
    summary: pd.DataFrame, estimates: pd.DataFrame, text: FigureText
) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 9: normalized scores of all models on all their tasks, best median on top.

    With official scores, the figure shows the HEAR 2021 entries and the highlighted models of the
    run (by default improved PaSST, as in the paper; all models if none of these was run); later
    entries are omitted. In other studies, it shows all models of the run.

    Each model has a horizontal box, a point per task, and its number of tasks on the right; below
    the box is the median's 95 % interval, if there are predictions to bootstrap. A model without a
    score on one of the figure's tasks has a hollow box and a star; with fewer than `MIN_BOX_TASKS`
    tasks, only the points and their median are drawn. The numbers have one row per point;
    ``position`` is the rank by median, 1 for the best, ties in the order of names.
    """
    run, mine = summary["source"] == "run", list(text.highlight)
    if has_official(summary):
        mine = highlighted(summary, text)
        rows = summary[summary["source"].eq("hear2021") | run & summary["model"].isin(mine)]
        expected = set(mine)
    else:
        rows = summary[run]
        expected = set(rows["model"])
    rows = rows[rows["normalized_score"].notna()]
    rows = rows.assign(stands_out=rows["source"].eq("run") & rows["model"].isin(mine))
    missing = missing_note(sorted(expected), rows)
    if rows.empty:
        has_score = summary.loc[run, "score"].notna().any()  # but 0 is its best model's
        reason = "" if has_score else " ".join(missing)
        reason = reason or "No model has a normalized score in this study."
        return empty_figure(reason, text), numbers(rows, 9, text, POINT_COLUMNS)
    rows = _ranked(rows)
    of_all = estimates[estimates["category"] == ALL]
    rows = with_intervals(rows, of_all, "median_normalized_score")
    models = rows.drop_duplicates("position")
    with house_style():
        notes = [*missing, *_notes(rows), *same_note(rows, text)]
        figure, axes = model_rows(models, rows["task"].nunique(), notes, text)
        _draw(axes, rows, estimates, text)
        for tick, stands_out in zip(axes.get_yticklabels(), models["stands_out"], strict=True):
            tick.set_fontweight("bold" if stands_out else "normal")
    return figure, numbers(rows, 9, text, POINT_COLUMNS)


def figure_9_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return NOTHING_DRAWN
    run = numbers[numbers["source"] == "run"].drop_duplicates("model")
    places = [
        f"{row.label}: place {row.position:.0f}, median {row.median_normalized_score:.3f}"
        for row in run.itertuples()
    ]
    beside = has_official(numbers) and places
    mine = f" Of this run: {'; '.join(places)}." if beside else ""
    unequal = " Models with fewer tasks than others are starred; missing scores are not imputed."
    return (
        f"A row per model ({numbers['model'].nunique()}), best median on top; a point per task, "
        f"{tasks_in_words(numbers)} in all. Horizontal axis: score divided by the "
        f"{text.normalization}.{official_in_words(numbers, text)}{mine}"
        f"{unequal if numbers['n_tasks'].nunique() > 1 else ''}"
    )


def figure_9_here(text: FigureText, numbers: pd.DataFrame) -> str:
    n_models = numbers.groupby("source")["model"].nunique()
    words = {"hear2021": "HEAR 2021 entries", "run": "models of this run"}
    here = " and ".join(f"{n_models[s]} {name}" for s, name in words.items() if s in n_models)
    return f"{here}{lacking(numbers, {IMPROVED: 'improved PaSST'})}"


def model_rows(
    models: pd.DataFrame, all_tasks: int, notes: list[str], text: FigureText, legend_in: float = 0.0
) -> tuple[Figure, Axes]:
    """Make a figure with one row per model: name on the left, ``n_tasks`` on the right.

    ``position`` is 1 for the top row. The number is starred if it is less than the total.
    """
    labels = [
        textwrap.fill(_name(model, text), LABEL_LETTERS, break_on_hyphens=False)
        for model in models["model"]
    ]
    n_lines = sum(label.count("\n") for label in labels)
    height_in = 0.55 + ROW_IN * len(labels) + LINE_IN * n_lines + legend_in
    figure = new_figure(height_in, notes, text)
    axes = figure.add_subplot(ylim=(len(labels) + 0.6, 0.4))
    axes.set_yticks(models["position"], labels, linespacing=0.95)
    mark_models(axes.get_yticklabels(), models["model"].tolist(), text)
    place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": SMALL_PT}
    for row in models.itertuples():
        star = "" if row.n_tasks == all_tasks else "*"
        axes.text(1.02, row.position, f"{row.n_tasks}{star}", va="center", **place)
    axes.text(1.02, 0.4, "tasks", ha="center", va="bottom", **place)
    return figure, axes


def _name(model: str, text: FigureText) -> str:
    """Display name of a model, with the paper's of an entry that it calls otherwise."""
    name, papers = text.model(model), PAPER_NAMES.get(model, "")
    if papers.casefold() in name.casefold():
        return name
    return f"{name} ({papers})".replace(papers, papers.replace(" ", "\u00a0"))  # on one line


def _ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Add each model's number of tasks, median, mean and rank (``position``)."""
    scores = rows.groupby("model")["normalized_score"]
    models = scores.agg(
        n_tasks="size", median_normalized_score="median", mean_normalized_score="mean"
    ).reset_index()
    order = ["median_normalized_score", "model"]
    models = models.sort_values(order, ascending=[False, True], ignore_index=True)
    models["position"] = models.index + 1
    return (
        rows.merge(models, on="model").assign(panel="all tasks").sort_values(["position", "task"])
    )


def _notes(rows: pd.DataFrame) -> list[str]:
    """Notes on how to read the drawn rows."""
    notes = ["Sorted by median (black line); a point per task."]
    notes += interval_note(rows, " of the median")
    n_tasks = rows["task"].nunique()
    if rows["n_tasks"].min() < n_tasks:
        notes.append(f"* and hollow: fewer than all {n_tasks} tasks, not strictly comparable.")
    return notes + ([BOX_NOTE] if rows["n_tasks"].min() < MIN_BOX_TASKS else [])


def _draw(axes: Axes, rows: pd.DataFrame, estimates: pd.DataFrame, text: FigureText) -> None:
    """Draw a row per model, rank 1 on top."""
    axes.axvline(1, color=DARK, linewidth=0.6, linestyle=":", zorder=1)
    full = rows["n_tasks"] == rows["task"].nunique()
    fills = rows["stands_out"].map({True: pale(PALETTE[0]), False: pale(GRAY)}).where(full, "white")
    draw_boxes(axes, rows.assign(fill=fills), text, "position", _BOX, _LINE, "h")
    points = rows.sort_values(["position", "normalized_score"])
    turn = points.groupby("position").cumcount() % len(_HEIGHTS)
    points = points.assign(height=points["position"] + np.take(_HEIGHTS, turn))
    sns.scatterplot(
        points, x="normalized_score", y="height", s=6, color=DARK, edgecolor="white",
        linewidth=0.3, zorder=4, legend=False, ax=axes,
    )  # fmt: skip
    mark(axes.collections[-1], points, score_words(points, estimates, text))
    drawn = rows[["normalized_score", "low", "high"]]
    low = min(0.0, drawn.min(axis=None)) - 0.03  # d' can be negative
    high = max(1.03, 1.03 * drawn.max(axis=None))
    axes.set(xlim=(low, high), xlabel=text.normalized_axis, ylabel="")
    axes.grid(axis="x")
