"""Figures 6, 7 and 8: boxes per category of levels, of STFT hops, of PaSST beside other models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from analysis.claims.claim import FIELDS_TOPIC, HOPS_TOPIC, LEVELS_TOPIC, TRAININGS_TOPIC
from analysis.exhibits.marks import (
    mark,
    mark_legend,
    mark_models,
    mark_nearest,
    median_words,
    score_words,
)
from analysis.exhibits.numbers import (
    BASE,
    BOX_NOTE,
    IMPROVED,
    MIN_BOX_TASKS,
    NOTHING_DRAWN,
    OFFICIAL_BASE,
    PAPER_NAMES,
    POINT_COLUMNS,
    count,
    has_official,
    highlighted,
    interval_note,
    lacking,
    mark_random_init,
    missing_note,
    numbers,
    official_in_words,
    pick,
    tasks_in_words,
    with_intervals,
)
from analysis.exhibits.style import (
    COLUMN_WIDTH_IN,
    DARK,
    LINE_IN,
    MARKERS,
    PALETTE,
    SMALL_PT,
    empty_figure,
    house_style,
    legend_above,
    legend_columns,
    new_figure,
    pale,
    text_in,
)
from analysis.exhibits.text import FigureText
from analysis.tables.words import ordered_categories

LEVELS = {"passt_m_hop10": "M", "passt_h_hop10": "H", BASE: "M+H"}  # Figure 6
HOPS = {BASE: "10", "passt_mh_hop5": "5", "passt_mh_hop3": "3"}  # Figure 7
REFERENCES = {name: PAPER_NAMES[name] for name in ("OpenL3", "wav2vec2", "CVSSP PANNS")}
_HEIGHT_IN = 2.1  # of axes with the names around them
_GAP = 0.9  # distance between categories, in units of the distance between boxes
_BOX = 0.8  # width of a box, in the same units
_LINE = 0.5  # distance of the median's interval from the middle of its box, in the same units
_SPREAD = 0.52  # width over which a box's points are spread, in the same units
_MARKER_IN = 0.13  # width of a marker and the space around it, inches
_SLOTS = 7.0  # least width of the horizontal axis, in the same units: few boxes stay slim


def figure_6(
    summary: pd.DataFrame, estimates: pd.DataFrame, text: FigureText
) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 6: boxes per category of the levels M, H and M+H, normalized scores.

    There is one box per category and model, one point per task, the number of tasks above, and the
    median's 95 % interval beside the box. With fewer than `MIN_BOX_TASKS` tasks, only the points
    and their median are drawn. The numbers have one row per point.
    """
    axis = "M features, H logits; hop 10 ms"
    about = text.confounded(LEVELS_TOPIC)
    return _category_boxes(summary, estimates, text, 6, LEVELS, axis, about)


def figure_6_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return _caption("M (features), H (logits) and M+H at hop 10 ms", text, numbers)


def figure_6_here(text: FigureText, numbers: pd.DataFrame) -> str:
    return f"{tasks_in_words(numbers)}{lacking(numbers, LEVELS)}"


def figure_7(
    summary: pd.DataFrame, estimates: pd.DataFrame, text: FigureText
) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 7: hops of 10, 5 and 3 ms with M+H; otherwise as `figure_6`."""
    about = text.confounded(HOPS_TOPIC, TRAININGS_TOPIC)
    return _category_boxes(summary, estimates, text, 7, HOPS, "STFT hop of M+H, ms", about)


def figure_7_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return _caption("M+H at STFT hops of 10, 5 and 3 ms", text, numbers)


def figure_7_here(text: FigureText, numbers: pd.DataFrame) -> str:
    missing = lacking(numbers, {model: f"{hop} ms" for model, hop in HOPS.items()})
    return f"M+H on {tasks_in_words(numbers)}{missing}"


def figure_8(
    summary: pd.DataFrame, estimates: pd.DataFrame, text: FigureText
) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 8: other models, PaSST base and improved PaSST; otherwise as `figure_6`.

    With official scores, the other models are the paper's three HEAR 2021 entries and the run's
    models of Figure 9, marked "this run"; without a run, PaSST base is its own official entry. In
    other studies, the other models are the run's third-party models.
    """
    run = summary[summary["source"] == "run"]
    passt = {model: text.model(model) for model in (BASE, IMPROVED)}
    if has_official(summary):
        official = {model: f"{name} (HEAR 2021)" for model, name in REFERENCES.items()}
        base = {OFFICIAL_BASE: "PaSST base (HEAR 2021)"}
        others = [model for model in highlighted(summary, text) if model not in passt]
        mine = {model: f"{text.model(model)} (this run)" for model in others}
        models = official | (mine | passt if len(run) else base)
    else:
        others = sorted(
            model
            for model in run["model"].unique()
            if not model.startswith("passt_") and not model.endswith("_random")
        )
        models = {model: text.model(model) for model in others} | passt
    about = text.confounded(LEVELS_TOPIC, FIELDS_TOPIC, HOPS_TOPIC, TRAININGS_TOPIC)
    return _category_boxes(summary, estimates, text, 8, models, "", about)


