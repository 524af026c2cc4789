"""What a report can show, in its order. One entry adds an exhibit."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import pandas as pd

from analysis.exhibits import captions
from analysis.exhibits.figures.common import FigureText

Caption = Callable[[FigureText, pd.DataFrame], str]


@dataclass(frozen=True)
class Exhibit:
    """One figure or table of the report.

    Attributes
    ----------
    name, title : str
        "Figure 6", and what it is about.
    path : str
        Below the study's folder, without suffix; its last part is the exhibit's id in the page.
    caption : function of FigureText and DataFrame
        Says what is drawn from the words of the study and the exhibit's own numbers.
    kind : str
        ``figure`` (SVG and CSV), ``table`` (CSV), ``scores`` (CSV, the best of each column
        marked), ``claims`` (CSV, verdicts marked).
    folded : bool
        Shown only when opened: long tables.
    hidden : tuple of str
        Columns of the CSV that the caption says instead.
    """

    name: str
    title: str
    path: str
    caption: Caption
    kind: str = "figure"
    folded: bool = False
    hidden: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name of the exhibit's place in the page."""
        return self.path.rpartition("/")[2]

    @property
    def csv(self) -> str:
        """The exhibit's numbers, below the study's folder."""
        return f"{self.path}.csv"

    @property
    def files(self) -> list[str]:
        """All files that the page needs, below the study's folder."""
        return [self.csv, *([f"{self.path}.svg"] if self.kind == "figure" else [])]


HEADLINE = "figure_9"
EXHIBITS = (
    Exhibit("Table 1", "The tasks", "tables/table_1", captions.table_1, "table"),
    Exhibit(
        "Table 2", "Cost of finer STFT hops", "tables/table_2", captions.table_2, "table",
        hidden=("device", "network"),
    ),
    Exhibit("Figure 3", "Speed and memory of training", "figures/figure_3", captions.figure_3),
    Exhibit("Figure 4", "Levels, on event tasks", "figures/figure_4", captions.figure_4),
    Exhibit("Figure 5", "Receptive fields, on event tasks", "figures/figure_5", captions.figure_5),
    Exhibit("Figure 6", "Levels, by category", "figures/figure_6", captions.figure_6),
    Exhibit("Figure 7", "STFT hops, by category", "figures/figure_7", captions.figure_7),
    Exhibit("Figure 8", "PaSST beside other models", "figures/figure_8", captions.figure_8),
    Exhibit("Figure 9", "All models over all their tasks", "figures/figure_9", captions.figure_9),
    Exhibit(
        "Figure 10", "Base against improved, task by task", "figures/figure_10", captions.figure_10
    ),
    Exhibit("Ranks", "Mean ranks with intervals", "figures/ranks", captions.ranks),
    Exhibit(
        "Statistics", "Intervals of every number", "statistics", captions.statistics, "table", True
    ),
    Exhibit("Claims", "The paper's claims against this study", "claims", captions.claims, "claims"),
    Exhibit(
        "Scores", "Every model on every task", "tables/scores", captions.scores, "scores", True
    ),
    Exhibit(
        "Task table", "How hard the tasks are", "tables/tasks", captions.task_table, "table", True
    ),
    Exhibit(
        "Leaderboard row", "This study's row for the public leaderboard",
        "leaderboard_row", captions.leaderboard_row, "table", True,
    ),
)  # fmt: skip


def exhibits_among(files: Collection[str]) -> list[Exhibit]:
    """Return the exhibits all of whose files are among `files`, paths below the study's folder."""
    return [exhibit for exhibit in EXHIBITS if set(exhibit.files) <= set(files)]
