"""Ranks of the models: a figure of mean ranks with intervals, a table per task and category.

On the real tasks, the table ranks the run's models among the HEAR 2021 entries and the later
entries of the leaderboard; on other tasks, among themselves. A model without a score on a task is
not ranked there; nothing is imputed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.exhibits.markdown import to_markdown
from analysis.exhibits.marks import mark, value_words
from analysis.exhibits.numbers import interval_note, same_note
from analysis.exhibits.overview import model_rows
from analysis.exhibits.style import (
    DARK,
    GRAY,
    PALETTE,
    empty_figure,
    house_style,
    legend_above,
    legend_columns,
)
from analysis.exhibits.text import FigureText
from analysis.tables.words import ALL, ordered_categories

_CATEGORY_MARKERS = ("s", "^", "v", "P", "X")  # in the order of the categories
RANK_COLUMNS = (
    "figure", "panel", "position", "model", "label", "mean_rank", "low", "high", "n_tasks",
    "n_replicates", "source",
)  # fmt: skip
ALL_TASKS = "all"
STANDING_COLUMNS = (
    "model", "label", "scope", "name", "n_tasks", "of_tasks", "score", "normalized_score",
    "rank", "of_models", "best", "best_score", "against",
)  # fmt: skip
AGAINST = {True: "HEAR 2021 and later entries", False: "models of this run"}


def figure_ranks(estimates: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw the mean rank of every model over all its tasks, the best on top.

    Each model has a point with its 95 % interval, a pale marker for its mean rank within each
    category, and its number of tasks on the right. A model without a score on one of the tasks is
    hollow and starred, because its ranks are over other tasks. In the numbers, ``panel`` is the
    category or ``all``, ``position`` the row from the top.
    """
    same = same_note(estimates[estimates["statistic"] == "score"], text)
    rows = estimates[estimates["statistic"] == "mean_rank"]
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
    whole = numbers[numbers["panel"] == ALL]
    key = [*ordered_categories(set(numbers["panel"]) - {ALL}), "all tasks"]
    with house_style():
        most, legend_in = whole["n_tasks"].max(), legend_columns(key)[1]
        figure, axes = model_rows(whole, most, [*_notes(whole), *same], text, legend_in)
        handles = _draw(axes, numbers, key[:-1])
        legend_above(figure, handles, key)
    return figure, numbers


def figure_ranks_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return (
        "Mean rank of each model over all tasks on which it has a score, each time among the "
        "models with a score there; 1 is the best."
    )


def _notes(whole: pd.DataFrame) -> list[str]:
    """Notes on how to read the figure."""
    notes = ["Rank 1: the best score of a task."]
    notes += interval_note(whole) or ["No intervals: no predictions to bootstrap."]
    if whole["n_tasks"].min() < whole["n_tasks"].max():
        most = whole["n_tasks"].max()
        notes.append(f"* and hollow: fewer than {most} tasks, not strictly comparable.")
    return notes


def _words(rows: pd.DataFrame) -> list[str]:
    return [
        f"{row.label}\n{row.panel}\n{value_words('mean rank', row.mean_rank, row.low, row.high)}"
        f"\nn = {row.n_tasks} tasks"
        for row in rows.itertuples()
    ]


def _draw(axes: Axes, numbers: pd.DataFrame, categories: list[str]) -> list:
    """Draw a row per model, the best on top; return the legend's handles."""
    by: dict[str, Any] = {"x": "mean_rank", "y": "position", "legend": False, "ax": axes}
    markers = dict(zip(categories, np.resize(_CATEGORY_MARKERS, len(categories)), strict=True))
    parts, whole = (numbers[numbers["panel"].eq(ALL) == known] for known in (False, True))
    sns.scatterplot(
        parts, **by, style="panel", markers=markers, color=GRAY, s=9, linewidth=0, zorder=2
    )
    mark(axes.collections[-1], parts.assign(category=parts["panel"]), _words(parts))
    colors = whole["source"].map({"run": PALETTE[0]}).fillna(DARK)
    lines = axes.hlines(whole["position"], whole["low"], whole["high"], colors=colors, linewidth=1)
    mark(lines, whole, _words(whole))
    fills = colors.where(whole["n_tasks"] == whole["n_tasks"].max(), "white")
    sns.scatterplot(
        whole, **by, facecolors=fills.tolist(), edgecolor=colors.tolist(), s=18, linewidth=0.8,
        zorder=4,
    )  # fmt: skip
    mark(axes.collections[-1], whole, _words(whole))
    last = len(whole)
    axes.set(xlim=(0.5, last + 0.5), xlabel="Mean rank over tasks", ylabel="")
    axes.set_xticks([1, *range(5, last + 1, 5)] if last >= 5 else range(1, last + 1))
    axes.grid(axis="x")
    points: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0}
    shapes = [
        Line2D([], [], marker=m, color=GRAY, markersize=3, **points) for m in markers.values()
    ]
    return [*shapes, Line2D([], [], marker="o", color=DARK, markersize=4.2, **points)]


