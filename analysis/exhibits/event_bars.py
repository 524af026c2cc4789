"""Figures 4 and 5: bars of levels and of receptive fields on the event tasks."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from itertools import compress
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.claims.claim import FIELDS_TOPIC, LEVELS_TOPIC
from analysis.exhibits.marks import mark, mark_models, mark_nearest, score_words
from analysis.exhibits.numbers import (
    BAR_COLUMNS,
    BASE,
    NOTHING_DRAWN,
    PAPER_NAMES,
    has_official,
    interval_note,
    lacking,
    mark_random_init,
    missing_note,
    numbers,
    official_in_words,
    pick,
    with_intervals,
)
from analysis.exhibits.style import (
    DARK,
    GRAY,
    PALETTE,
    SMALL_PT,
    empty_figure,
    house_style,
    legend_above,
    legend_columns,
    new_figure,
)
from analysis.exhibits.text import FigureText

LEVELS = {  # Figure 4: model to tick label; hop 10 ms, window 160 ms
    "passt_l_hop10": "L",
    "passt_m_hop10": "M",
    "passt_h_hop10": "H",
    BASE: "M+H",
    "passt_lm_hop10": "L+M",
    "passt_lh_hop10": "L+H",
    "passt_lmh_hop10": "L+M+H",
}
RECEPTIVE_FIELDS = {  # Figure 5: L+M, hop 10 ms
    "passt_lm_hop10": "160 ms",
    "passt_lm_rf640_hop10": "640 ms",
    "passt_lm_2rf_hop10": "2RF",
}
REFERENCES = {name: PAPER_NAMES[name] for name in ("OpenL3", "wav2vec2", "GURA Cat H+w+C")}
_SOURCES: dict[str, tuple[str, dict[str, Any]]] = {  # source: name in the legend, looks of a bar
    "run": ("this run", {"color": PALETTE[0]}),
    "hear2021": ("HEAR 2021 entry", {"color": GRAY, "hatch": "////"}),
}
_PANEL_IN = 1.3  # height of a panel, inches


def figure_4(
    summary: pd.DataFrame, estimates: pd.DataFrame, text: FigureText
) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 4: the levels L, M, H and their combinations on every event task.

    There is one panel per event task, with bars of the task's own metric and 95 % intervals. With
    official scores, the paper's three reference entries are added, hatched.
    """
    about = "L mel, M features, H logits; hop 10 ms, window 160 ms."
    return _event_bars(summary, estimates, text, 4, LEVELS, [about, *text.confounded(LEVELS_TOPIC)])


def figure_4_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return _caption(
        "levels of the representation (L mel, M features, H logits) at hop 10 ms and a receptive "
        "field of 160 ms",
        text,
        numbers,
    )


def figure_4_here(text: FigureText, numbers: pd.DataFrame) -> str:
    return _here(text, numbers, LEVELS)


