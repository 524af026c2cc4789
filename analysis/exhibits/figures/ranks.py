"""Mean ranks of all models over the tasks, with intervals."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.exhibits.figures.common import FigureText, empty_figure
from analysis.exhibits.style import DARK, GRAY, LINE_IN, PALETTE, SMALL_PT, house_style, new_figure
from analysis.statistics.estimates import ALL
from analysis.tables.words import ordered_categories

_LABEL_LETTERS = 28  # a longer model name goes on in a second line
_ROW_IN = 0.165  # height of a model with a one-line name, inches
_CATEGORY_MARKERS = ("s", "^", "v", "P", "X")  # in the order of the categories
RANK_COLUMNS = (
    "figure", "panel", "position", "model", "label", "mean_rank", "low", "high", "n_tasks",
    "n_replicates", "source",
)  # fmt: skip


def figure_ranks(statistics: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw the mean rank of every model over all its tasks, the best on top.

    Parameters
    ----------
    statistics : DataFrame
        As `analysis.statistics.estimates.compare` returns it.
    text : FigureText
        Words.

    Returns
    -------
    figure : Figure
        A point per model with its 95 % interval, a pale marker for its mean rank within each
        category, its number of tasks on the right. A model without a score on one of the tasks
        is hollow and starred, as its ranks are over other tasks.
    numbers : DataFrame
        What is drawn, columns `RANK_COLUMNS`; ``panel`` is the category or ``all``, ``position``
        the place from the top.
    """
    rows = statistics[statistics["statistic"] == "mean_rank"]
    whole = rows[rows["category"] == ALL].sort_values(["estimate", "model"])
    position = {model: i for i, model in enumerate(whole["model"], start=1)}
    rows = rows.assign(
        figure="ranks",
        panel=rows["category"],
        position=rows["model"].map(position),
        label=[text.model(model) for model in rows["model"]],
        mean_rank=rows["estimate"],
    ).sort_values(["position", "panel"], ignore_index=True)
    numbers = rows.reindex(columns=list(RANK_COLUMNS))
    if rows.empty:
        return empty_figure("No model has a score in this study.", text), numbers
    labels = [
        textwrap.fill(text.model(model), _LABEL_LETTERS, break_on_hyphens=False)
        for model in position
    ]
    n_lines = sum(label.count("\n") for label in labels)
    with house_style():
        height_in = 0.75 + _ROW_IN * len(labels) + LINE_IN * n_lines
        figure = new_figure(height_in, _notes(numbers), text.label)
        axes = figure.add_subplot()
        _draw(axes, numbers, labels)
        figure.legend(loc="outside upper center", ncols=4, frameon=False, handletextpad=0.2)
    return figure, numbers


def _notes(numbers: pd.DataFrame) -> list[str]:
    """Say how to read what is drawn."""
    whole = numbers[numbers["panel"] == ALL]
    notes = ["Rank 1: the best score of a task; ties share their mean rank."]
    if whole["low"].notna().any():
        notes.append(
            f"Bars: 95 % intervals over {whole['n_replicates'].max()} resamples of the test clips, "
            "the same for all models; tasks as they are."
        )
    else:
        notes.append("Point values: no predictions to resample, hence no intervals.")
    if whole["n_tasks"].min() < whole["n_tasks"].max():
        notes.append(
            f"* and hollow: scores on fewer than {whole['n_tasks'].max()} tasks; the rank is not "
            "strictly comparable."
        )
    return notes


def _draw(axes: Axes, numbers: pd.DataFrame, labels: list[str]) -> None:
    """Draw a row per model, the best on top."""
    whole = numbers[numbers["panel"] == ALL]
    all_tasks = whole["n_tasks"].max()
    categories = ordered_categories(set(numbers["panel"]) - {ALL})
    markers = dict(zip(categories, np.resize(_CATEGORY_MARKERS, len(categories)), strict=True))
    for category in categories if len(categories) > 1 else ():
        rows = numbers[numbers["panel"] == category]
        axes.scatter(
            rows["mean_rank"], rows["position"], s=9, marker=markers[category], color=GRAY,
            linewidths=0, zorder=2, label=category,
        )  # fmt: skip
    for row in whole.itertuples():
        color = PALETTE[0] if row.source == "run" else DARK
        complete = row.n_tasks == all_tasks
        if not np.isnan(row.low):
            axes.plot([row.low, row.high], [row.position] * 2, color=color, linewidth=1, zorder=3)
        axes.scatter(
            row.mean_rank, row.position, s=18, facecolors=color if complete else "white",
            edgecolors=color, linewidths=0.8, zorder=4,
        )  # fmt: skip
        place = axes.get_yaxis_transform()
        count = f"{row.n_tasks}" if complete else f"{row.n_tasks}*"
        axes.text(1.02, row.position, count, transform=place, va="center", fontsize=SMALL_PT)
    axes.scatter([], [], s=18, color=DARK, label="all tasks")
    axes.set_yticks(range(1, len(labels) + 1), labels, linespacing=0.95)
    place = axes.transAxes
    axes.text(1.02, 1.0, "tasks", transform=place, ha="center", va="bottom", fontsize=SMALL_PT)
    last = len(labels)
    axes.set(xlim=(0.5, last + 0.5), ylim=(last + 0.6, 0.4), xlabel="Mean rank over tasks")
    axes.set_xticks([1, *range(5, last + 1, 5)] if last >= 5 else range(1, last + 1))
    axes.grid(axis="x")