def table_ranks(summary: pd.DataFrame, text: FigureText) -> tuple[str, pd.DataFrame]:
    """Return the ranks of the run's models as Markdown (`standing_table`) and as `standing`."""
    table = standing(summary, text.models)
    words = f"Rank of each model among {table['against'].iloc[0]} and itself (normalized score). "
    return to_markdown(standing_table(table), words + text.label), table


def table_ranks_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return (
        f"Rank of each model among {numbers['against'].iloc[0]} and itself, per task by score, per "
        "category by mean normalized score; not ranked where a score is missing."
    )


def standing(summary: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Rank every model of the run on every task and over every category.

    Returns
    -------
    DataFrame
        Columns `STANDING_COLUMNS`, the models of the run only, with their display names by model
        id in `labels`. ``scope`` is ``task`` or ``category``, ``name`` the task, the category or
        `ALL_TASKS`. Per task: the score and its rank, 1 the best, equal scores the same rank. Per
        category: the mean normalized score over its tasks; only models with a score on all of them
        are ranked. ``of_models`` is the number of ranked models: one model of the run at a time and
        all others, given in ``against``.
    """
    official = bool((summary["source"] != "run").any())
    rows = []
    for task, group in summary.groupby("task"):
        rows += _ranked(group, "task", str(task), "score", official)
    groups = [
        (c, summary[summary["category"] == c]) for c in ordered_categories(summary["category"])
    ]
    for category, group in [*groups, (ALL_TASKS, summary)]:
        means = _means(group)
        rows += _ranked(means, "category", category, "normalized_score", official)
    table = pd.DataFrame(rows).assign(against=AGAINST[official])
    names = table["model"].map(lambda model: labels.get(model, model))
    table = table.assign(label=names).sort_values("model", kind="stable", ignore_index=True)
    return table.reindex(columns=list(STANDING_COLUMNS))


def _means(group: pd.DataFrame) -> pd.DataFrame:
    """Mean normalized score of each model over the tasks of a group, missing if one is missing."""
    of_tasks = group["task"].nunique()
    cells = group.groupby(["source", "model"])["normalized_score"]
    table = cells.agg(["mean", "count"]).reset_index()
    table = table.rename(columns={"mean": "normalized_score", "count": "n_tasks"})
    complete = table["n_tasks"] == of_tasks
    return table.assign(of_tasks=of_tasks, complete=complete, score=float("nan"))


def _ranked(
    group: pd.DataFrame, scope: str, name: str, by: str, official: bool
) -> list[dict[str, object]]:
    """Rows of the run's models in one group of comparable numbers."""
    group = group if "complete" in group else group.assign(n_tasks=1, of_tasks=1, complete=True)
    ranked = group[group["complete"] & group[by].notna()]
    rows = []
    for model in group[group["source"] == "run"].to_dict("records"):
        mine = ranked["model"].eq(model["model"]) & ranked["source"].eq("run")
        others = ranked[~mine & (ranked["source"].ne("run") if official else True)]
        field = {"scope": scope, "name": name, "of_models": len(others) + int(mine.any())}
        if mine.any():
            field["rank"] = 1 + int((others[by] > model[by]).sum())
        if len(others):
            best = others.sort_values([by, "model"], ascending=[False, True]).iloc[0]
            field |= {"best": best["model"], "best_score": best[by]}
        rows.append(model | field)
    return rows


def standing_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a readable table of ranks: a row per model, a column ``rank of models`` per category.

    The best model over all tasks comes first; models without that rank come last, by label. Tasks
    follow the categories; unranked cells are empty.
    """
    shown = table.assign(
        cell=[
            "" if pd.isna(rank) else f"{int(rank)} of {of} ({value:.2f})"
            for rank, of, value in zip(
                table["rank"], table["of_models"], table["normalized_score"], strict=True
            )
        ]
    )
    names = list(dict.fromkeys(shown.sort_values("scope", kind="stable")["name"]))
    wide = shown.pivot(index="label", columns="name", values="cell")[names]
    overall = shown[shown["name"] == ALL_TASKS].set_index("label")["rank"]
    wide = wide.loc[sorted(wide.index, key=lambda label: (overall.fillna(1e9)[label], label))]
    return wide.rename_axis(columns=None).rename_axis("model").reset_index().fillna("")
