"""Boxplots per category: levels (6), hops (7), PaSST beside other models (8)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.exhibits.figures.common import (
    BASE,
    BOX_LEVELS,
    BOX_NOTE,
    BOX_REFERENCES,
    HOPS,
    IMPROVED,
    MIN_BOX_TASKS,
    OFFICIAL_BASE,
    POINT_COLUMNS,
    FigureText,
    draw_box,
    empty_figure,
    has_official,
    mark_random_init,
    missing_note,
    numbers,
    pick,
)
from analysis.exhibits.style import (
    DARK,
    MARKERS,
    PALETTE,
    SMALL_PT,
    house_style,
    new_figure,
    pale,
)
from analysis.tables.words import ordered_categories

_GAP = 0.9  # distance between categories, in units of the distance between boxes
_BOX = 0.8  # width of a box, in the same units
_STRIP = 0.52  # width over which a box's points are spread, in the same units
_SLOTS = 7.0  # least width of the horizontal axis, in the same units: few boxes stay slim
_LEGEND_LETTERS = 34  # names of this length together still fit into one line of the legend


def figure_6(summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 6: boxplots per category of the levels M, H and M+H.

    Parameters
    ----------
    summary : DataFrame
        One row per model and task.
    text : FigureText
        Words.

    Returns
    -------
    figure : Figure
        Normalized scores; a box per category and model, a point per task, the number of tasks
        above each box. Of fewer than `MIN_BOX_TASKS` tasks only the points and their median.
    numbers : DataFrame
        What is drawn, one row per point, columns `POINT_COLUMNS`.
    """
    about = "M features, H logits; hop 10 ms."
    return _category_boxes(summary, text, 6, BOX_LEVELS, about)


