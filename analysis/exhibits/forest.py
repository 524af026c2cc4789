"""Forest plot of the paper's claims: distances from their thresholds, with verdicts."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import blended_transform_factory

from analysis.claims.claim import (
    FAILS,
    HOLDS,
    NOT_TESTED,
    UNDECIDED,
    verdict_kind,
    verdicts_in_words,
)
from analysis.claims.decide import distances
from analysis.exhibits.marks import SEPARATOR, mark, value_words
from analysis.exhibits.numbers import count
from analysis.exhibits.style import (
    COLUMN_WIDTH_IN,
    DARK,
    PALETTE,
    SMALL_PT,
    house_style,
    legend_above,
    legend_columns,
    new_figure,
    pale,
)
from analysis.exhibits.text import FigureText

FOREST_COLUMNS = (
    "figure", "panel", "position", "claim_id", "label", "verdict", "distance", "distance_low",
    "distance_high", "unit", "estimate", "low", "high", "direction", "threshold",
    "official_verdict", "official_distance", "official_claim_id", "p_holm", "reason",
    "not_above_baseline",
)  # fmt: skip
UNITS = {  # of a claim's number: by aggregate, else by quantity
    "sd": "standard deviation over tasks",
    "share_above": "share of tasks",
    "normalized_score": "normalized score",
    "score": "score of the task",
    "headroom": "headroom",
    "ratio of measurements": "ratio",
}
RATIO = UNITS["ratio of measurements"]
COLORS = {HOLDS: PALETTE[2], FAILS: PALETTE[3], UNDECIDED: PALETTE[1]}
MARKERS = {HOLDS: "o", FAILS: "X", UNDECIDED: "D"}
OFFICIAL = "hollow: official HEAR 2021"
_SIGNS = {"above": ">", "below": "<", "within": "\u00b1"}
_LABEL_LETTERS = 34  # of a claim without a short form
_GRAY_LETTERS = 60  # of a line of SMALL_PT text across the column
_GRAY = "#6B6B6B"  # text of what is not tested, legible on white
_GRAY_IN = 0.105  # height of such a line, inches
_ROW_IN = 0.138  # height of a claim, inches
_HEAD_IN = 0.19  # height of a section's name, inches
_AXIS_IN = 0.45  # height of an axis with its label, inches
_ASIDE_IN = 0.035  # distance of an official point from the middle of its row, inches
_POINTS: dict[str, Any] = {"linestyle": "none", "markersize": 4, "zorder": 4}


def figure_claims(claims: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw every claim's distance from its threshold with its 95 % interval, by section.

    Numbers on the claimed side are right of the line, for either direction of the claim. Distances
    are in the claim's own unit; ratios of measurements have an axis of their own. Shape and color
    show the verdict; a hollow marker below it shows the verdict of official scores on the same
    claim, or on the closest available evidence. Untested claims are listed in gray, with the
    reason.
    """
    rows = _rows(claims)
    tested = rows[rows["kind"] != NOT_TESTED]
    with house_style():
        figure = _draw(tested, _untested(rows[rows["kind"] == NOT_TESTED]), text)
    return figure, rows.reindex(columns=list(FOREST_COLUMNS))


def figure_claims_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    weak_tasks = numbers["not_above_baseline"].fillna("")
    counts = verdicts_in_words(numbers["verdict"], numbers["p_holm"], weak_tasks)
    return (
        f"{count(len(numbers), 'row')} of the ledger: {counts}. Horizontal "
        "axis: distance of the estimate from the claim's threshold (given after its name if it is "
        "not 0), positive on the claimed side, in the claim's own unit (CSV); lines: 95 % "
        f"intervals.{agreement(numbers)}"
    )


def agreement(claims: pd.DataFrame) -> str:
    """Text on how often this study and official scores give the same verdict."""
    verdicts = claims[["verdict", "official_verdict"]].replace("", np.nan).dropna()
    kinds = verdicts.map(verdict_kind)
    here, there = kinds[kinds["verdict"] != NOT_TESTED].to_numpy().T
    if not len(here):
        return ""
    alike, undecided = (here == there).sum(), (here == UNDECIDED).sum()
    return (
        f" Official HEAR 2021 scores test {len(here)} of the claims that are tested here, or the "
        f"nearest evidence for them: {alike} with the same verdict, "
        f"{len(here) - alike - undecided} with the opposite one, {undecided} undecided here."
    )


def _rows(claims: pd.DataFrame) -> pd.DataFrame:
    """Add what is drawn: kind of verdict, panel, place, label, unit, distances."""
    here = ["direction", "threshold", "estimate", "low", "high"]
    there = [f"official_{name}" for name in ("direction", "threshold", *["estimate"] * 3)]
    names = ["distance", "distance_low", "distance_high"]
    found = [distances(*row) for row in claims[here].itertuples(index=False)]
    official = [distances(*row)[0] for row in claims[there].itertuples(index=False)]
    section = claims["section"].str.partition(",")[0]
    return claims.assign(
        figure="claims",
        kind=claims["verdict"].map(verdict_kind),
        section=section,
        panel=(section + " " + claims["topic"]).str.strip(),
        position=np.arange(1, len(claims) + 1),
        label=[_label(claim) for claim in claims.to_dict("records")],
        unit=claims["aggregate"].map(UNITS).fillna(claims["quantity"].map(UNITS)).fillna(""),
        official_distance=official,
        category=claims["where"],
        compared=claims["models"].str.cat(claims["others"], sep=SEPARATOR).str.strip(SEPARATOR),
        **pd.DataFrame(found, columns=names, index=claims.index),
    )


