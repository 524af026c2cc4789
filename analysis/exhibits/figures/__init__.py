"""The paper's figures 4 to 10, one function each: summary in, figure and drawn numbers out.

Every function takes the summary table of a study and a `FigureText`, and returns the figure and
the exact numbers that are drawn in it. Nothing reads a configuration, prints, or writes.
"""

from __future__ import annotations

from analysis.exhibits.figures.boxes import figure_6, figure_7, figure_8
from analysis.exhibits.figures.common import FigureText
from analysis.exhibits.figures.event_bars import figure_4, figure_5
from analysis.exhibits.figures.overview import figure_9
from analysis.exhibits.figures.task_bars import figure_10

FIGURES = {
    4: figure_4,
    5: figure_5,
    6: figure_6,
    7: figure_7,
    8: figure_8,
    9: figure_9,
    10: figure_10,
}

__all__ = ["FIGURES", "FigureText"]