def figure_5(
    summary: pd.DataFrame, estimates: pd.DataFrame, text: FigureText
) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 5: receptive fields of L+M on every event task; otherwise as `figure_4`."""
    about = ["L+M at windows of 160 ms, 640 ms and both (2RF); hop 10 ms."]
    about += text.confounded(FIELDS_TOPIC, LEVELS_TOPIC)
    return _event_bars(summary, estimates, text, 5, RECEPTIVE_FIELDS, about)


def figure_5_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return _caption("receptive fields of L+M at hop 10 ms (2RF: 160 and 640 ms)", text, numbers)


def figure_5_here(text: FigureText, numbers: pd.DataFrame) -> str:
    return _here(text, numbers, RECEPTIVE_FIELDS)


def _here(text: FigureText, numbers: pd.DataFrame, models: Mapping[str, str]) -> str:
    tasks = ", ".join(map(text.task, numbers["task"].unique()))
    return f"{tasks}{lacking(numbers, {**models, **REFERENCES})}"


def _caption(what: str, text: FigureText, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return NOTHING_DRAWN
    return (
        f"Bars: {what}. A panel per event task ({numbers['task'].nunique()}), vertical axis: the "
        "task's own metric, not normalized; lines: 95 % intervals where predictions can be "
        f"bootstrapped.{official_in_words(numbers, text)}"
    )


def _event_bars(
    summary: pd.DataFrame,
    estimates: pd.DataFrame,
    text: FigureText,
    number: int,
    models: Mapping[str, str],
    about: list[str],
) -> tuple[Figure, pd.DataFrame]:
    """Draw one panel of bars per event task, in the task's own metric."""
    ticks = dict(models) | (REFERENCES if has_official(summary) else {})
    rows = pick(summary, models, REFERENCES)
    rows = rows[rows["task"].isin(text.event_tasks) & rows["score"].notna()]
    order = {name: place for place, name in enumerate((*text.event_tasks, *ticks))}
    rows = rows.assign(panel=rows["task"])
    rows = rows.sort_values(["task", "model"], key=lambda names: names.map(order))
    rows = with_intervals(rows, estimates, "score", "task")
    drawn = numbers(rows, number, text, BAR_COLUMNS)
    if rows.empty:
        reason = "No model of this figure has a score on an event task in this study."
        if not text.event_tasks:
            reason = "No event task (timestamp embeddings) in this study: nothing to compare here."
        return empty_figure(reason, text), drawn
    names = [name for name in ticks if name in set(rows["model"])]
    panels = list(rows["task"].unique())
    key = {name: looks for s, (name, looks) in _SOURCES.items() if s in set(rows["source"])}
    key = key if len(key) > 1 or has_official(rows) else {}
    with house_style():
        height_in = 0.45 + _PANEL_IN * len(panels) + (legend_columns([*key])[1] if key else 0)
        notes = [*about, *missing_note(ticks, rows), *interval_note(rows)]
        figure = new_figure(height_in, notes, text)
        grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, task in zip(grid, panels, strict=True):
            inside = rows[rows["task"] == task]
            _draw_panel(axes, inside, names, score_words(inside, estimates, text), text)
            axes.set_title(text.short_task(task), loc="left", pad=3, weight="bold")
        labels, weights = mark_random_init(ticks, [n for n in names if n in models], text)
        shown = [labels[name] for name in names]
        grid[-1].set_xticks(range(len(names)), shown, rotation=90 if has_official(rows) else 0)
        mark_models(grid[-1].get_xticklabels(), names, text)
        grid[-1].set_xlabel(weights)
        if key:
            legend_above(figure, [Patch(**looks) for looks in key.values()], [*key])
    return figure, drawn


def _draw_panel(
    axes: Axes, rows: pd.DataFrame, names: list[str], said: list[str], text: FigureText
) -> None:
    """Draw a bar per model, its number above it; a model without a score is said, not left out.

    What is `said` of each row is shown beside the pointer in the report.
    """
    for source, group in rows.groupby("source"):
        sns.barplot(
            group, x="model", y="score", order=names, width=0.72, errorbar=None, saturation=1,
            ax=axes, **_SOURCES[source][1],
        )  # fmt: skip
    place = {name: x for x, name in enumerate(names)}
    tops = rows[["score", "high"]].max(axis=1)
    limit = 1.18 * max(tops.max(), 0.05)  # room for the numbers; never an axis without height
    mark_nearest(axes.patches, rows, rows["model"].map(place), said)
    known = rows["low"].notna()
    drawn = rows[known]
    lines = axes.vlines(
        drawn["model"].map(place), drawn["low"], drawn["high"], color=DARK, linewidth=0.8
    )
    mark(lines, drawn, compress(said, known))
    words: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": SMALL_PT}
    for model, score, top in zip(rows["model"], rows["score"], tops, strict=True):
        axes.text(place[model], top + 0.015 * limit, f"{score:.2f}", **words)
    for model in set(names) - set(rows["model"]):
        axes.text(place[model], 0, " no score", rotation=90, **words)
    metric = textwrap.fill(text.metric_label(rows["metric"].iloc[0]), 18)
    axes.set(xlim=(-0.6, len(names) - 0.4), ylim=(0, limit), xlabel="", ylabel=metric)
    axes.grid(axis="y")
