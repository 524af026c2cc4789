"""Exhibit "Training data": scores over the fraction of training clips, by category."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from analysis.exhibits.marks import mark, mark_legend, mark_models, value_words
from analysis.exhibits.numbers import BASE, IMPROVED, NOTHING_DRAWN, count, interval_note
from analysis.exhibits.style import (
    GRAY,
    MARKERS,
    PALETTE,
    empty_figure,
    house_style,
    legend_above,
    legend_columns,
    new_figure,
)
from analysis.exhibits.text import FigureText
from analysis.tables.words import ALL, ordered_categories

FRACTION_COLUMNS = (
    "figure", "panel", "probe", "train_fraction", "model", "label", "mean_normalized_score", "low",
    "high", "n_tasks", "n_replicates", "left_out",
)  # fmt: skip
_PANEL_IN = 1.15  # height of a panel, inches
_DODGE = 0.035  # between neighboring models' points, as a share of the place
WHY = "a label would have no clip, or a batch a single row"


def figure_train_fractions(probes: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw mean normalized scores of the first probe over the fraction of training clips.

    There is one panel per category and one for all tasks, with a line per model and 95 % intervals;
    beyond seven models, the others are gray and without intervals. All means are over the same
    tasks: those on which no fraction is left out. In the numbers, ``left_out`` are the tasks of a
    category, or of all, without a score for some fraction.
    """
    mine = probes[probes["probe"] == probes["probe"].iloc[0]]
    left_out = _left_out(mine)
    rows = mine[mine["statistic"] == "mean_over_shares"]
    missing = [
        ";".join(left_out.get((fraction, category), []))
        for fraction, category in zip(rows["train_fraction"], rows["category"], strict=True)
    ]
    numbers = rows.assign(
        figure="train_fractions",
        panel=rows["category"],
        label=[text.model(model) for model in rows["model"]],
        mean_normalized_score=rows["estimate"],
        left_out=missing,
    ).reindex(columns=list(FRACTION_COLUMNS))
    said = _left_out_note(left_out, text)
    if numbers.empty:
        return empty_figure(" ".join(["No task has every share.", *said]), text), numbers
    panels = [*ordered_categories(set(numbers["panel"]) - {ALL})]
    panels += [ALL] if len(panels) > 1 else []
    shown = _stand_out(numbers, text)
    labels = [text.model(model) for model in shown]
    n_gray = numbers["model"].nunique() - len(shown)
    notes = [f"Mean over tasks, {text.probe(str(numbers['probe'].iloc[0]))} probe.", *said]
    notes += interval_note(numbers)
    notes += [f"Gray: {count(n_gray, 'other model')}."] if n_gray else []
    with house_style():
        n_columns = min(2, len(panels))
        n_rows = math.ceil(len(panels) / n_columns)
        figure = new_figure(0.3 + _PANEL_IN * n_rows + legend_columns(labels)[1], notes, text)
        grid = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
        for i, axes in enumerate(grid.flat):
            if i < len(panels):
                rows = numbers[numbers["panel"] == panels[i]]
                handles = _draw(axes, rows, shown, panels[i], text)
                _set_axes(axes, numbers, is_lowest=i + n_columns >= len(panels))
            else:
                axes.set_visible(False)
        figure.supylabel(text.normalized_axis, fontsize="medium")
        mark_legend(legend_above(figure, handles, labels), shown, text)
    return figure, numbers


def figure_train_fractions_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return NOTHING_DRAWN
    shares = ", ".join(f"{100 * f:g}" for f in sorted(set(numbers["train_fraction"])))
    whole = numbers[numbers["panel"] == ALL]
    lacking = sorted(
        {task for tasks in whole["left_out"].dropna() for task in tasks.split(";") if task}
    )
    without = f" Left out, because with a share {WHY}: {', '.join(map(text.task, lacking))}."
    return (
        f"Mean normalized score by the {text.probe(str(numbers['probe'].iloc[0]))} probe with "
        f"{shares} % of each fold's training clips: nested, drawn by label and seed, the same "
        "for all models; validation and test parts are whole. Every share's mean is over the same "
        f"{count(int(whole['n_tasks'].max()), 'task')}, divided by the {text.normalization} with "
        f"all clips.{without if lacking else ''}"
    )