def figure_8_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return _caption("PaSST and models of others", text, numbers)


def figure_8_here(text: FigureText, numbers: pd.DataFrame) -> str:
    drawn = numbers.drop_duplicates(["source", "model"])
    names = "; ".join(REFERENCES.get(row.model, row.label) for row in drawn.itertuples())
    base = OFFICIAL_BASE if OFFICIAL_BASE in set(drawn["model"]) else BASE
    papers = REFERENCES | {base: "PaSST base", IMPROVED: "improved PaSST"}
    return f"{names}{lacking(numbers, papers)}"


def _caption(what: str, text: FigureText, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return NOTHING_DRAWN
    few = numbers["n_tasks"].min() < MIN_BOX_TASKS
    line = f" Fewer than {MIN_BOX_TASKS} tasks: points and their median, no box." if few else ""
    return (
        f"Boxes over the tasks of a category: {what}. Vertical axis: score divided by the "
        f"{text.normalization}; a point per task, {tasks_in_words(numbers)}."
        f"{line}{official_in_words(numbers, text)}"
    )


def _category_boxes(
    summary: pd.DataFrame,
    estimates: pd.DataFrame,
    text: FigureText,
    number: int,
    models: Mapping[str, str],
    axis: str,
    about: Sequence[str] = (),
) -> tuple[Figure, pd.DataFrame]:
    """Draw a group of boxes per category, a box per model, a point per task.

    With words for the horizontal axis each box has its label below it, else there is a legend.
    The notes begin with what the figure is `about`.
    """
    official = (*REFERENCES, OFFICIAL_BASE) if number == 8 else ()
    rows = pick(summary, models, [model for model in models if model in official])
    rows = rows[rows["normalized_score"].notna()]
    names = [model for model in models if model in set(rows["model"])]
    rows = _placed(rows, names, text)
    rows = with_intervals(rows, estimates, "median_normalized_score", "category")
    drawn = numbers(rows, number, text, POINT_COLUMNS)
    missing = missing_note(models, rows)
    if rows.empty:
        return empty_figure(" ".join(missing), text), drawn
    notes = [*about, *missing, *interval_note(rows, " of the median")]
    notes += [BOX_NOTE] if rows["n_tasks"].min() < MIN_BOX_TASKS else []
    of_run = rows.loc[rows["source"] == "run", "model"].unique()
    labels, weights = mark_random_init(models, of_run, text)
    key = [] if axis else [labels[model] for model in names]
    strip, n_columns = _task_strip(rows, text)
    strip_in = 0.112 * len(strip) / n_columns + 0.04
    colors = dict(zip(names, np.resize(PALETTE, len(names)), strict=True))
    with house_style():
        height_in = _HEIGHT_IN + (legend_columns(key)[1] if key else 0.0)
        height_in += LINE_IN if weights else 0.0
        figure = new_figure(height_in, notes, text, strip_in)
        axes = figure.add_subplot()
        fills = rows["model"].map({model: pale(color) for model, color in colors.items()})
        draw_boxes(axes, rows.assign(fill=fills), text, "box", _BOX, _LINE)
        sns.scatterplot(
            rows, x="position", y="normalized_score", hue="model", palette=colors, style="marker",
            markers={marker: marker for marker in rows["marker"].unique()}, s=11,
            edgecolor="black", linewidth=0.4, zorder=4, legend=False, ax=axes,
        )  # fmt: skip
        mark(axes.collections[-1], rows, score_words(rows, estimates, text))
        _set_axes(axes, rows, text)
        if axis:
            boxes = rows.drop_duplicates("box")
            axes.set_xticks(boxes["box"], [labels[model] for model in boxes["model"]])
            mark_models(axes.get_xticklabels(), boxes["model"].tolist(), text)
        else:
            axes.set_xticks([])
            patches = [Patch(facecolor=c, edgecolor=DARK, linewidth=0.5) for c in colors.values()]
            mark_legend(legend_above(figure, patches, key), names, text)
        axes.set_xlabel("\n".join(filter(None, (axis, weights))))
        _draw_strip(figure, strip, n_columns, 1 - height_in / figure.get_figheight())
    return figure, drawn


def _placed(rows: pd.DataFrame, names: list[str], text: FigureText) -> pd.DataFrame:
    """Add to every point its box (``box``), its place (``position``), its marker, and box facts.

    A task has the same place within every box of its category, so that it can be followed.
    """
    left = 0.0
    placed = rows.assign(panel=rows["category"], box=0.0, position=0.0, marker="")
    for category in ordered_categories(rows["category"]):
        inside = rows["category"] == category
        tasks = sorted(rows.loc[inside, "task"].unique(), key=text.task)
        offsets = np.linspace(-0.5, 0.5, len(tasks)) * _SPREAD if len(tasks) > 1 else [0.0]
        box = left + rows.loc[inside, "model"].map(names.index)
        place = rows.loc[inside, "task"].map(tasks.index)
        placed.loc[inside, "box"] = box
        placed.loc[inside, "position"] = box + np.take(offsets, place)
        placed.loc[inside, "marker"] = np.take(MARKERS, place, mode="wrap")
        left += len(names) + _GAP
    placed = placed.sort_values(["box", "position"])
    scores = placed.groupby("box")["normalized_score"]
    facts = {f"{name}_normalized_score": scores.transform(name) for name in ("median", "mean")}
    return placed.assign(n_tasks=scores.transform("size"), **facts)


def draw_boxes(
    axes: Axes, rows: pd.DataFrame, text: FigureText, place: str, width: float, line: float,
    orient: str = "v",
) -> None:  # fmt: skip
    """Draw boxes of normalized scores; only the median for fewer than `MIN_BOX_TASKS` tasks.

    Each row is a score with ``normalized_score`` and properties of its box: ``n_tasks``, ``fill``,
    the median's interval (``low``, ``high``; a line beside the box) and, in the column named by
    ``place``, the position of its center across the orientation (``v``, ``h``). `width` and the
    distance of the `line` are in the same units.
    """
    boxes = rows.drop_duplicates(place)
    of_category = boxes["panel"] == boxes["category"]
    boxes = boxes.assign(category=boxes["category"].where(of_category, ""))
    said, n_lines = median_words(boxes, text), len(axes.lines)
    few = rows["n_tasks"] < MIN_BOX_TASKS
    if not few.all():
        boxed = rows[~few]
        steps = np.diff(np.unique(boxed[place]))  # the least one is seaborn's unit of width
        across, along = ("x", "y") if orient == "v" else ("y", "x")
        sns.boxplot(
            boxed, **{across: place, along: "normalized_score"}, orient=orient, hue="fill",
            palette={fill: fill for fill in boxed["fill"].unique()}, saturation=1, dodge=False,
            native_scale=True, width=width / min(steps, default=1), linewidth=0.5, linecolor=DARK,
            medianprops={"color": "black", "linewidth": 1.4}, showfliers=False, legend=False,
            ax=axes,
        )  # fmt: skip
    parts: list[Any] = [*axes.patches, *axes.lines[n_lines:]]
    mark_nearest(parts, boxes, boxes[place], said, upright=orient == "v")
    lines_across = axes.hlines if orient == "v" else axes.vlines
    lines_along = axes.vlines if orient == "v" else axes.hlines
    small = (boxes["n_tasks"] < MIN_BOX_TASKS).to_numpy()
    ends = [boxes.loc[small, place] + side * width / 2 for side in (-1, 1)]
    medians = boxes.loc[small, "median_normalized_score"]
    mark(
        lines_across(medians, *ends, color="black", linewidth=1.4),
        boxes[small],
        compress(said, small),
    )
    known = boxes["low"].notna().to_numpy()
    lines = boxes[known]
    drawn = lines_along(lines[place] + line, lines["low"], lines["high"], color=DARK, linewidth=0.8)
    mark(drawn, lines, compress(said, known))


def _set_axes(axes: Axes, rows: pd.DataFrame, text: FigureText) -> None:
    """Name the categories with their numbers of tasks above the boxes, set the axes."""
    words: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points"}
    words |= {"ha": "center", "va": "bottom"}
    for category, group in rows.groupby("panel", sort=False):
        counts = group.groupby("box")["n_tasks"].first()
        name, above_pt = f"{category}, {count(counts.iloc[0], 'task')}", 2
        if counts.nunique() > 1:  # above each box, below the name
            name, above_pt = f"{category}, tasks:", 11
            for box, n_tasks in counts.items():
                axes.annotate(n_tasks, (box, 1), (0, 2), fontsize=SMALL_PT, **words)
        middle = (group["box"].min() + group["box"].max()) / 2
        axes.annotate(name, (middle, 1), (0, above_pt), **words)
    middle = (rows["box"].min() + rows["box"].max()) / 2
    half = max(rows["box"].max() - middle + 0.7, _SLOTS / 2)
    drawn = rows[["normalized_score", "low", "high"]]
    top = max(1.05, 1.05 * drawn.max(axis=None))
    low = min(0.0, drawn.min(axis=None)) - 0.02  # a point at zero is seen whole
    axes.axhline(1, color=DARK, linewidth=0.6, linestyle=":")
    axes.set(xlim=(middle - half, middle + half), ylim=(low, top), ylabel=text.normalized_axis)
    axes.yaxis.set_major_locator(MultipleLocator(0.2))  # known before the layout is computed
    axes.grid(axis="y")


def _task_strip(rows: pd.DataFrame, text: FigureText) -> tuple[list[tuple[str, str]], int]:
    """Return marker and name of every task, a column per category as far as they fit.

    The columns are of equal length, filled up with empty names; a category's name has no marker.
    """
    blocks = []
    for category, group in rows.groupby("panel", sort=False):
        tasks = group.drop_duplicates("task").set_index("task")["marker"].to_dict()
        named = [(tasks[task], text.short_task(task)) for task in sorted(tasks, key=text.task)]
        blocks.append([("", str(category)), *named])
    for n_columns in range(min(3, len(blocks)), 0, -1):
        columns = [sum(blocks[i::n_columns], []) for i in range(n_columns)]
        width_in = sum(max(text_in(name) for _, name in column) + _MARKER_IN for column in columns)
        if width_in <= COLUMN_WIDTH_IN or n_columns == 1:
            break
    length = max(map(len, columns))
    filled = [entry for c in columns for entry in c + [("", "")] * (length - len(c))]
    return filled, n_columns


def _draw_strip(figure: Figure, strip: list[tuple[str, str]], n_columns: int, top: float) -> None:
    """Draw the markers and names of `_task_strip` below `top`, a share of the figure's height."""
    points: dict[str, Any] = {"linestyle": "none", "color": DARK, "markeredgewidth": 0}
    handles = [Line2D([], [], marker=m or "none", markersize=3.2, **points) for m, _ in strip]
    legend = figure.legend(
        handles, [name for _, name in strip], ncols=n_columns, loc="upper center",
        bbox_to_anchor=(0.5, top), handlelength=0.6,
        handletextpad=0.3, columnspacing=0.5, labelspacing=0.2, borderpad=0, borderaxespad=0.2,
    )  # fmt: skip
    for label, (marker, _) in zip(legend.get_texts(), strip, strict=True):
        label.set_fontweight("normal" if marker else "bold")
