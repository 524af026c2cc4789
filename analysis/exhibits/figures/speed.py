"""Figure 3: AudioSet mAP against training speed, circles for memory, of the PaSST networks."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.exhibits.figures.common import FigureText, empty_figure
from analysis.exhibits.style import DARK, PALETTE, SMALL_PT, house_style, new_figure, pale
from analysis.tables.costs import OTHER_SYSTEMS, VIT_B, cost_label, figure_3_numbers

_LARGEST_PT2 = 700.0  # area of the circle of the most memory, points squared
_ROOM = 0.28  # free share of the horizontal axis on the right, for the last circle's name
_LABEL_PT = 3.0  # distance of a name from its circle, points
_SIDES = {  # hop in ms to the side of a circle on which its name stands
    10: {"ha": "left", "va": "center"},
    5: {"ha": "center", "va": "top"},
    3: {"ha": "center", "va": "bottom"},
}


def figure_3(costs: pd.DataFrame, study: str) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 3 for the PaSST networks that were measured on this machine.

    Parameters
    ----------
    costs : DataFrame
        Rows of the rule ``measure``.
    study : str
        Name of the study.

    Returns
    -------
    figure : Figure
        Circles of an area in proportion to the memory per training clip; above at the published
        mAP, below in a row of their own the networks of which no mAP is known.
    numbers : DataFrame
        What is drawn, see `analysis.tables.costs.figure_3_numbers`.
    """
    numbers = figure_3_numbers(costs)
    label = cost_label(costs, study)
    drawn = numbers[numbers["train_samples_per_s"].notna()]
    if drawn.empty:
        text = FigureText(label=label, normalization="")
        return empty_figure("No training speed was measured in this study.", text), numbers
    known = drawn["audioset_map_percent"].notna()
    with house_style():
        figure = new_figure(3.1, _notes(costs), label)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
        largest = drawn["train_memory_per_sample_mib"].max()
        for axes, rows in ((upper, drawn[known]), (lower, drawn[~known])):
            _draw(axes, rows, _LARGEST_PT2 / max(largest, 1e-9))
        upper.set(ylabel="AudioSet mAP in %, as published")
        upper.margins(y=0.4)
        lower.set(yticks=[], ylim=(-1.6, 1.6), ylabel="mAP not\npublished")
        high = drawn["train_samples_per_s"].max() / (1 - _ROOM)
        lower.set(xlim=(-0.06 * high, high), xlabel="Training, clips of 10 s per second, this run")
    return figure, numbers


def _draw(axes: Axes, rows: pd.DataFrame, pt2_per_mib: float) -> None:
    """Draw a circle per network with its name and memory beside it."""
    for place, row in enumerate(rows.itertuples()):
        color = PALETTE[0] if row.hop_ms == 10 else PALETTE[1]
        known = pd.notna(row.audioset_map_percent)
        y = row.audioset_map_percent if known else 0.7 * (-1) ** place
        area = max(pt2_per_mib * row.train_memory_per_sample_mib, 1.0)
        axes.scatter(
            row.train_samples_per_s, y, s=area, color=pale(color), edgecolors=color, zorder=2
        )
        axes.annotate(
            f"{row.system.partition(' (')[0].removeprefix('PaSST').strip(' -')}\n"
            f"{row.train_memory_per_sample_mib:.0f} MiB",
            (row.train_samples_per_s, y),
            xytext=_offset(row.hop_ms, (area / math.pi) ** 0.5 + _LABEL_PT),
            textcoords="offset points",
            **_SIDES[row.hop_ms],
            fontsize=SMALL_PT,
            color=DARK,
            linespacing=0.95,
        )
    axes.grid(axis="x")


def _offset(hop_ms: int, distance: float) -> tuple[float, float]:
    """Place a name: hops 5 and 3 have the same mAP, so theirs stand below and above.

    Hop 10 with structured Patchout is above hop 5 and may be nearly as slow, unlike hop 3.
    """
    return {10: (distance, 0.0), 5: (0.0, -distance), 3: (0.0, distance)}[hop_ms]


def _notes(costs: pd.DataFrame) -> list[str]:
    """Say what a circle is, where mAP comes from, and what is missing."""
    notes = [
        "Area of a circle: memory that one more clip in the batch takes in training. S structured, "
        "U unstructured Patchout (400 patches), N patches without overlap (stride 16, no "
        "Patchout); hop 10 ms unless said otherwise.",
        "mAP: the paper's Table 2, for N its released checkpoint's name.",
        f"{', '.join(OTHER_SYSTEMS)}: not measured, no published values at hand.",
    ]
    run = costs.loc[costs["source"] == "run", "architecture"]
    if (run != VIT_B).any():
        notes.insert(1, "Speed and memory are of a small network, mAP is of the released ViT-B.")
    return notes