def _label(claim: dict[str, Any]) -> str:
    """The claim in a few words, with its threshold where that is not 0."""
    words, threshold = claim["short"], claim["threshold"]
    words = words or textwrap.shorten(claim["statement"], _LABEL_LETTERS, placeholder="\u2026")
    if not threshold or np.isnan(threshold):
        return words
    value = re.sub(r"^0\.|(?<=\u2212)0\.", ".", f"{threshold:g}".replace("-", "\u2212"))
    return f"{words} ({_SIGNS[claim['direction']]}{value})"


def _untested(rows: pd.DataFrame) -> list[str]:
    """Lines that list what is not tested, by section and reason."""
    if rows.empty:
        return []
    lines = ["Not tested in this study:"]
    for (section, reason), same in rows.groupby(["section", "reason"], sort=False):
        labels = same["label"].where(
            same["official_verdict"] == "",
            same["label"] + " [official: " + same["official_verdict"] + "]",
        )
        words = f"{section} {'; '.join(labels)}: {reason}."
        lines += textwrap.wrap(words, _GRAY_LETTERS, subsequent_indent="  ", break_on_hyphens=False)
    return lines


def _draw(rows: pd.DataFrame, untested: list[str], text: FigureText) -> Figure:
    kinds = [kind for kind in MARKERS if kind in set(rows["kind"])]
    key = [*kinds, *([OFFICIAL] if rows["official_distance"].notna().any() else [])]
    blocks = [block for _, block in rows.groupby(rows["unit"] == RATIO)]
    heights_in = [_ROW_IN * len(block) + _HEAD_IN * block["panel"].nunique() for block in blocks]
    height_in = sum(heights_in) + _AXIS_IN * len(blocks) + legend_columns(key)[1]
    figure = new_figure(height_in, [], text, _GRAY_IN * len(untested) + 0.1)
    if blocks:
        grid = figure.subplots(len(blocks), squeeze=False, height_ratios=heights_in)[:, 0]
        for axes, block, block_in in zip(grid, blocks, heights_in, strict=True):
            _draw_block(axes, block, block_in)
        legend_above(figure, [_handle(name) for name in key], key)
    figure.text(
        0.05 / COLUMN_WIDTH_IN, 1 - height_in / figure.get_figheight(), "\n".join(untested),
        fontsize=SMALL_PT, color=_GRAY, linespacing=1.15, va="top", in_layout=False,
    )  # fmt: skip
    return figure


def _draw_block(axes: Axes, rows: pd.DataFrame, height_in: float) -> None:
    """Draw claims by section, the first on top; the vertical axis is in inches."""
    is_first = ~rows["panel"].duplicated()
    heads = _HEAD_IN * is_first.cumsum()
    rows = rows.assign(height=heads + _ROW_IN * (np.arange(len(rows)) + 0.5))
    across = blended_transform_factory(axes.figure.transFigure, axes.transData)
    for row in rows[is_first].itertuples():
        height = row.height - (_ROW_IN + _HEAD_IN) / 2
        axes.text(
            0.015, height, row.panel, weight="bold", va="center", fontsize=SMALL_PT,
            transform=across, in_layout=False,
        )  # fmt: skip
    known = rows[rows["distance_low"].notna()]
    lines = axes.hlines(
        known["height"], known["distance_low"], known["distance_high"],
        colors=known["kind"].map(COLORS).tolist(), linewidth=1,
    )  # fmt: skip
    mark(lines, known, _words(known))
    for kind, same in rows.groupby("kind"):
        (points,) = axes.plot(
            same["distance"],
            same["height"],
            color=COLORS[kind],
            marker=MARKERS[kind],
            mew=0,
            **_POINTS,
        )
        mark(points, same, _words(same))
    beside = rows[rows["official_distance"].notna()]
    for row in beside.itertuples():
        kind = verdict_kind(row.official_verdict)
        (point,) = axes.plot(
            row.official_distance,
            row.height + _ASIDE_IN,
            color=COLORS[kind],
            marker=MARKERS[kind],
            mfc="white",
            mew=0.8,
            **_POINTS,
        )
        official = beside.loc[[row.Index]].drop(columns="model")
        mark(point, official, _official_words(official))
    axes.set(ylim=(height_in, 0), yticks=rows["height"], yticklabels=rows["label"])
    what = "Ratio, distance" if rows["unit"].iloc[0] == RATIO else "Distance"
    axes.set_xlabel(f"{what} from the threshold\n\u2190 against the claim | for it \u2192")
    axes.margins(x=0.05)
    left, right = axes.get_xlim()
    axes.axvspan(0, max(right, 0), color=pale(pale(pale(COLORS[HOLDS]))), zorder=0, linewidth=0)
    axes.set_xlim(min(left, 0), max(right, 0))
    axes.axvline(0, color=DARK, linewidth=0.8, zorder=1)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _words(rows: pd.DataFrame) -> list[str]:
    return [
        f"{row.claim_id}\n{row.statement}\n{row.verdict}\n"
        + value_words("estimate", row.estimate, row.low, row.high)
        + f"\nthreshold: {row.direction} {row.threshold:g}"
        + (f"\nn = {count(row.n_tasks, 'task')}" if pd.notna(row.n_tasks) else "")
        for row in rows.itertuples()
    ]


def _official_words(rows: pd.DataFrame) -> list[str]:
    return [
        f"{row.official_claim_id}\nofficial HEAR 2021 scores: {row.official_verdict}\n"
        + value_words("estimate", row.official_estimate, None, None)
        + f"\nthreshold: {row.official_direction} {row.official_threshold:g}"
        for row in rows.itertuples()
    ]


def _handle(name: str) -> Line2D:
    if name == OFFICIAL:
        return Line2D([], [], marker="o", color=DARK, mfc="white", mew=0.8, **_POINTS)
    return Line2D([], [], marker=MARKERS[name], color=COLORS[name], mew=0, **_POINTS)
