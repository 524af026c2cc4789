"""What the figures share: the compared models, their words, and the table of drawn numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.exhibits.style import DARK, SMALL_PT, house_style, new_figure

BASE = "passt_mh_hop10"  # PaSST base: M+H, hop 10 ms, window 160 ms
IMPROVED = "passt_lm_2rf_hop5"  # improved PaSST: L+M, hop 5 ms, windows 160 and 640 ms
OFFICIAL_BASE = "CP-JKU PaSST base"  # the leaderboard's row of PaSST base

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
BOX_LEVELS = {"passt_m_hop10": "M", "passt_h_hop10": "H", BASE: "M+H"}  # Figure 6
HOPS = {BASE: "hop 10 ms", "passt_mh_hop5": "hop 5 ms", "passt_mh_hop3": "hop 3 ms"}  # Figure 7
EVENT_REFERENCES = {  # Figures 4 and 5: leaderboard row to the paper's name
    "OpenL3": "OpenL3",
    "wav2vec2": "Wav2Vec2",
    "GURA Cat H+w+C": "Cat XWC",
}
BOX_REFERENCES = {"OpenL3": "OpenL3", "wav2vec2": "Wav2Vec2", "CVSSP PANNS": "PANNs"}  # Figure 8

BAR_COLUMNS = (
    "figure", "panel", "task", "category", "model", "label", "metric", "score", "score_sd",
    "n_folds", "n_seeds", "normalized_score", "source",
)  # fmt: skip
POINT_COLUMNS = (  # one row per point; the last four are those of the point's box
    "figure", "panel", "task", "category", "model", "label", "metric", "score",
    "normalized_score", "source", "n_tasks", "median_normalized_score", "mean_normalized_score",
    "position",
)  # fmt: skip
MIN_BOX_TASKS = 4  # quartiles of fewer scores would lie between them, where nothing was measured
BOX_NOTE = f"Fewer than {MIN_BOX_TASKS} tasks: points and their median (line), no box."
RANDOM_INIT = "(random-init)"  # how a display name ends if no trained weights were there
_MISSING_SHOWN = 8  # models named in a note before the rest is counted


@dataclass(frozen=True)
class FigureText:
    """The words that a figure cannot know by itself.

    Attributes
    ----------
    label : str
        Which study, which tasks, which weights and protocol; printed at the bottom.
    normalization : str
        What a normalized score is divided by: "best HEAR 2021 entry", "best model of this run".
    models, tasks : mapping
        Display names by model id and by task; an absent one is shown as it is.
    highlight : tuple of str
        Models of the run that stand out in figure 9 and join figure 8.
    event_tasks : tuple of str
        Tasks with timestamp embeddings, in the order of the panels of figures 4 and 5.
    """

    label: str
    normalization: str
    models: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    event_tasks: tuple[str, ...] = ()
    highlight: tuple[str, ...] = (IMPROVED,)

    def model(self, model: str) -> str:
        """Display name of a model."""
        return self.models.get(model, model)

    def task(self, task: str) -> str:
        """Display name of a task."""
        return self.tasks.get(task, task)

    @property
    def normalized_axis(self) -> str:
        """Label of an axis of normalized scores."""
        return f"Score / {self.normalization}"


def has_official(summary: pd.DataFrame) -> bool:
    """Tell whether official HEAR 2021 scores are in the table (only beside real tasks)."""
    return bool((summary["source"] == "hear2021").any())


def pick(summary: pd.DataFrame, run: Iterable[str], official: Iterable[str] = ()) -> pd.DataFrame:
    """Return the rows of run models and of HEAR 2021 entries.

    A name can be both; the source tells them apart. Entries that came later are never picked.
    """
    of_run = summary["source"].eq("run") & summary["model"].isin(list(run))
    of_challenge = summary["source"].eq("hear2021") & summary["model"].isin(list(official))
    return summary[of_run | of_challenge]


def missing_note(models: Iterable[str], drawn: pd.DataFrame) -> list[str]:
    """Say in words which of the figure's models have nothing to draw; empty if none."""
    missing = [model for model in models if model not in set(drawn["model"])]
    if not missing:
        return []
    shown = ", ".join(missing[:_MISSING_SHOWN])
    rest = len(missing) - _MISSING_SHOWN
    return [f"No score in this study: {shown}" + (f" and {rest} more." if rest > 0 else ".")]


def mark_random_init(
    labels: Mapping[str, str], drawn: Iterable[str], text: FigureText
) -> tuple[dict[str, str], str]:
    """Make random weights visible where a figure's own short labels would hide them.

    Parameters
    ----------
    labels : mapping
        The figure's label of each model.
    drawn : iterable of str
        Models of the run that are drawn.
    text : FigureText
        Words; a model has random weights if its display name ends with `RANDOM_INIT`.

    Returns
    -------
    labels : dict
        As given; with a star where only some of the drawn models have random weights.
    words : str
        What to say on the axis; empty if nothing is hidden.
    """
    models = [model for model in drawn if not labels[model].endswith(RANDOM_INIT)]
    random = {model for model in models if text.model(model).endswith(RANDOM_INIT)}
    if not random:
        return dict(labels), ""
    if random == set(models):
        return dict(labels), "All PaSST models: random-init weights"
    starred = {model: f"{label}*" if model in random else label for model, label in labels.items()}
    return starred, "* random-init weights"


def draw_box(
    axes: Axes, place: float, scores: np.ndarray, width: float, fill: str, *, level: bool = False
) -> None:
    """Draw the box of a model's scores; of fewer than `MIN_BOX_TASKS` the median line alone.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    place, width : float
        Middle and width of the box, in units of the axis across it.
    scores : ndarray, shape (n_tasks,)
        Normalized scores.
    fill : str
        Color of the box; "none" leaves it hollow.
    level : bool
        Whether scores run along the horizontal axis.
    """
    if len(scores) < MIN_BOX_TASKS:
        across, along = [place - width / 2, place + width / 2], [np.median(scores)] * 2
        ends = (along, across) if level else (across, along)
        axes.plot(*ends, color="black", linewidth=1.4, solid_capstyle="butt")
        return
    axes.boxplot(
        [scores],
        positions=[place],
        widths=width,
        orientation="horizontal" if level else "vertical",
        manage_ticks=False,
        patch_artist=True,
        showfliers=False,  # every task is a point of its own already
        boxprops={"facecolor": fill, "edgecolor": DARK, "linewidth": 0.5},
        medianprops={"color": "black", "linewidth": 1.4},
        whiskerprops={"color": DARK, "linewidth": 0.5},
        capprops={"color": DARK, "linewidth": 0.5},
    )


def numbers(rows: pd.DataFrame, figure: int, text: FigureText, columns: tuple) -> pd.DataFrame:
    """Return the table of drawn numbers: `rows` with the figure's number and display labels."""
    table = rows.assign(
        figure=figure, label=[text.model(model) for model in rows["model"]]
    ).reset_index(drop=True)
    return table.reindex(columns=list(columns))


def empty_figure(reason: str, text: FigureText) -> Figure:
    """Return a figure whose single empty panel says why nothing is drawn."""
    with house_style():
        figure = new_figure(1.2, [], text.label)
        axes: Axes = figure.add_subplot()
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, fontsize=SMALL_PT)
    return figure
