"""Blocks: score over the network's block whose features are probed, task by task."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.exhibits.marks import mark, value_words
from analysis.exhibits.numbers import NOTHING_DRAWN, interval_note, missing_note, tasks_in_words
from analysis.exhibits.style import (
    PALETTE,
    SMALL_PT,
    empty_figure,
    house_style,
    legend_above,
    legend_columns,
    new_figure,
)
from analysis.exhibits.text import FigureText
from analysis.statistics.estimates import EVENTS, SCENES
from analysis.tables.words import ALL, ordered_categories

BLOCK_COLUMNS = (  # a row per point; the difference is to the last block of the same network
    "figure", "panel", "statistic", "task", "category", "network", "block", "model", "label",
    "score", "low", "high", "difference", "difference_low", "difference_high", "n_tasks",
    "n_replicates",
)  # fmt: skip
_DIFFERENCES = {"score": "score_difference", "mean_normalized_score": "difference_of_means"}
_N_COLUMNS = 3
_PANEL_IN, _HEADING_IN = 0.8, 0.17  # heights of a row of panels and of a line above it, inches
_MOST_TICKS = 5
_LETTERS = 18  # of a panel's name in one line, which begins above the numbers of its axis
_DODGE = 0.15  # distance of networks side by side, in blocks


def figure_blocks(estimates: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw the scores of the features after each block: a panel per task, and means over tasks.

    Lines are 95 % intervals. A block is filled where its paired difference to the last block
    excludes 0. Tasks have their own metric and axis; means are of normalized scores, by category.
    """
    numbers = _numbers(estimates, text)
    if numbers.empty:
        reason = "No two blocks of one network have scores in this study."
        return empty_figure(reason, text), numbers
    networks = numbers.groupby("network")["block"].max().to_dict()  # with their last blocks
    sections = _sections(numbers, text)
    n_rows = [math.ceil(len(panels) / _N_COLUMNS) for panels in sections.values()]
    models = [model for series in text.blocks.values() for model in series]
    key = [*networks] if len(networks) > 1 else []
    notes = [
        "Horizontal axis: block, a diamond is the last (M). Filled: differs from the last, by the "
        "interval of the paired difference. Vertical axes differ.",
        *missing_note(models, numbers),
        *interval_note(numbers),
    ]
    with house_style():
        height_in = _PANEL_IN * sum(n_rows) + _HEADING_IN * len(sections)
        figure = new_figure(height_in + (legend_columns(key)[1] if key else 0.0), notes, text)
        heights = [h for n in n_rows for h in (_HEADING_IN, *[_PANEL_IN] * n)]
        grid = figure.add_gridspec(len(heights), _N_COLUMNS, height_ratios=heights)
        row = 0
        for (heading, panels), n in zip(sections.items(), n_rows, strict=True):
            title = figure.add_subplot(grid[row, :], frameon=False, xticks=[], yticks=[])
            title.text(0, 0, heading, va="bottom", weight="bold")
            for i, (panel, name) in enumerate(panels.items()):
                place = grid[row + 1 + i // _N_COLUMNS, i % _N_COLUMNS]
                axes = figure.add_subplot(place)
                wrapped = textwrap.fill(name, _LETTERS, break_on_hyphens=False)
                axes.set_title(wrapped, loc="right", pad=4, fontsize=SMALL_PT)
                _draw(axes, numbers[numbers["panel"] == panel], networks, text)
            row += n + 1
        if key:
            handles = [Line2D([], [], color=PALETTE[i % len(PALETTE)]) for i in range(len(key))]
            legend_above(figure, handles, key)
    return figure, numbers


def figure_blocks_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return NOTHING_DRAWN
    last = numbers["block"] == numbers.groupby("network")["block"].transform("max")
    others = numbers[~last & (numbers["statistic"] == "score")]
    better, worse = (others["difference_low"] > 0).sum(), (others["difference_high"] < 0).sum()
    tasks = tasks_in_words(numbers[numbers["statistic"] == "score"])
    return (
        "Features after each block (the mean of the class and the distillation token through the "
        f"last norm), each with probes of its own, on {tasks}: each task's own metric, and above "
        f"the means of scores divided by the {text.normalization}; lines: 95 % intervals. Of "
        f"{len(others)} scores of earlier blocks {better} are above the last block's and {worse} "
        "below, by the interval of the paired difference (5 % each, not corrected)."
    )


def _numbers(estimates: pd.DataFrame, text: FigureText) -> pd.DataFrame:
    """Scores per task and means per category of every block, with differences to the last one."""
    tables = []
    for network, blocks in text.blocks.items():
        of_run = estimates[estimates["source"] == "run"].assign(network=network)
        of_run = of_run[~of_run["category"].isin((SCENES, EVENTS))]  # means over tasks of one kind
        rows = of_run[of_run["statistic"].isin(_DIFFERENCES) & of_run["model"].isin(blocks)]
        rows = rows.assign(block=rows["model"].map(blocks), score=rows["estimate"])
        if rows["block"].nunique() > 1:
            tables.append(_with_differences(rows, of_run, max(blocks, key=blocks.__getitem__)))
    if not tables:
        return pd.DataFrame(columns=list(BLOCK_COLUMNS))
    table = pd.concat(tables)
    table = table.assign(
        figure="blocks",
        panel=table["task"].where(table["statistic"] == "score", table["category"]),
        label=[text.model(model) for model in table["model"]],
    )
    order = ["statistic", "panel", "network", "block"]
    return table.sort_values(order, ignore_index=True).reindex(columns=list(BLOCK_COLUMNS))


def _with_differences(rows: pd.DataFrame, estimates: pd.DataFrame, last: str) -> pd.DataFrame:
    """Add each row's paired difference to the last block's, and its interval."""
    names = {"estimate": "difference", "low": "difference_low", "high": "difference_high"}
    known = estimates["statistic"].isin(_DIFFERENCES.values())
    ahead = estimates[known & (estimates["other_model"] == last)]
    behind = estimates[known & (estimates["model"] == last)]
    turned = {"model": behind["other_model"], "estimate": -behind["estimate"]}
    turned |= {"low": -behind["high"], "high": -behind["low"]}
    pairs = pd.concat([ahead, behind.assign(**turned)]).rename(columns=names)
    keys = ["model", "category", "task", "pair"]
    pairs = pairs.assign(pair=pairs["statistic"])[[*keys, *names.values()]]
    rows = rows.assign(pair=rows["statistic"].map(_DIFFERENCES))
    return rows.merge(pairs, how="left", on=keys, validate="one_to_one")


def _sections(numbers: pd.DataFrame, text: FigureText) -> dict[str, Mapping[str, str]]:
    """Panels with their names by heading: means over tasks, then the tasks of each category."""
    scores = numbers[numbers["statistic"] == "score"]
    categories = ordered_categories(scores["category"])
    means = {ALL: "all tasks"} | {category: category for category in categories}
    sections: dict[str, Mapping[str, str]] = {f"mean of {text.normalized_axis.lower()}": means}
    for category in categories:
        tasks = scores.loc[scores["category"] == category, "task"].unique()
        named = {task: text.short_task(task) for task in sorted(tasks, key=text.task)}
        sections[category] = named
    return sections


def _words(rows: pd.DataFrame, text: FigureText) -> list[str]:
    """Text for each point: model, panel, score, and difference to the last block."""
    said = []
    for row in rows.itertuples():
        is_score = row.statistic == "score"
        place = text.task(row.task) if is_score else f"mean, {row.panel}"
        name = "score" if is_score else text.normalized_axis
        lines = [row.label, place, value_words(name, row.score, row.low, row.high)]
        if pd.notna(row.difference):
            ends = row.difference_low, row.difference_high
            lines.append(value_words("difference to the last block", row.difference, *ends))
        said.append("\n".join(lines))
    return said


def _draw(axes: Axes, rows: pd.DataFrame, networks: dict[str, int], text: FigureText) -> None:
    """Draw one panel: a line per network, a point per block; networks have their last blocks."""
    for network, of_network in rows.groupby("network"):
        i = [*networks].index(network)
        color = PALETTE[i % len(PALETTE)]
        shift = _DODGE * (i - (len(networks) - 1) / 2)
        place = of_network["block"] + shift
        axes.plot(place, of_network["score"], color=color, zorder=1)
        drawn = of_network[of_network["low"].notna()]
        lines = axes.vlines(
            place[drawn.index], drawn["low"], drawn["high"], color=color, linewidth=0.8
        )
        mark(lines, drawn, _words(drawn, text))
        sure = (of_network["difference_low"] > 0) | (of_network["difference_high"] < 0)
        last = of_network["block"] == networks[network]
        for chosen, marker, size in ((~last, "o", 9), (last, "D", 11)):
            fills = np.where(sure[chosen], color, "white")
            points = axes.scatter(
                place[chosen], of_network["score"][chosen], size, fills.tolist(), marker=marker,
                edgecolors=color, linewidths=0.7, zorder=3,
            )  # fmt: skip
            mark(points, of_network[chosen], _words(of_network[chosen], text))
    blocks = sorted(rows["block"].unique())
    step = math.ceil(len(blocks) / _MOST_TICKS)
    axes.set_xticks(blocks[::-1][::step])
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.margins(0.12, 0.1)
    axes.grid(axis="y")
