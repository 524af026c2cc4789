"""House style of the figures: seaborn at column width, the study's stamp at the foot, saving.

Figures are made as `matplotlib.figure.Figure` objects, without pyplot and its global state. They
are one column wide, so what is read on the screen is what is read in print.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path
from matplotlib.typing import RcKeyType

from analysis.exhibits.text import FigureText

COLUMN_WIDTH_IN = 3.25  # text column of a two-column page, inches
FONT_PT = 7.0
SMALL_PT = 6.5  # the smallest size used anywhere: legible in print at column width
LINE_IN = 0.115  # height of a line of SMALL_PT text, inches
PNG_DPI = 300
_AXES_IN = 2.7  # width of the axes of a figure, about, inches
_UPRIGHT_FROM = 8  # from this many tick labels on, they stand upright if they do not fit
_HANDLE_IN = 0.3  # width of a legend's handle and the space around it, inches

PALETTE = (  # Okabe and Ito, "Color Universal Design", 2008: distinct under color blindness
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442",
)  # fmt: skip
GRAY = "#BBBBBB"  # reference entries
DARK = "#333333"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")  # of the tasks of a category

_RC: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same on every machine
    "font.size": FONT_PT,
    "axes.labelsize": FONT_PT,
    "axes.titlesize": FONT_PT,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "legend.fontsize": SMALL_PT,
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.linewidth": 0.4,
    "grid.color": "#DDDDDD",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "hatch.linewidth": 0.5,
    "hatch.color": DARK,
    "lines.linewidth": 0.8,
    "pdf.fonttype": 42,  # TrueType: text stays text, and journals accept it
    "svg.fonttype": "path",  # letters as outlines: no viewer needs the font
    "svg.hashsalt": "passt-hear",  # fixed, or every SVG gets other ids
}


_SAVING: dict[str, dict[str, Any]] = {  # without time stamps
    "pdf": {"metadata": {"CreationDate": None}},
    "png": {"metadata": {"Software": None}, "dpi": PNG_DPI},
    "svg": {"metadata": {"Date": None, "Creator": None}},
}


@contextmanager
def house_style() -> Iterator[None]:
    """Apply the style inside a ``with`` block, leaving matplotlib's global settings alone.

    seaborn 0.13.2 gives matplotlib's boxplot the argument ``vert``, deprecated from 3.11 on.
    """
    with matplotlib.rc_context(_RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s)vert: bool")
        yield


def new_figure(
    height_in: float, notes: Iterable[str], text: FigureText, strip_in: float = 0.0
) -> Figure:
    """Make an empty figure, one column wide, with notes and the study's stamp at its foot.

    Parameters
    ----------
    height_in : float
        Height of the drawing itself in inches; the foot is added below it.
    notes : iterable of str
        What a reader must know besides: missing models, meaning of intervals.
    text : FigureText
        Says which study and which tasks; visible on every figure.
    strip_in : float
        Height left free between the drawing and the foot, inches.

    Returns
    -------
    Figure
        With a constrained layout that keeps the axes above the foot.
    """
    lines = [*_wrap(" ".join(notes)), *_wrap(text.stamp or text.label)]
    foot_in = LINE_IN * len(lines) + 0.08
    total_in = height_in + strip_in + foot_in
    rect = (0.0, 1 - height_in / total_in, 1.0, height_in / total_in)
    layout = ConstrainedLayoutEngine(rect=rect)
    figure = Figure(figsize=(COLUMN_WIDTH_IN, total_in), layout=layout)
    figure.text(
        0.05 / COLUMN_WIDTH_IN, 0.04 / total_in, "\n".join(lines), fontsize=SMALL_PT, color=DARK,
        linespacing=1.15, va="bottom", in_layout=False,
    )  # fmt: skip
    return figure


@cache
def text_in(text: str) -> float:
    """Return the width of a text of SMALL_PT in inches."""
    font = FontProperties(family="DejaVu Sans", size=SMALL_PT)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def _wrap(text: str) -> list[str]:
    """Break a text into lines of the column's width."""
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        if lines and text_in(f"{lines[-1]} {word}") <= COLUMN_WIDTH_IN - 0.25:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def empty_figure(reason: str, text: FigureText) -> Figure:
    """Return a figure whose single empty panel says why nothing is drawn."""
    with house_style():
        figure = new_figure(1.2, [], text)
        axes = figure.add_subplot(xticks=[], yticks=[])
        axes.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, fontsize=SMALL_PT)
    return figure


def legend_columns(labels: list[str]) -> tuple[int, float]:
    """Return how many columns a legend of these labels has, and its height in inches.

    The height is added to that of the figure, so that a legend never makes the axes smaller.
    """
    for n_columns in range(len(labels), 0, -1):
        columns = np.array_split(labels, n_columns)  # as matplotlib fills them
        width_in = sum(max(map(text_in, column)) + _HANDLE_IN for column in columns)
        if width_in <= COLUMN_WIDTH_IN or n_columns == 1:
            break
    return n_columns, 0.13 * len(columns[0])


def legend_above(figure: Figure, handles: Sequence[Artist | Container], labels: list[str]) -> None:
    """Put the legend of `legend_columns` above the axes."""
    n_columns, _ = legend_columns(labels)
    figure.legend(  # type: ignore[call-overload]  # matplotlib's types leave out bar containers
        handles, labels, loc="outside upper center", ncols=n_columns, columnspacing=1.0,
        borderaxespad=0.2, borderpad=0.1, labelspacing=0.3,
    )  # fmt: skip


def tick_labels(axes: Axes, positions: list[float], labels: list[str]) -> None:
    """Write the labels level if they fit side by side, else slanted, else upright."""
    widths = [text_in(label) for label in labels]
    step_in = _AXES_IN / (max(positions) - min(positions) + 1.2)
    if max(map(sum, pairwise(widths)), default=0.0) / 2 < 0.95 * step_in:
        axes.set_xticks(positions, labels)
    elif len(labels) < _UPRIGHT_FROM:
        axes.set_xticks(positions, labels, rotation=30, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(positions, labels, rotation=90)


def pale(color: str) -> str:
    """Return a color mixed with as much white, for areas under points of the color itself."""
    red, green, blue = ((1 + part) / 2 for part in to_rgb(color))
    return to_hex((red, green, blue))


def save_figure(
    figure: Figure, stem: str | Path, kinds: Iterable[str] = ("pdf", "png", "svg")
) -> None:
    """Save a figure as ``stem.pdf``, ``stem.png`` and ``stem.svg``, or some of them.

    Written under temporary names and renamed. The files carry no time stamps: the same figure
    gives the same bytes.
    """
    for kind in kinds:
        path = Path(f"{stem}.{kind}")
        temporary = path.with_name(f"{path.name}.tmp")
        with house_style():
            figure.savefig(temporary, format=kind, **_SAVING[kind])
        os.replace(temporary, path)
