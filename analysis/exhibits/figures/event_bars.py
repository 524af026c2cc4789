"""Figures 4 and 5: bars of levels and of receptive fields on the event tasks."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.exhibits.figures.common import (
    BAR_COLUMNS,
    EVENT_REFERENCES,
    LEVELS,
    RECEPTIVE_FIELDS,
    FigureText,
    empty_figure,
    has_official,
    mark_random_init,
    missing_note,
    numbers,
    pick,
)
from analysis.exhibits.style import (
    DARK,
    GRAY,
    PALETTE,
    SMALL_PT,
    house_style,
    new_figure,
    tick_labels,
)
from analysis.tables.words import metric_label

_BAR = 0.72  # width of a bar, in units of the distance between bars
_PANEL_IN = 1.3  # height of a panel, inches


def figure_4(summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 4: the levels L, M, H and their combinations on every event task.

    Parameters
    ----------
    summary : DataFrame
        One row per model and task.
    text : FigureText
        Words; ``event_tasks`` gives the panels.

    Returns
    -------
    figure : Figure
        One panel per event task, bars of the task's own metric. Beside official scores, the
        paper's three reference entries are hatched.
    numbers : DataFrame
        What is drawn, columns `BAR_COLUMNS`.
    """
    about = "L mel, M features, H logits; hop 10 ms, window 160 ms."
    return _event_bars(summary, text, 4, LEVELS, about)


def figure_5(summary: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 5: receptive fields of L+M on every event task; otherwise as `figure_4`."""
    about = "L+M at windows of 160 ms, 640 ms and both (2RF); hop 10 ms."
    return _event_bars(summary, text, 5, RECEPTIVE_FIELDS, about)


def _event_bars(
    summary: pd.DataFrame, text: FigureText, number: int, models: Mapping[str, str], about: str
) -> tuple[Figure, pd.DataFrame]:
    """Draw one panel of bars per event task, in the task's own metric."""
    ticks = dict(models) | (EVENT_REFERENCES if has_official(summary) else {})
    rows = pick(summary, models, EVENT_REFERENCES)
    rows = rows[rows["task"].isin(text.event_tasks) & rows["score"].notna()]
    order = {name: place for place, name in enumerate((*text.event_tasks, *ticks))}
    rows = rows.assign(panel=rows["task"])
    rows = rows.sort_values(["task", "model"], key=lambda names: names.map(order))
    drawn = numbers(rows, number, text, BAR_COLUMNS)
    if rows.empty:
        reason = "No model of this figure has a score on an event task in this study."
        if not text.event_tasks:
            reason = "No event task (timestamp embeddings) in this study: nothing to compare here."
        return empty_figure(reason, text), drawn
    names = [name for name in ticks if name in set(rows["model"])]
    panels = list(rows["task"].unique())
    with house_style():
        notes = [about, *missing_note(ticks, rows), *_spread_notes(rows, text)]
        figure = new_figure(0.45 + _PANEL_IN * len(panels), notes, text.label)
        grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, task in zip(grid, panels, strict=True):
            _draw_panel(axes, rows[rows["task"] == task].set_index("model"), names)
            axes.set_title(text.task(task), loc="left", pad=3, weight="bold")
        of_run = [name for name in names if name in models]
        labels, weights = mark_random_init(ticks, of_run, text)
        tick_labels(grid[-1], list(range(len(names))), [labels[name] for name in names])
        grid[-1].set_xlabel(weights)
        if has_official(rows):
            figure.legend(*_sources(rows), loc="outside upper center", ncols=2, frameon=False)
    return figure, drawn


def _draw_panel(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """Draw a bar per model, its number above it; a model without a score is said, not left out."""
    tops = (rows["score"] + rows["score_sd"].fillna(0)).to_dict()
    limit = 1.18 * max(*tops.values(), 0.05)  # room for the numbers; never an axis without height
    for x, name in enumerate(names):
        if name not in rows.index:
            axes.text(x, 0, " no score", rotation=90, ha="center", va="bottom", fontsize=SMALL_PT)
            continue
        row = rows.loc[name]
        official = row["source"] != "run"
        axes.bar(
            x,
            row["score"],
            _BAR,
            yerr=None if pd.isna(row["score_sd"]) else row["score_sd"],
            color=GRAY if official else PALETTE[0],
            hatch="////" if official else None,
            error_kw={"elinewidth": 0.8, "capsize": 2, "ecolor": DARK},
        )
        above = tops[name] + 0.015 * limit
        axes.text(x, above, f"{row['score']:.2f}", ha="center", va="bottom", fontsize=SMALL_PT)
    ylabel = textwrap.fill(metric_label(rows["metric"].iloc[0]), 18)
    axes.set(xlim=(-0.6, len(names) - 0.4), ylim=(0, limit), ylabel=ylabel)
    axes.grid(axis="y")


def _sources(rows: pd.DataFrame) -> tuple[list[Patch], list[str]]:
    """Return the legend's patches and words for the sources that are drawn."""
    patches = {
        "run": (Patch(facecolor=PALETTE[0]), "this run"),
        "hear2021": (Patch(facecolor=GRAY, hatch="////"), "HEAR 2021 entry"),
    }
    drawn = [patches[source] for source in patches if source in set(rows["source"])]
    return [patch for patch, _ in drawn], [words for _, words in drawn]


def _spread_notes(rows: pd.DataFrame, text: FigureText) -> list[str]:
    """Say for each panel what its error bars are taken over."""
    notes = []
    run = rows[rows["source"] == "run"]
    for task in run["task"].unique():
        n_folds, n_seeds = run.loc[run["task"] == task, ["n_folds", "n_seeds"]].max()
        spread = "no error bars (one fold, one seed)"
        if n_folds > 1:
            spread = f"error bars ± 1 sd over {n_folds} folds"
        elif n_seeds > 1:
            spread = f"error bars ± 1 sd over {n_seeds} seeds"
        notes.append(f"{text.task(task)}: {spread}.")
    return notes
