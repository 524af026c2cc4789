"""Figure 9: every model over all its tasks, sorted by median normalized score."""

from __future__ import annotations

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.common import (
    IMPROVED,
    POINT_COLUMNS,
    FigureText,
    empty_figure,
    has_official,
    missing_note,
    numbers,
)
from analysis.style import DARK, GRAY, LINE_IN, PALETTE, SMALL_PT, house_style, new_figure

_LABEL_LETTERS = 28  # a longer model name goes on in a second line
_ROW_IN = 0.145  # height of a model with a one-line name, inches


def figure_9(summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 9: normalized scores of all models on all their tasks, best median on top.

    Beside official scores: the HEAR 2021 entries and improved PaSST, as in the paper; entries that
    came later are left out. In other studies: every model of the run.

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
    numbers : DataFrame
        What is drawn, one row per point, columns `POINT_COLUMNS`; ``position`` is the rank by
        median, 1 the best, models of equal median by name.
    """
    run = summary["source"] == "run"
    if has_official(summary):
        improved = run & (summary["model"] == IMPROVED)
        rows = summary[summary["source"].eq("hear2021") | improved]
        expected = {IMPROVED} if run.any() else set()
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
        notes = [*missing, "Models sorted by median (black line); a point per task."]
        if rows["n_tasks"].nunique() > 1:
            notes.append("Medians over different numbers of tasks are no strict ranking.")
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


def _draw(axes: Axes, rows: pd.DataFrame, labels: dict[int, str], text: FigureText) -> None:
    """Draw a row per model, rank 1 on top."""
    for rank, group in rows.groupby("position"):
        official = group["source"].iloc[0] == "hear2021"
        scores = group["normalized_score"].to_numpy()
        color = GRAY if official else PALETTE[0]
        axes.boxplot(
            [scores],
            positions=[rank],
            widths=0.62,
            orientation="horizontal",
            manage_ticks=False,
            patch_artist=True,
            showfliers=False,  # every task is a point of its own already
            boxprops={"facecolor": color, "linewidth": 0.4, "alpha": 0.7},
            medianprops={"color": "black", "linewidth": 1.6},
            whiskerprops={"linewidth": 0.5},
            capprops={"linewidth": 0.5},
        )
        axes.scatter(
            scores, [rank] * len(scores), s=3, color=DARK, alpha=0.6, linewidths=0, zorder=3
        )
        place = axes.get_yaxis_transform()
        n_tasks = len(scores)
        axes.text(1.02, rank, n_tasks, transform=place, va="center", fontsize=SMALL_PT)
    axes.set_yticks(list(labels), list(labels.values()), linespacing=0.95)
    if rows["source"].nunique() > 1:
        for tick, (_, group) in zip(axes.get_yticklabels(), rows.groupby("position"), strict=True):
            tick.set_fontweight("bold" if group["source"].iloc[0] == "run" else "normal")
    axes.text(1.02, 1.0, "tasks", transform=axes.transAxes, ha="center", va="bottom", fontsize=6.5)
    limit = max(1.03, 1.03 * float(rows["normalized_score"].max()))
    axes.axvline(1, color=DARK, linewidth=0.6, linestyle=":")
    axes.set(xlim=(-0.03, limit), ylim=(len(labels) + 0.6, 0.4), xlabel=text.normalized_axis)
    axes.grid(axis="x")
