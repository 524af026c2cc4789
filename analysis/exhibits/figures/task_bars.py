"""Figure 10: PaSST base against improved PaSST, task by task."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.exhibits.figures.common import (
    BAR_COLUMNS,
    BASE,
    IMPROVED,
    FigureText,
    empty_figure,
    missing_note,
    numbers,
    pick,
)
from analysis.exhibits.style import DARK, PALETTE, house_style, new_figure, tick_labels
from analysis.tables.words import ordered_categories

_BAR = 0.36  # width of a bar, in units of the distance between tasks
_CATEGORY_GAP = 0.8  # extra distance between categories, in the same units


def figure_10(summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 10: PaSST base against improved PaSST, normalized, task by task.

    Parameters
    ----------
    summary : DataFrame
        One row per model and task.
    text : FigureText
        Words.

    Returns
    -------
    figure : Figure
        Two bars per task, tasks grouped by category.
    numbers : DataFrame
        What is drawn, columns `BAR_COLUMNS`.
    """
    models = (BASE, IMPROVED)
    rows = pick(summary, models)
    rows = rows[rows["normalized_score"].notna()]
    rows = rows.assign(panel="all tasks", order=rows["model"].map(models.index))
    rows = rows.sort_values(["order", "category", "task"])
    drawn = numbers(rows, 10, text, BAR_COLUMNS)
    if rows.empty:
        reason = f"Neither {BASE} nor {IMPROVED} has a normalized score in this study."
        return empty_figure(reason, text), drawn
    positions = _task_positions(rows, text)
    notes = missing_note(models, rows) + _missing_cells(rows, positions, text)
    with house_style():
        figure = new_figure(2.9, notes, text.label)
        axes = figure.add_subplot()
        for index, model in enumerate(models):
            mine = rows[rows["model"] == model]
            x = [positions[task] + (index - 0.5) * _BAR for task in mine["task"]]
            color = PALETTE[index]
            axes.bar(x, mine["normalized_score"], _BAR, color=color, label=text.model(model))
        _name_categories(axes, rows, positions)
        tick_labels(axes, list(positions.values()), [text.task(task) for task in positions])
        axes.axhline(1, color=DARK, linewidth=0.6, linestyle=":")
        top = max(1.05, 1.05 * float(rows["normalized_score"].max()))
        low = min(0.0, 1.05 * float(rows["normalized_score"].min()))  # d' can be negative
        axes.set(ylabel=text.normalized_axis, ylim=(low, top))
        axes.grid(axis="y")
        figure.legend(loc="outside upper center", ncols=1, frameon=False)
    return figure, drawn


def _task_positions(rows: pd.DataFrame, text: FigureText) -> dict[str, float]:
    """Place the tasks by category, then by display name."""
    positions: dict[str, float] = {}
    x = 0.0
    for category in ordered_categories(rows["category"]):
        tasks = rows.loc[rows["category"] == category, "task"].unique()
        for task in sorted(tasks, key=text.task):
            positions[task] = x
            x += 1
        x += _CATEGORY_GAP
    return positions


def _name_categories(axes: Axes, rows: pd.DataFrame, positions: dict[str, float]) -> None:
    for category in ordered_categories(rows["category"]):
        places = [positions[task] for task in rows.loc[rows["category"] == category, "task"]]
        middle = (min(places) + max(places)) / 2
        place = axes.get_xaxis_transform()
        axes.text(middle, 1.01, category, transform=place, ha="center", va="bottom", weight="bold")


def _missing_cells(rows: pd.DataFrame, positions: dict[str, float], text: FigureText) -> list[str]:
    """Name the tasks on which only one of the two models has a score."""
    notes = []
    for model in rows["model"].unique():
        missing = set(positions) - set(rows.loc[rows["model"] == model, "task"])
        if missing:
            names = ", ".join(sorted(text.task(task) for task in missing))
            notes.append(f"No score for {text.model(model)}: {names}.")
    return notes
