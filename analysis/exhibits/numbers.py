"""Tables of the numbers behind figures, and texts on their models, tasks and gaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from analysis.exhibits.text import FigureText
from analysis.tables.words import ordered_categories

BASE = "passt_mh_hop10"  # PaSST base: M+H, hop 10 ms, window 160 ms
IMPROVED = "passt_lm_2rf_hop5"  # improved PaSST: L+M, hop 5 ms, windows 160 and 640 ms
OFFICIAL_BASE = "CP-JKU PaSST base"  # the leaderboard's row of PaSST base
PAPER_NAMES = {  # leaderboard row: the paper's name of it
    "OpenL3": "OpenL3",
    "wav2vec2": "Wav2Vec2",
    "CVSSP PANNS": "PANNs",
    "GURA Cat H+w+C": "Cat XWC",
    "GURA Fuse Cat H+w+C": "Fuse Cat XWC",
}

BAR_COLUMNS = (  # one row per bar; the last three are its interval's
    "figure", "panel", "task", "category", "model", "label", "metric", "score", "score_sd",
    "n_folds", "n_seeds", "normalized_score", "source", "low", "high", "n_replicates",
)  # fmt: skip
POINT_COLUMNS = (  # one row per point; from n_tasks on those of its box, low to the median's
    "figure", "panel", "task", "category", "model", "label", "metric", "score",
    "normalized_score", "source", "n_tasks", "median_normalized_score", "mean_normalized_score",
    "position", "low", "high", "n_replicates",
)  # fmt: skip
MIN_BOX_TASKS = 4  # quartiles of fewer scores would lie between them, where nothing was measured
BOX_NOTE = f"Fewer than {MIN_BOX_TASKS} tasks: points and their median (line), no box."
RANDOM_INIT = "(random-init)"  # how a display name ends if no trained weights were there
_MISSING_SHOWN = 8  # models named in a note before the rest is counted
NOTHING_DRAWN = "This study lacks the data; the exhibit states the reason."


def has_official(summary: pd.DataFrame) -> bool:
    """Return whether the table has official HEAR 2021 scores (only for the real tasks)."""
    return bool((summary["source"] == "hear2021").any())


def pick(summary: pd.DataFrame, run: Iterable[str], official: Iterable[str] = ()) -> pd.DataFrame:
    """Return the rows of run models and of HEAR 2021 entries.

    A run model and an entry can have the same name; the source distinguishes them. Later entries
    are never picked.
    """
    of_run = summary["source"].eq("run") & summary["model"].isin(list(run))
    of_challenge = summary["source"].eq("hear2021") & summary["model"].isin(list(official))
    return summary[of_run | of_challenge]


def highlighted(summary: pd.DataFrame, text: FigureText) -> list[str]:
    """Return the models of the run to highlight beside official entries.

    These are all models if none of those highlighted in the config has a score.
    """
    run = summary[summary["source"] == "run"]
    scored = set(run.loc[run["normalized_score"].notna(), "model"])
    return list(text.highlight if scored & set(text.highlight) else run["model"].unique())


def with_intervals(
    rows: pd.DataFrame, estimates: pd.DataFrame, statistic: str, *of: str
) -> pd.DataFrame:
    """Add ``low``, ``high`` and ``n_replicates`` of a statistic of each model.

    ``of`` are columns that identify an estimate of a model (``task``, ``category``). Values are
    missing for official entries, which cannot be bootstrapped.
    """
    keys = ["model", "source", *of]
    mine = estimates[estimates["statistic"] == statistic]
    mine = mine[[*keys, "low", "high", "n_replicates"]]
    return rows.merge(mine, how="left", on=keys, validate="many_to_one")


def interval_note(rows: pd.DataFrame, of: str = "") -> list[str]:
    """Note that lines are intervals `of` something; empty if there are none."""
    if rows["low"].isna().all():
        return []
    n_replicates = rows["n_replicates"].max()
    drawn = "the test clips or their sources"
    return [f"Lines: 95\u00a0% intervals{of}, {n_replicates} bootstraps of {drawn}."]


def same_note(scores: pd.DataFrame, text: FigureText) -> list[str]:
    """Note naming models in `scores` (``model``, ``task``) with the same scene embedding."""
    scenes = scores[~scores["task"].isin(text.event_tasks)]
    groups: dict[str, list[str]] = {}
    for model in scenes["model"].unique():
        groups.setdefault(text.scene_embeddings.get(model, model), []).append(text.model(model))
    same = "; ".join(" = ".join(models) for models in groups.values() if len(models) > 1)
    tasks = count(scenes["task"].nunique(), "scene task")
    return [f"The same embedding and therefore the same scores on {tasks}: {same}."] if same else []


def missing_note(models: Iterable[str], drawn: pd.DataFrame) -> list[str]:
    """Note naming the figure's models without data; empty if there are none."""
    missing = [model for model in models if model not in set(drawn["model"])]
    if not missing:
        return []
    shown = ", ".join(missing[:_MISSING_SHOWN])
    rest = len(missing) - _MISSING_SHOWN
    return [f"No score in this study: {shown}" + (f" and {rest} more." if rest > 0 else ".")]


def mark_random_init(
    labels: Mapping[str, str], drawn: Iterable[str], text: FigureText
) -> tuple[dict[str, str], str]:
    """Mark models with random weights, which a figure's own short labels would not show.

    A model has random weights if its display name ends with `RANDOM_INIT`. Returns the labels of
    the figure's models, starred if only some of the `drawn` models of the run have random weights,
    and a text for the axis, empty if there is nothing to mark.
    """
    models = [model for model in drawn if not labels[model].endswith(RANDOM_INIT)]
    random = {model for model in models if text.model(model).endswith(RANDOM_INIT)}
    if not random:
        return dict(labels), ""
    if random == set(models):
        return dict(labels), "All PaSST models: random-init weights"
    starred = {model: f"{label}*" if model in random else label for model, label in labels.items()}
    return starred, "* random-init weights"


def numbers(rows: pd.DataFrame, figure: int, text: FigureText, columns: tuple) -> pd.DataFrame:
    """Return the table behind a figure: `rows` with the figure's number and display labels."""
    labels = [text.model(model) for model in rows["model"]]
    table = rows.assign(figure=figure, label=labels).reset_index(drop=True)
    return table.reindex(columns=list(columns))


def tasks_in_words(drawn: pd.DataFrame) -> str:
    """Text with the number of tasks in a table, in total and by category."""
    tasks = drawn[["task", "category"]].drop_duplicates()
    counts = tasks["category"].value_counts()
    parts = ", ".join(f"{counts[name]} {name}" for name in ordered_categories(tasks["category"]))
    return f"{count(len(tasks), 'task')} ({parts})"


def lacking(numbers: pd.DataFrame, expected: Mapping[str, str]) -> str:
    """Text naming the paper's models (names by id) for which an exhibit has no numbers."""
    missing = [name for model, name in expected.items() if model not in set(numbers["model"])]
    return f"; without {', '.join(dict.fromkeys(missing))}" if missing else ""


def official_in_words(drawn: pd.DataFrame, text: FigureText) -> str:
    """Text on the official scores among the drawn ones."""
    if set(drawn["source"]) == {"hear2021"}:
        none = "no model of this run has a score" if text.models else "nothing was run"
        return f" All are official HEAR 2021 entries; {none}."
    if "hear2021" in set(drawn["source"]):
        return " HEAR 2021 entries are official scores, not of this run."
    return ""


def count(n: int, noun: str) -> str:
    """Return a number with its noun, in the plural where needed."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
