"""Captions: what an exhibit draws, its axes, its normalization, over how many tasks.

Each is a function of the study's words and the exhibit's own numbers. None says how a comparison
ended: that is for the numbers.
"""

from __future__ import annotations

import pandas as pd

from analysis.exhibits.figures.common import MIN_BOX_TASKS, FigureText
from analysis.tables.costs import OTHER_SYSTEMS, TABLE_2_NOTES, VIT_B
from analysis.tables.words import ordered_categories

_EMPTY = "Nothing can be drawn in this study; the exhibit says why."


def tasks_in_words(numbers: pd.DataFrame) -> str:
    """Count the tasks of a table of drawn numbers, in all and by category."""
    tasks = numbers[["task", "category"]].drop_duplicates()
    counts = tasks["category"].value_counts()
    parts = ", ".join(f"{counts[name]} {name}" for name in ordered_categories(tasks["category"]))
    return f"{_count(len(tasks), 'task')} ({parts})"


def table_1(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of table 1."""
    return (
        f"{tasks_in_words(numbers)}: category, kind of embedding (one per clip, or one per "
        "timestamp for event tasks), primary metric, clips and folds."
    )


def table_2(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of table 2."""
    run = numbers[numbers["source"] == "this run"]
    small = "" if run["network"].eq(VIT_B).all() else _SMALL_NETWORK
    rows = numbers[["source", "device", "network"]].drop_duplicates().itertuples(index=False)
    machines = "; ".join(f"{row.source}: {row.device}, network {row.network}" for row in rows)
    return " ".join(
        [
            "Per STFT hop: sequence length, clips of 10 s per second in training and inference, "
            "and memory that one more clip takes in training, without and with structured "
            f"Patchout; what this machine does beside what the paper reports ({machines}).{small}",
            *TABLE_2_NOTES,
        ]
    )


def figure_3(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of figure 3."""
    measured = numbers["train_samples_per_s"].notna()
    return (
        "Published AudioSet mAP in percent over training speed in clips of 10 s per second; the "
        "area of a circle is the memory that one more clip in the batch takes. "
        f"{measured.sum()} PaSST networks were measured on this machine; the cells of "
        f"{', '.join(OTHER_SYSTEMS)} are empty, as no source for their values is at hand."
    )


def figure_4(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of figure 4."""
    return _event_bars(
        "levels of the representation (L mel, M features, H logits) at hop 10 ms and a receptive "
        "field of 160 ms",
        numbers,
    )


def figure_5(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of figure 5."""
    return _event_bars("receptive fields of L+M at hop 10 ms (2RF: 160 and 640 ms)", numbers)


def figure_6(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of figure 6."""
    return _boxes("M (features), H (logits) and M+H at hop 10 ms", text, numbers)


def figure_7(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of figure 7."""
    return _boxes("M+H at STFT hops of 10, 5 and 3 ms", text, numbers)


def figure_8(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of figure 8."""
    return _boxes("PaSST and models of others", text, numbers)


def figure_9(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of figure 9."""
    if numbers.empty:
        return _EMPTY
    return (
        f"A row per model ({numbers['model'].nunique()}), best median on top; a point per task, "
        f"{tasks_in_words(numbers)} in all. Horizontal axis: score divided by the "
        f"{text.normalization}.{_official(numbers)}{_unequal(numbers)}"
    )


def figure_10(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of figure 10."""
    if numbers.empty:
        return _EMPTY
    return (
        "Base and improved PaSST on each task, by category. Vertical axis: score divided by the "
        f"{text.normalization}; {tasks_in_words(numbers)}."
    )


def ranks(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of the figure of ranks."""
    return "Mean rank of each model over the tasks it shares with the others; 1 is the best."


def statistics(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of the table of statistics."""
    return f"Every estimate with its interval, {_count(len(numbers), 'row')}."


def claims(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of the ledger of claims."""
    counts = numbers["verdict"].value_counts()
    verdicts = ", ".join(f"{verdict}: {n}" for verdict, n in counts.items())
    return (
        f"The paper's claims, paraphrased, each with its verdict on this study's numbers. "
        f"{_count(len(numbers), 'claim')}: {verdicts}. An estimate without an interval is a point "
        "value."
    )


def scores(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of the table of scores."""
    counts = numbers["source"].value_counts()
    words = {"run": "of this run", "hear2021": "HEAR 2021 entries", "later": "later entries"}
    parts = ", ".join(f"{counts[source]} {words[source]}" for source in words if source in counts)
    return f"Primary metric of each task, not normalized. Rows: {parts}. ★ the best of a column."


def task_table(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of the table of tasks."""
    return "Size and chance level of each task, the log-mel baseline's score, what it stands for."


def leaderboard_row(text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of the leaderboard row."""
    return "Scores in the public leaderboard's column names and order."


_SMALL_NETWORK = (
    " The network measured here is not the paper's ViT-B but a small one: ratios may be compared "
    "with care, speeds may not."
)


def _event_bars(what: str, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return _EMPTY
    n_tasks = numbers["task"].nunique()
    return (
        f"Bars: {what}. A panel per event task ({n_tasks}), vertical axis: the task's own metric, "
        f"not normalized; error bars as the figure says.{_official(numbers)}"
    )


def _boxes(what: str, text: FigureText, numbers: pd.DataFrame) -> str:
    if numbers.empty:
        return _EMPTY
    few = numbers["n_tasks"].min() < MIN_BOX_TASKS
    line = f" Fewer than {MIN_BOX_TASKS} tasks: points and their median, no box." if few else ""
    return (
        f"Boxes over the tasks of a category: {what}. Vertical axis: score divided by the "
        f"{text.normalization}; a point per task, {tasks_in_words(numbers)}."
        f"{line}{_official(numbers)}"
    )


def _official(numbers: pd.DataFrame) -> str:
    if set(numbers["source"]) == {"hear2021"}:
        return " All are official HEAR 2021 entries; nothing was run."
    if "hear2021" in set(numbers["source"]):
        return " HEAR 2021 entries are official scores, not of this run."
    return ""


def _unequal(numbers: pd.DataFrame) -> str:
    if numbers["n_tasks"].min() == numbers["n_tasks"].max():
        return ""
    return " Models on fewer tasks than others are starred: no score is filled in for them."


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