def figure_7(summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 7: hops of 10, 5 and 3 ms with M+H; otherwise as `figure_6`."""
    return _category_boxes(summary, text, 7, HOPS, "M+H (features and logits).")


def figure_8(summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 8: other models, PaSST base and improved PaSST; otherwise as `figure_6`.

    Beside official scores the other models are the paper's three HEAR 2021 entries; in a table of
    official scores alone PaSST base is its own entry; highlighted models of the run that are no
    PaSST join them, marked "this run". In other studies they are the run's third-party models.
    """
    run = summary[summary["source"] == "run"]
    passt = {model: text.model(model) for model in (BASE, IMPROVED)}
    if has_official(summary):
        official = {model: f"{name} (HEAR 2021)" for model, name in BOX_REFERENCES.items()}
        base = {OFFICIAL_BASE: "PaSST base (HEAR 2021)"}
        mine = {m: f"{text.model(m)} (this run)" for m in text.highlight if m not in passt}
        models = official | (mine | passt if len(run) else base)
    else:
        others = sorted(
            model
            for model in run["model"].unique()
            if not model.startswith("passt_") and not model.endswith("_random")
        )
        models = {model: text.model(model) for model in others} | passt
    return _category_boxes(summary, text, 8, models, "")


def _category_boxes(
    summary: pd.DataFrame, text: FigureText, number: int, models: Mapping[str, str], about: str
) -> tuple[Figure, pd.DataFrame]:
    """Draw a group of boxes per category, a box per model, a point per task."""
    official = (*BOX_REFERENCES, OFFICIAL_BASE) if number == 8 else ()
    rows = pick(summary, models, [model for model in models if model in official])
    rows = rows[rows["normalized_score"].notna()]
    names = [model for model in models if model in set(rows["model"])]
    rows = _placed(rows, names, text)
    drawn = numbers(rows, number, text, POINT_COLUMNS)
    missing = missing_note(models, rows)
    if rows.empty:
        return empty_figure(" ".join(missing), text), drawn
    with house_style():
        few = [BOX_NOTE] if rows["n_tasks"].min() < MIN_BOX_TASKS else []
        notes = [about, *missing, *few, *_task_notes(rows, text)]
        of_run = rows.loc[rows["source"] == "run", "model"].unique()
        marked, weights = mark_random_init(models, of_run, text)
        labels = [marked[model] for model in names]
        n_columns = len(names) if len("".join(labels)) <= _LEGEND_LETTERS else 1
        legend_in = 0.13 * len(names) / n_columns
        figure = new_figure(2.1 + legend_in, notes, text.label)
        axes = figure.add_subplot()
        colors = [PALETTE[index % len(PALETTE)] for index in range(len(names))]
        for model, color in zip(names, colors, strict=True):
            _draw_boxes(axes, rows[rows["model"] == model], color)
        _finish(axes, rows, text)
        axes.set_xlabel(weights)
        figure.legend(
            [Patch(facecolor=color, edgecolor=DARK, linewidth=0.5) for color in colors],
            labels,
            loc="outside upper center",
            ncols=n_columns,
            frameon=False,
            handlelength=1.2,
        )
    return figure, drawn


def _placed(rows: pd.DataFrame, names: list[str], text: FigureText) -> pd.DataFrame:
    """Add to every point its box (``box``), its place (``position``), its marker, and box facts.

    A task has the same place within every box of its category, so that it can be followed.
    """
    groups = []
    left = 0.0
    for category in ordered_categories(rows["category"]):
        inside = rows[rows["category"] == category]
        tasks = sorted(inside["task"].unique(), key=text.task)
        offsets = np.linspace(-0.5, 0.5, len(tasks)) * _STRIP if len(tasks) > 1 else [0.0]
        offset = dict(zip(tasks, offsets, strict=True))
        marker = {task: list(MARKERS)[i % len(MARKERS)] for i, task in enumerate(tasks)}
        box = left + inside["model"].map(names.index)
        groups.append(
            inside.assign(
                panel=category,
                box=box,
                position=box + inside["task"].map(offset),
                marker=inside["task"].map(marker),
            )
        )
        left += len(names) + _GAP
    if not groups:
        return rows
    placed = pd.concat(groups).sort_values(["box", "position"])
    scores = placed.groupby("box")["normalized_score"]
    return placed.assign(
        n_tasks=scores.transform("size"),
        median_normalized_score=scores.transform("median"),
        mean_normalized_score=scores.transform("mean"),
    )


def _draw_boxes(axes: Axes, rows: pd.DataFrame, color: str) -> None:
    """Draw one model's box in every category, and on it a point per task in the model's color."""
    for box, group in rows.groupby("box"):
        draw_box(axes, box, group["normalized_score"].to_numpy(), _BOX, pale(color))
    for row in rows.itertuples():
        axes.scatter(
            row.position,
            row.normalized_score,
            s=11,
            marker=row.marker,
            color=color,
            edgecolors="black",
            linewidths=0.4,
            zorder=4,  # above the median line
        )


def _finish(axes: Axes, rows: pd.DataFrame, text: FigureText) -> None:
    """Name the categories, write the number of tasks above each box, set the axes."""
    boxes = rows.groupby("panel", sort=False)["box"].agg(["min", "max"])
    axes.set_xticks(boxes.mean(axis=1), [str(panel) for panel in boxes.index])
    for tick in axes.get_xticklabels():
        tick.set_fontweight("bold")
    axes.tick_params(axis="x", length=0)
    place = axes.get_xaxis_transform()
    counts = rows.groupby("box")["n_tasks"].first()
    for box, n_tasks in counts.items():
        axes.text(box, 1.01, n_tasks, transform=place, ha="center", va="bottom", fontsize=SMALL_PT)
    axes.text(
        -0.02, 1.01, "tasks", transform=axes.transAxes, ha="right", va="bottom", fontsize=SMALL_PT
    )
    top = max(1.05, 1.05 * float(rows["normalized_score"].max()))
    low = min(0.0, float(rows["normalized_score"].min())) - 0.02  # a point at zero is seen whole
    axes.axhline(1, color=DARK, linewidth=0.6, linestyle=":")
    middle = (rows["box"].min() + rows["box"].max()) / 2
    half = max(rows["box"].max() - middle + 0.7, _SLOTS / 2)
    axes.set(xlim=(middle - half, middle + half), ylim=(low, top))
    axes.set_ylabel(text.normalized_axis)
    axes.grid(axis="y")


def _task_notes(rows: pd.DataFrame, text: FigureText) -> list[str]:
    """Return the legend of the points: each category's tasks with their markers, in words."""
    space = "\N{NO-BREAK SPACE}"  # keeps a marker and its task's name on one line
    notes = []
    for category, group in rows.groupby("panel", sort=False):
        marker = group.set_index("task")["marker"].to_dict()
        tasks = sorted(marker, key=text.task)
        named = [f"{MARKERS[marker[task]]} {text.task(task)}".replace(" ", space) for task in tasks]
        notes.append(f"{category}: {', '.join(named)}")
    return notes
