"""House style of the figures: seaborn at column width, the study's stamp at the foot, saving.

Figures are `matplotlib.figure.Figure` objects, made without pyplot and its global state. They are
one column wide, so that they look the same on screen and in print.
"""

from __future__ import annotations

import math
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.textpath import text_to_path

from analysis.exhibits.marks import write_marks
from analysis.exhibits.text import FigureText
from analysis.tables.scores import replacing

COLUMN_WIDTH_IN = 3.25  # text column of a two-column page, inches
FONT_PT = 7.0
SMALL_PT = 6.5  # the smallest size used anywhere: legible in print at column width
LINE_IN = 0.115  # height of a line of SMALL_PT text, inches
PNG_DPI = 300
_FOOT_LETTERS = 60  # of a line of SMALL_PT text across the column, with room for wide ones
_HANDLE_IN = 0.3  # width of a legend's handle and the space around it, inches

PALETTE = (  # Okabe and Ito, "Color Universal Design", 2008: distinct under color blindness
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442",
)  # fmt: skip
GRAY = "#BBBBBB"  # reference entries
DARK = "#333333"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")  # of the tasks of a category

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same on every machine
    "text.parse_math": False,  # a $ in a name is a $
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
    """Apply the style inside a ``with`` block, without changing matplotlib's global settings.

    Also silences a warning: seaborn 0.13.2 calls matplotlib's boxplot with ``vert``, deprecated
    since 3.11.
    """
    with matplotlib.rc_context(_RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s)vert: bool")
        yield


def new_figure(
    height_in: float, notes: Iterable[str], text: FigureText, strip_in: float = 0.0
) -> Figure:
    """Make an empty figure, one column wide, with notes and the study's stamp at the bottom.

    The drawing is ``height_in`` inches high, in a constrained layout that keeps the axes above the
    notes; ``strip_in`` inches between the two stay free.
    """
    foot = (" ".join(notes), text.stamp or text.label)
    wrapped = [textwrap.wrap(words, _FOOT_LETTERS, break_on_hyphens=False) for words in foot]
    lines = sum(wrapped, [])
    foot_in = LINE_IN * len(lines) + 0.08
    total_in = height_in + strip_in + foot_in
    share = height_in / total_in
    layout = ConstrainedLayoutEngine(rect=(0, 1 - share, 1, share))
    figure = Figure(figsize=(COLUMN_WIDTH_IN, total_in), layout=layout)
    figure.text(
        0.05 / COLUMN_WIDTH_IN, 0.04 / total_in, "\n".join(lines), fontsize=SMALL_PT, color=DARK,
        linespacing=1.15, va="bottom", in_layout=False,
    )  # fmt: skip
    return figure


@cache
def text_in(text: str) -> float:
    """Return the width in inches of a text set in SMALL_PT."""
    font = FontProperties(family="DejaVu Sans", size=SMALL_PT)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def empty_figure(reason: str, text: FigureText) -> Figure:
    """Return a figure with a single empty panel that states why nothing is drawn."""
    with house_style():
        figure = new_figure(1.2, [], text)
        axes = figure.add_subplot(xticks=[], yticks=[])
        axes.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, fontsize=SMALL_PT)
    return figure


def legend_columns(labels: list[str]) -> tuple[int, float]:
    """Return the number of columns of a legend with these labels, and its height in inches.

    The height is added to the figure's, so that a legend does not shrink the axes.
    """
    widest_in = max(map(text_in, labels), default=0.0) + _HANDLE_IN
    n_columns = min(len(labels), int(COLUMN_WIDTH_IN / widest_in)) or 1
    return n_columns, 0.13 * math.ceil(len(labels) / n_columns)


def legend_above(figure: Figure, handles: Sequence[Any], labels: list[str]) -> Legend:
    """Put the legend of `legend_columns` above the axes."""
    n_columns, _ = legend_columns(labels)
    return figure.legend(
        handles, labels, loc="outside upper center", ncols=n_columns, columnspacing=1.0,
        borderaxespad=0.2, borderpad=0.1, labelspacing=0.3,
    )  # fmt: skip


def pale(color: str) -> str:
    """Return a color mixed half and half with white, for areas under points of that color."""
    red, green, blue = to_rgb(color)
    return to_hex(((1 + red) / 2, (1 + green) / 2, (1 + blue) / 2))


def save_figure(
    figure: Figure, stem: str | Path, kinds: Iterable[str] = ("pdf", "png", "svg")
) -> None:
    """Save a figure as ``stem.pdf``, ``stem.png`` and ``stem.svg``, or some of them.

    Files are written under temporary names and renamed. They contain no time stamps: the same
    figure gives the same bytes.
    """
    for kind in kinds:
        with replacing(f"{stem}.{kind}") as temporary:
            with house_style():
                figure.savefig(temporary, format=kind, **_SAVING[kind])
            if kind == "svg":
                write_marks(temporary)
