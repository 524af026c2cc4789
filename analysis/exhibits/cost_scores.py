"""Scores of the models over the cost of their embeddings, for scene and event tasks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.exhibits.marks import mark, value_words
from analysis.exhibits.numbers import NOTHING_DRAWN, count, interval_note, same_note
from analysis.exhibits.style import (
    DARK,
    PALETTE,
    SMALL_PT,
    empty_figure,
    house_style,
    new_figure,
)
from analysis.exhibits.text import FigureText
from analysis.statistics.estimates import EVENTS, SCENES
from analysis.tables.embedding_costs import WHERE, joined

COLUMNS = (
    "figure", "panel", "number", "model", "label", "passes", "seconds_per_s", "audio_s",
    "n_measured", "mean_normalized_score", "low", "high", "n_tasks", "n_replicates", "on_front",
    *WHERE,
)  # fmt: skip
PANELS = {"scene": SCENES, "event": EVENTS}
CPU = "cpu"
_PANEL_IN = 1.75  # height of a panel, inches
_WIDTH_IN = 2.7  # of a panel, about
_APART_IN = 0.09  # between points of equal cost


def figure_costs(
    costs: pd.DataFrame, estimates: pd.DataFrame, text: FigureText
) -> tuple[Figure, pd.DataFrame]:
    """Draw mean normalized scores with 95 % intervals over seconds per second of audio.

    There is one panel per kind of task, with a numbered point per model; of models with the same
    embedding, only the first is shown. A model is on the Pareto front, filled and joined by a line,
    if no model of the same or lower cost has the same or a higher score. In the numbers, ``panel``
    is `SCENES` or `EVENTS`, ``passes`` are the forward passes included in the cost, ``audio_s`` is
    the measured audio of ``n_measured`` tasks.
    """
    rows = _numbers(costs, estimates, text)
    drawn = rows[rows["seconds_per_s"].notna()]
    if drawn.empty:
        return empty_figure("No model's cost was measured in this study.", text), rows
    panels = [panel for panel in PANELS.values() if (drawn["panel"] == panel).any()]
    with house_style():
        notes = _notes(rows, estimates, text)
        height_in = 0.15 + _PANEL_IN * len(panels)
        figure = new_figure(height_in, notes, text)
        grid = figure.subplots(len(panels), 1, squeeze=False)
        for panel, axes in zip(panels, grid.flat, strict=True):
            points = drawn[drawn["panel"] == panel]
            if panel == SCENES:
                same = [text.scene_embeddings.get(model, model) for model in points["model"]]
                points = points[~pd.Series(same, points.index).duplicated()]
            _draw(axes, points)
            axes.set_title(f"{panel} ({points['n_tasks'].max()})", loc="left")
        axes.set_xlabel(f"{_seconds(drawn)} per second of audio, embedding alone")
        axis = text.normalized_axis
        middle = 1 - height_in / 2 / figure.get_figheight()  # of the panels, above the foot
        figure.supylabel(f"Mean of {axis[0].lower()}{axis[1:]}", y=middle, fontsize="medium")
    return figure, rows


def figure_costs_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    drawn = numbers[numbers["seconds_per_s"].notna()]
    if drawn.empty:
        return NOTHING_DRAWN
    fronts = "; ".join(
        f"{panel}: {', '.join(rows.sort_values('seconds_per_s')['label'])}"
        for panel, rows in drawn[drawn["on_front"]].groupby("panel", sort=False)
    )
    return (
        "Mean normalized score over the seconds that embedding a second of audio took in this "
        "run, without reading files and without the probe. A model is charged in full for every "
        "pass that it needs, as if it were run alone: M, H and M+H of one network come from one "
        f"pass and cost the same. {_measured(drawn)} A tenth more or less is "
        f"noise. Pareto front, by the values and not by their intervals: {fronts}."
    )


def _numbers(costs: pd.DataFrame, estimates: pd.DataFrame, text: FigureText) -> pd.DataFrame:
    """A row per kind of task and model, missing seconds where nothing was measured."""
    scores = estimates[estimates["statistic"].eq("mean_normalized_score")]
    scores = scores[scores["source"].eq("run") & scores["category"].isin(list(PANELS.values()))]
    scores = scores.rename(columns={"category": "panel", "estimate": "mean_normalized_score"})
    costs = costs.assign(
        panel=costs["embedding_type"].map(PANELS), seconds=costs["seconds_per_s"] * costs["audio_s"]
    )
    of_models = costs.groupby(["panel", "model"])
    sums = of_models[["audio_s", "seconds"]].sum(min_count=1)
    facts = of_models.agg({"passes": "first", **dict.fromkeys(WHERE, joined)}).join(sums)
    facts["n_measured"] = of_models["seconds"].count()
    facts["seconds_per_s"] = facts["seconds"] / facts["audio_s"]
    rows = scores.merge(facts.reset_index(), how="left", on=["panel", "model"])
    models = list(dict.fromkeys([*text.models, *rows["model"]]))
    models = [model for model in models if model in set(rows["model"])]
    rows = rows.assign(
        figure="costs",
        number=rows["model"].map(models.index) + 1,
        label=[text.model(model) for model in rows["model"]],
        on_front=False,
    )
    for _, points in rows.groupby("panel"):
        order = ["seconds_per_s", "mean_normalized_score", "number"]
        points = points.dropna(subset=order).sort_values(order, ascending=[True, False, True])
        best = points["mean_normalized_score"].cummax().shift(fill_value=-np.inf)
        rows.loc[points.index[points["mean_normalized_score"] > best], "on_front"] = True
    rows = rows.sort_values(["panel", "number"], ascending=[False, True], ignore_index=True)
    return rows.reindex(columns=list(COLUMNS))


def _draw(axes: Axes, points: pd.DataFrame) -> None:
    """Draw the points of one panel, those of equal cost side by side, and the front."""
    axes.set_xscale("log")
    logs = np.log10(points["seconds_per_s"])
    span = max(np.ptp(logs) * 1.2, 0.5)
    step = span * _APART_IN / _WIDTH_IN
    column = points.groupby("seconds_per_s")["number"]
    place = column.rank() - (column.transform("size") + 1) / 2
    x = 10 ** (logs + step * place)
    points = points.assign(x=x)
    for is_on, color, fill in ((False, DARK, "white"), (True, PALETTE[0], PALETTE[0])):
        mine = points[points["on_front"] == is_on]
        known = mine[mine["low"].notna()]
        lines = axes.vlines(known["x"], known["low"], known["high"], color=color, linewidth=0.8)
        mark(lines, known, _words(known))
        dots = axes.scatter(
            mine["x"], mine["mean_normalized_score"], s=10, facecolors=fill, edgecolors=color,
            linewidths=0.8, zorder=3,
        )  # fmt: skip
        mark(dots, mine, _words(mine))
    front = points[points["on_front"]].sort_values("x")
    axes.step(
        front["x"], front["mean_normalized_score"], where="post", color=PALETTE[0], linewidth=0.7,
        linestyle="--", zorder=1,
    )  # fmt: skip
    ends = points[["low", "high"]].apply(lambda end: end.fillna(points["mean_normalized_score"]))
    # The number of the lower of two points goes below its interval if both numbers, of ``tall`` and
    # of about ``step`` a digit, would run into each other above.
    tall = 0.1 * (ends["high"].max() - ends["low"].min())
    digits = points["number"].astype(str).str.len()
    for row, low, high, size, said in zip(
        points.itertuples(), ends["low"], ends["high"], digits, _words(points), strict=True
    ):
        apart = (np.log10(points["x"]) - np.log10(row.x)).abs()
        near = (apart < 0.9 * step * (digits + size) / 2) & ((ends["high"] - high).abs() < tall)
        is_below = (points["mean_normalized_score"][near] > row.mean_normalized_score).any()
        number = axes.annotate(
            str(row.number), (row.x, low if is_below else high),
            xytext=(0, -1.5 if is_below else 1.5), textcoords="offset points", ha="center",
            va="top" if is_below else "bottom", fontsize=SMALL_PT, zorder=2.5,
            color=PALETTE[0] if row.on_front else DARK,
            path_effects=[withStroke(linewidth=1.5, foreground="white")],
        )  # fmt: skip
        mark(number, pd.DataFrame({"model": [row.model]}), [said])
    middle = (logs.min() + logs.max()) / 2
    half = max((logs.max() - logs.min()) / 2 + 2 * step, span / 2)
    axes.set_xlim(10 ** (middle - half), 10 ** (middle + half))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(y=0.12)
    axes.grid(axis="y")


def _words(points: pd.DataFrame) -> list[str]:
    """Text for each point."""
    unit = f"{_seconds(points)} per second of audio"
    return [
        f"{row.label}\n{row.panel}\n"
        + value_words("mean normalized score", row.mean_normalized_score, row.low, row.high)
        + f"\n{row.seconds_per_s:.3g} {unit}\nn = {row.n_tasks} tasks"
        for row in points.itertuples()
    ]


def _seconds(drawn: pd.DataFrame) -> str:
    """Kind of the measured seconds."""
    kinds = {part for devices in drawn["device"] for part in devices.split("; ")}
    if kinds == {CPU}:
        return "CPU seconds"
    return "GPU seconds" if CPU not in kinds else "CPU or GPU seconds"


def _measured(drawn: pd.DataFrame) -> str:
    """Sentence on the machine and settings, and whether several machines are compared."""
    places = drawn[list(WHERE)].drop_duplicates()
    said = []
    for place in places.itertuples():
        device = "" if place.device == CPU else f", {place.device}"
        said.append(f"{place.machine}{device}, threads: {place.threads}, MKL's path: {place.mkl}")
    several = len(said) > 1 or places["machine"].str.contains("; ").any()
    mixed = " Several machines or settings: their seconds are not comparable." if several else ""
    return f"Measured on {' / '.join(said)}.{mixed}"


def _notes(rows: pd.DataFrame, estimates: pd.DataFrame, text: FigureText) -> list[str]:
    """Notes on how to read the figure, where costs were measured, and what is missing."""
    drawn = rows[rows["seconds_per_s"].notna()]
    models = drawn.sort_values("number").drop_duplicates("number")
    names = [f"{row.number}\u00a0{row.label}" for row in models.itertuples()]
    notes = [
        f"{'; '.join(names)}.",
        "Dashed: Pareto front. A model is charged for all passes that it needs, as if run alone; "
        "points of one cost stand side by side.",
        _measured(drawn),
        *interval_note(drawn),
        *same_note(estimates[estimates["statistic"] == "score"], text),
    ]
    few = drawn[drawn["n_measured"] < drawn["n_tasks"]].drop_duplicates("panel")
    for row in few.itertuples():
        notes.append(f"Cost measured on {row.n_measured:.0f} of {row.n_tasks} {row.panel}.")
    missing = rows.loc[rows["seconds_per_s"].isna(), "label"].nunique()
    if missing:
        notes.append(f"Cost not measured: {count(missing, 'model')}.")
    return notes
