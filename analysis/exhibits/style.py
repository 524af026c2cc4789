"""How every figure looks, the line that says what it shows, and how it is saved.

Figures are made as `matplotlib.figure.Figure` objects, without pyplot and its global state. They
are one column wide, so what is read on the screen is what is read in print.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from analysis.tables.scores import write_csv

COLUMN_WIDTH_IN = 3.25  # text column of a two-column page, inches
FONT_PT = 7.0
SMALL_PT = 6.5  # the smallest size used anywhere: legible in print at column width
LINE_IN = 0.115  # height of a line of SMALL_PT text, inches
LETTER_IN = 0.0525  # mean width of a letter of SMALL_PT DejaVu Sans, inches
PNG_DPI = 300
_AXES_IN = 2.7  # width of the axes of a figure, about, inches
_UPRIGHT_FROM = 8  # from this many tick labels on, they stand upright if they do not fit

PALETTE = (  # Okabe and Ito, "Color Universal Design", 2008: distinct under color blindness
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442",
)  # fmt: skip
GRAY = "#BBBBBB"  # reference entries
DARK = "#333333"
MARKERS = {  # marker of a task within its category, and the same as a letter for the notes
    "o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼",
    "P": "✚", "X": "✖", "<": "◀", ">": "▶", "*": "★",
}  # fmt: skip

_RC = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same on every machine
    "font.size": FONT_PT,
    "axes.labelsize": FONT_PT,
    "axes.titlesize": FONT_PT,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "legend.fontsize": SMALL_PT,
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


_SAVING = {  # without time stamps
    "pdf": {"metadata": {"CreationDate": None}},
    "png": {"metadata": {"Software": None}, "dpi": PNG_DPI},
    "svg": {"metadata": {"Date": None, "Creator": None}},
}


@contextmanager
def house_style() -> Iterator[None]:
    """Apply the style inside a ``with`` block, leaving matplotlib's global settings alone."""
    with matplotlib.rc_context(_RC):
        yield


def new_figure(height_in: float, notes: list[str], label: str) -> Figure:
    """Make an empty figure, one column wide, with notes and the label line at its bottom.

    Parameters
    ----------
    height_in : float
        Height of the drawing itself in inches; the text is added below it.
    notes : list of str
        What a reader must know besides: missing models, meaning of error bars.
    label : str
        Which study and which tasks, visible on every figure.

    Returns
    -------
    Figure
        With a constrained layout that keeps the axes above the text.
    """
    n_letters = int((COLUMN_WIDTH_IN - 0.1) / LETTER_IN)
    lines = [line for note in notes for line in _wrap(note, n_letters)]
    stamp = _wrap(label, n_letters)
    footer_in = LINE_IN * (len(lines) + len(stamp)) + 0.12
    total_in = height_in + footer_in
    figure = Figure(figsize=(COLUMN_WIDTH_IN, total_in), layout="constrained")
    figure.get_layout_engine().set(rect=(0, footer_in / total_in, 1, height_in / total_in))
    stamp_in = LINE_IN * len(stamp) + 0.04
    placed = (("\n".join(stamp), 0.04, "bold"), ("\n".join(lines), stamp_in + 0.04, "normal"))
    for text, bottom_in, weight in placed:
        figure.text(
            0.05 / COLUMN_WIDTH_IN,
            bottom_in / total_in,
            text,
            fontsize=SMALL_PT,
            weight=weight,
            color=DARK,
            linespacing=1.15,
            va="bottom",
            in_layout=False,
        )
    return figure


def tick_labels(axes: Axes, positions: list[float], labels: list[str]) -> None:
    """Write the labels level if they fit side by side, else slanted, else upright."""
    if max(map(len, labels)) * LETTER_IN < 0.9 * _AXES_IN / len(labels):
        axes.set_xticks(positions, labels)
    elif len(labels) < _UPRIGHT_FROM:
        axes.set_xticks(positions, labels, rotation=30, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(positions, labels, rotation=90)


def pale(color: str) -> str:
    """Return a color mixed with as much white, for areas under points of the color itself."""
    return to_hex([(1 + part) / 2 for part in to_rgb(color)])


def _wrap(text: str, n_letters: int) -> list[str]:
    return textwrap.wrap(text, n_letters, break_on_hyphens=False)


def save_figure(
    figure: Figure, stem: str | Path, kinds: Iterable[str] = ("pdf", "png", "svg")
) -> list[Path]:
    """Save a figure as ``stem.pdf``, ``stem.png`` and ``stem.svg``, or some of them.

    Written under temporary names and renamed. The files carry no time stamps: the same figure
    gives the same bytes.

    Returns
    -------
    list of Path
        The files, in this order.
    """
    written = []
    for kind in kinds:
        path = Path(f"{stem}.{kind}")
        temporary = path.with_name(f"{path.name}.tmp")
        with house_style():
            figure.savefig(temporary, format=kind, **_SAVING[kind])
        os.replace(temporary, path)
        written.append(path)
    return written


def save_exhibit(drawn: tuple[Figure, pd.DataFrame], stem: str | Path) -> list[Path]:
    """Save a figure function's result as :func:`save_figure` does, its numbers as ``stem.csv``."""
    figure, numbers = drawn
    write_csv(numbers, f"{stem}.csv")
    return [*save_figure(figure, stem), Path(f"{stem}.csv")]
