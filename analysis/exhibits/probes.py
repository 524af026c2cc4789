"""Exhibit "Probes": rank correlations of the embeddings' scores by two probes, task by task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from analysis.exhibits.marks import mark, value_words
from analysis.exhibits.numbers import NOTHING_DRAWN, count, interval_note
from analysis.exhibits.style import (
    DARK,
    PALETTE,
    SMALL_PT,
    empty_figure,
    house_style,
    legend_above,
    legend_columns,
    new_figure,
)
from analysis.exhibits.text import FigureText
from analysis.tables.words import ALL, ordered_categories

PROBE_RANK_COLUMNS = (
    "figure", "panel", "position", "pair", "probe", "other_probe", "task", "category",
    "rank_correlation", "low", "high", "n_tasks", "n_models", "n_replicates",
)  # fmt: skip
_ROW_IN = 0.15  # height of a row with one pair of probes, inches
_PAIR_IN = 0.07  # height of each further pair
_SPREAD = 0.6  # of a row's height, over which its pairs are spread


def figure_probes(probes: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw Spearman's rank correlation of embeddings between probes, per task and over all tasks.

    There is one row per task, grouped by category, below a row for all tasks; one point with its
    95 % interval per pair of probes; and on the right the number of embeddings. In the numbers,
    ``panel`` is the category or ``all``, ``position`` the row from the top.
    """
    rows = probes[probes["statistic"] == "rank_correlation"]
    places = _places(rows, text)
    keys = rows["task"].where(rows["task"] != "", ALL)
    pairs = [
        f"{text.probe(a)} and {text.probe(b)}"
        for a, b in zip(rows["probe"], rows["other_probe"], strict=True)
    ]
    rows = rows.assign(
        figure="probes",
        panel=rows["category"],
        position=keys.map(places),
        pair=pairs,
        rank_correlation=rows["estimate"],
    ).sort_values("position", kind="stable", ignore_index=True)
    numbers = rows.reindex(columns=list(PROBE_RANK_COLUMNS))
    if rows.empty:
        reason = "No task has scores of at least two embeddings by two probes."
        return empty_figure(reason, text), numbers
    names = list(dict.fromkeys(pairs))
    key = names if len(names) > 1 else []
    notes = [
        "Spearman's correlation of the embeddings' scores by two probes; 1: the same order. All "
        "tasks: of mean normalized scores. Right: distinct embeddings.",
        *interval_note(rows),
    ]
    with house_style():
        row_in = _ROW_IN + _PAIR_IN * (len(names) - 1)
        height_in = 0.5 + row_in * (max(places.values()) + 1)
        figure = new_figure(height_in + (legend_columns(key)[1] if key else 0.0), notes, text)
        axes = figure.add_subplot(ylim=(max(places.values()) + 0.6, 0.3))
        handles = _draw(axes, numbers, names, text)
        _set_axes(axes, numbers, places, text)
        axes.set_xlabel("Rank correlation" if key else f"Rank correlation of {names[0]}")
        if key:
            legend_above(figure, handles, key)
    return figure, numbers


def figure_probes_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return NOTHING_DRAWN
    whole = numbers[numbers["panel"] == ALL]
    said = "; ".join(
        f"{row.pair} {row.rank_correlation:.2f} ({row.low:.2f} to {row.high:.2f}, "
        f"{row.n_models:.0f} embeddings, {row.n_tasks:.0f} tasks)"
        for row in whole.itertuples()
    )
    over_all = f" Over all tasks that both have: {said}." if said else ""
    return (
        "Spearman's rank correlation between the embeddings' scores by two probes on the same "
        "clips. Intervals are over draws of the test clips or their sources, the same for both "
        f"probes; tasks are treated as fixed.{over_all}"
    )


def _places(rows: pd.DataFrame, text: FigureText) -> dict[str, int]:
    """Row of each task, below one for its category; ``all`` is on top."""
    places = {ALL: 1} if (rows["category"] == ALL).any() else {}
    tasks = rows[rows["task"] != ""]
    row = len(places)
    for category in ordered_categories(tasks["category"]):
        row += 1
        places[f"\0{category}"] = row
        for task in sorted(set(tasks.loc[tasks["category"] == category, "task"]), key=text.task):
            row += 1
            places[task] = row
    return places


def _words(rows: pd.DataFrame, text: FigureText) -> list[str]:
    return [
        f"{row.pair}\n{text.task(row.task) if row.task else 'all tasks'}\n"
        + value_words("rank correlation", row.rank_correlation, row.low, row.high)
        + f"\nn = {row.n_models} embeddings, {count(row.n_tasks, 'task')}"
        for row in rows.itertuples()
    ]


def _draw(
    axes: Axes, numbers: pd.DataFrame, pairs: list[str], text: FigureText
) -> list[PathCollection]:
    """Draw a point with its interval per row and pair; return the legend's handles."""
    n = len(pairs)
    offsets = np.linspace(-0.5, 0.5, n) * _SPREAD if n > 1 else np.zeros(1)
    colors = np.resize(PALETTE, n)
    handles: list[PathCollection] = []
    for pair, offset, color in zip(pairs, offsets, colors, strict=True):
        mine = numbers[numbers["pair"] == pair]
        height = mine["position"] + offset
        known = mine[mine["low"].notna()]
        ends = (known["low"], known["high"])
        lines = axes.hlines(height[known.index], *ends, color=color, linewidth=0.9)
        mark(lines, known, _words(known, text))
        points = axes.scatter(mine["rank_correlation"], height, s=9, color=color, linewidth=0)
        mark(points, mine, _words(mine, text))
        handles.append(points)
    return handles


def _set_axes(axes: Axes, numbers: pd.DataFrame, places: dict[str, int], text: FigureText) -> None:
    """Name rows on the left and their numbers of embeddings on the right, set the axes."""
    labels = []
    for place in places:
        is_task = place != ALL and not place.startswith("\0")
        labels.append(text.short_task(place) if is_task else f"{place.lstrip(chr(0))}")
    labels = ["all tasks" if label == ALL else label for label in labels]
    axes.set_yticks(list(places.values()), labels)
    for tick, place in zip(axes.get_yticklabels(), places, strict=True):
        tick.set_fontweight("bold" if place == ALL or place.startswith("\0") else "normal")
    right: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": SMALL_PT}
    for position, group in numbers.groupby("position"):
        axes.text(1.02, position, f"{group['n_models'].max():.0f}", va="center", **right)
    drawn = numbers[["rank_correlation", "low", "high"]]
    axes.set_xlim(min(0.0, drawn.min(axis=None)) - 0.03, 1.03)
    axes.axvline(1, color=DARK, linewidth=0.6, linestyle=":", zorder=1)
    axes.grid(axis="x")
