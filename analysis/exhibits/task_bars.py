"""Figure 10: PaSST base against improved PaSST, task by task."""

from __future__ import annotations

from itertools import compress

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.claims.claim import FIELDS_TOPIC, HOPS_TOPIC, LEVELS_TOPIC, TRAININGS_TOPIC
from analysis.exhibits.marks import mark, mark_legend, mark_nearest, score_words
from analysis.exhibits.numbers import (
    BAR_COLUMNS,
    BASE,
    IMPROVED,
    NOTHING_DRAWN,
    interval_note,
    lacking,
    missing_note,
    numbers,
    pick,
    tasks_in_words,
    with_intervals,
)
from analysis.exhibits.style import (
    DARK,
    PALETTE,
    empty_figure,
    house_style,
    legend_above,
    legend_columns,
    new_figure,
)
from analysis.exhibits.text import FigureText
from analysis.tables.words import ordered_categories

_BARS = 0.72  # width of a task's two bars, in units of the distance between tasks
_GAP = 1  # free places between categories


def figure_10(
    summary: pd.DataFrame, estimates: pd.DataFrame, text: FigureText
) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 10: PaSST base against improved PaSST, normalized, task by task.

    There are two bars per task with 95 % intervals, and tasks are grouped by category; the name of
    a task is bold if the interval of the two models' difference excludes 0.
    """
    models = (BASE, IMPROVED)
    rows = pick(summary, models)
    rows = rows[rows["normalized_score"].notna()]
    rows = rows.assign(panel="all tasks", order=rows["model"].map(models.index))
    rows = rows.sort_values(["order", "category", "task"])
    rows = with_intervals(rows, estimates, "normalized_score", "task")
    drawn = numbers(rows, 10, text, BAR_COLUMNS)
    if rows.empty:
        reason = f"Neither {BASE} nor {IMPROVED} has a normalized score in this study."
        return empty_figure(reason, text), drawn
    places = _task_places(rows, text)
    present = [model for model in models if model in set(rows["model"])]
    labels = [text.model(model) for model in present]
    sure = _sure(estimates)
    notes = text.confounded(LEVELS_TOPIC, FIELDS_TOPIC, HOPS_TOPIC, TRAININGS_TOPIC)
    notes += [*missing_note(models, rows), *_missing_cells(rows, text), *interval_note(rows)]
    notes += ["Bold: the interval of the difference excludes 0."] if sure else []
    with house_style():
        figure = new_figure(2.8 + legend_columns(labels)[1], notes, text)
        axes = figure.add_subplot()
        rows = rows.assign(place=rows["task"].map(places))
        sns.barplot(
            rows, x="place", y="normalized_score", hue="model", hue_order=models, width=_BARS,
            palette=PALETTE[:2], saturation=1, errorbar=None, native_scale=True, legend=False,
            ax=axes,
        )  # fmt: skip
        middle = rows["place"] + (rows["order"] - 0.5) * _BARS / 2
        words = score_words(rows, estimates, text)
        mark_nearest(axes.patches, rows, middle, words)
        known = rows["low"].notna()
        lines = axes.vlines(
            middle[known], rows["low"][known], rows["high"][known], color=DARK, linewidth=0.8
        )
        mark(lines, rows[known], compress(words, known))
        axes.axhline(1, color=DARK, linewidth=0.6, linestyle=":")
        _set_axes(axes, rows, places, text)
        for label, task in zip(axes.get_xticklabels(), places, strict=True):
            label.set_fontweight("bold" if task in sure else "normal")
        bars = [axes.containers[models.index(model)] for model in present]
        mark_legend(legend_above(figure, bars, labels), present, text)
    return figure, drawn


def figure_10_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return NOTHING_DRAWN
    return (
        "Base and improved PaSST on each task, by category, with 95 % intervals. Vertical axis: "
        f"score divided by the {text.normalization}; {tasks_in_words(numbers)}."
    )


def figure_10_here(text: FigureText, numbers: pd.DataFrame) -> str:
    models = {BASE: "PaSST base", IMPROVED: "improved PaSST"}
    return f"{tasks_in_words(numbers)}, normalized (our choice){lacking(numbers, models)}"


def _sure(estimates: pd.DataFrame) -> set[str]:
    """Tasks on which the two models differ by the interval of their paired difference."""
    pair = estimates[
        estimates["statistic"].eq("score_difference")
        & estimates["model"].isin([BASE, IMPROVED])
        & estimates["other_model"].isin([BASE, IMPROVED])
    ]
    return set(pair.loc[(pair["low"] > 0) | (pair["high"] < 0), "task"])


def _task_places(rows: pd.DataFrame, text: FigureText) -> dict[str, int]:
    """Place the tasks by category, then by display name."""
    places: dict[str, int] = {}
    for category in ordered_categories(rows["category"]):
        first = max(places.values()) + 1 + _GAP if places else 0
        tasks = rows.loc[rows["category"] == category, "task"].unique()
        places |= {task: first + i for i, task in enumerate(sorted(tasks, key=text.task))}
    return places


def _set_axes(axes: Axes, rows: pd.DataFrame, places: dict[str, int], text: FigureText) -> None:
    """Name tasks below and categories above, set the axes."""
    labels = [text.short_task(task) for task in places]
    axes.set_xticks(list(places.values()), labels, rotation=90)
    for category, group in rows.groupby("category"):
        middle = (group["place"].min() + group["place"].max()) / 2
        place = axes.get_xaxis_transform()
        axes.text(middle, 1.01, category, transform=place, ha="center", va="bottom", weight="bold")
    values = rows[["normalized_score", "low", "high"]]
    axes.set(
        xlim=(-0.7, max(places.values()) + 0.7),
        ylim=(min(0.0, 1.05 * values.min(axis=None)), max(1.05, 1.05 * values.max(axis=None))),
        xlabel="",
        ylabel=text.normalized_axis,
    )
    axes.grid(axis="y")


def _missing_cells(rows: pd.DataFrame, text: FigureText) -> list[str]:
    """Name the tasks on which only one of the two models has a score."""
    missing = {
        model: sorted(text.short_task(task) for task in set(rows["task"]) - set(group["task"]))
        for model, group in rows.groupby("model", sort=False)
    }
    return [f"No score for {text.model(m)}: {', '.join(t)}." for m, t in missing.items() if t]