def _left_out(probes: pd.DataFrame) -> dict[tuple[float, str], list[str]]:
    """Tasks that lack the score of some model with a share, by share and category, and in all."""
    scores = probes[probes["statistic"] == "score"]
    whole = scores[scores["train_fraction"] == 1]
    found: dict[tuple[float, str], list[str]] = {}
    for fraction in sorted(set(probes["train_fraction"]) - {1.0}):
        n_models = scores[scores["train_fraction"] == fraction].groupby("task")["model"].nunique()
        for (task, category), models in whole.groupby(["task", "category"])["model"]:
            if n_models.get(task, 0) < models.nunique():
                found.setdefault((fraction, category), []).append(task)
                found.setdefault((fraction, ALL), []).append(task)
    return found


def _left_out_note(left_out: dict[tuple[float, str], list[str]], text: FigureText) -> list[str]:
    """Name the tasks that are left out, with their shares."""
    shares: dict[str, list[str]] = {}
    for (fraction, category), tasks in sorted(left_out.items()):
        for task in tasks if category == ALL else ():
            shares.setdefault(task, []).append(f"{100 * fraction:g}")
    named: dict[str, list[str]] = {}
    for task, of_task in shares.items():
        named.setdefault(" and ".join(of_task), []).append(text.short_task(task))
    parts = [f"at {percents} % {', '.join(tasks)}" for percents, tasks in named.items()]
    return [f"Left out, as {WHY}: {'; '.join(parts)}."] if parts else []


def _stand_out(numbers: pd.DataFrame, text: FigureText) -> list[str]:
    """Models that are drawn in color: all if they are few, else Figure 8's and the highlighted."""
    models = list(numbers["model"].unique())
    if len(models) <= len(PALETTE):
        return models
    first = dict.fromkeys([BASE, IMPROVED, *text.highlight])
    others = [m for m in models if not m.startswith("passt_") and not m.endswith("_random")]
    return [model for model in [*first, *others] if model in models][: len(PALETTE)]


def _words(rows: pd.DataFrame) -> list[str]:
    return [
        f"{row.label}\n{row.panel}, {100 * row.train_fraction:g} % of the training clips\n"
        + value_words("mean", row.mean_normalized_score, row.low, row.high)
        + f"\nn = {count(row.n_tasks, 'task')}"
        for row in rows.itertuples()
    ]


def _draw(
    axes: Axes, rows: pd.DataFrame, shown: list[str], panel: str, text: FigureText
) -> list[Line2D]:
    """Draw the lines of one panel; return the legend's handles."""
    for model in sorted(set(rows["model"]) - set(shown)):
        line = rows[rows["model"] == model].sort_values("train_fraction")
        places = (line["train_fraction"], line["mean_normalized_score"])
        mark_models(axes.plot(*places, color=GRAY, linewidth=0.6), [model], text)
    handles: list[Line2D] = []
    for i, (model, color) in enumerate(zip(shown, PALETTE, strict=False)):
        line = rows[rows["model"] == model].sort_values("train_fraction")
        place = line["train_fraction"] * (1 + _DODGE * (i - (len(shown) - 1) / 2))
        known = line[line["low"].notna()]
        ends = (known["low"], known["high"])
        lines = axes.vlines(place[known.index], *ends, color=color, linewidth=0.8)
        mark(lines, known.assign(category=panel), _words(known))
        (curve,) = axes.plot(place, line["mean_normalized_score"], color=color, linewidth=0.9)
        mark_models([curve], [model], text)
        points = axes.scatter(
            place, line["mean_normalized_score"], s=8, color=color, marker=MARKERS[i], linewidth=0,
            zorder=3,
        )  # fmt: skip
        mark(points, line.assign(category=panel), _words(line))
        key = Line2D([], [], color=color, linewidth=0.9, marker=MARKERS[i], markersize=2.8)
        key.set_markeredgewidth(0)
        handles.append(key)
    axes.set_title(f"{panel}, {count(int(rows['n_tasks'].max()), 'task')}")
    axes.grid(axis="y")
    return handles


def _set_axes(axes: Axes, numbers: pd.DataFrame, is_lowest: bool) -> None:
    """Set the level axis of a panel, with its name if it is the lowest of its column."""
    fractions = np.sort(numbers["train_fraction"].unique())
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(fractions, [f"{100 * f:g} %" if is_lowest else "" for f in fractions])
    axes.set_xlim(fractions[0] / 1.25, 1.25)
    axes.set_xlabel("Share of the training clips" if is_lowest else "")
