"""Tables of the tasks (the paper's Table 1, and their difficulty) and of all scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from analysis.exhibits.markdown import to_markdown
from analysis.exhibits.numbers import tasks_in_words
from analysis.exhibits.text import FigureText
from analysis.tables.scores import SOURCES, read_csv, write_csv, write_text
from analysis.tables.words import ordered_categories

EVENT_COLUMNS = ("n_events", "n_test_events")  # of event tasks; not known of HEAR's own table
TASK_COLUMNS = ("task", "name", "category", "embedding_type", "metrics", "n_clips", "n_folds")
LEVELS = ("severe", "warning", "note")  # of findings, the worst first
FINDING_COLUMNS = ("task", "folder", "level", "kind", "found", "consequence")
HARDNESS = {  # models whose scores say how hard a task is: column; the last is compared with others
    "passt_m_hop10_random": "M random-init",
    "logmel": "log-mel",
    "passt_m_hop10": "M",
}


def read_tasks(path: str | Path) -> pd.DataFrame:
    """Read a task table, comma-separated or, like config/tasks.tsv, tab-separated.

    ValueError if one of `TASK_COLUMNS` is missing.
    """
    separator = "\t" if Path(path).suffix == ".tsv" else ","
    tasks = read_csv(path, sep=separator)
    missing = [column for column in TASK_COLUMNS if column not in tasks.columns]
    if missing:
        raise ValueError(f"{path}: expected {', '.join(TASK_COLUMNS)}; found no {missing}")
    return tasks


def table_1(tasks: pd.DataFrame, text: FigureText) -> tuple[str, pd.DataFrame]:
    """Return the paper's Table 1 for a study: properties and metrics of its tasks.

    `tasks` has `TASK_COLUMNS`; ``metrics`` are separated by commas, primary first. The table has
    one row per task, by category, then name.
    """
    tasks = _in_order(tasks)
    table = tasks[["task", "name", "category"]].assign(
        embedding=tasks["embedding_type"],
        metric=_metric(tasks, text),
        **_counts(tasks, "n_clips", *EVENT_COLUMNS, "n_folds"),
    )
    return to_markdown(table, text.label), table


def table_1_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return (
        f"{tasks_in_words(numbers)}: category, kind of embedding (one per clip, or one per "
        "timestamp for event tasks), primary metric, clips and folds; for event tasks, whose "
        "scores depend on events, the number of events in total and in the test parts."
    )


def table_1_here(text: FigureText, numbers: pd.DataFrame) -> str:
    generated = "generated analogs of " if text.task_mark else ""
    return f"{generated}{tasks_in_words(numbers)}"


def _counts(tasks: pd.DataFrame, *columns: str) -> dict[str, pd.Series]:
    """Whole numbers of some columns, missing where a table or a task has none."""
    known = tasks.reindex(columns=list(columns)).apply(pd.to_numeric)
    return {column: known[column].astype("Int64") for column in columns}


def _in_order(tasks: pd.DataFrame) -> pd.DataFrame:
    """Sort tasks by category, then name."""
    order = ordered_categories(tasks["category"])
    tasks = tasks.assign(order=tasks["category"].map(order.index))
    return tasks.sort_values(["order", "name"], ignore_index=True).drop(columns="order")


def _metric(tasks: pd.DataFrame, text: FigureText) -> list[str]:
    """Name the primary metric of each task."""
    return [text.metric_label(metrics.partition(",")[0]) for metrics in tasks["metrics"]]


def tasks(rows: pd.DataFrame, summary: pd.DataFrame, text: FigureText) -> tuple[str, pd.DataFrame]:
    """Return properties and difficulty of each task of a study.

    Parameters
    ----------
    rows : DataFrame
        A row per task: `TASK_COLUMNS`, ``duration_s``, ``chance`` (empty for event metrics),
        ``stands_for``, ``warnings`` (empty if there is none), and optional further columns.

    Returns
    -------
    markdown : str
        For readers: size, metric, chance, the scores of `HARDNESS`, the HEAR task it stands for.
    table : DataFrame
        `rows` in Table 1's order with ``metric`` in words and a column of scores for each model of
        `HARDNESS` (empty if it was not run).
    """
    rows = _in_order(rows)
    scores = {
        column: rows["task"].map(summary[summary["model"] == model].set_index("task")["score"])
        for model, column in HARDNESS.items()
    }
    table = rows.assign(metric=_metric(rows, text), **scores)
    chance = pd.to_numeric(table["chance"], errors="coerce")
    events = _counts(table, *EVENT_COLUMNS)
    shown = pd.DataFrame(
        {
            "task": table["task"],
            "clips": table["n_clips"].astype("Int64"),
            "events": events["n_events"],
            "tested events": events["n_test_events"],
            "seconds": table["duration_s"].round().astype("Int64"),
            "folds": table["n_folds"].astype("Int64"),
            "metric": table["metric"],
            "chance": chance.round(3),
            **{column: table[column].round(3) for column in scores},
            "stands for": table["stands_for"],
        }
    )
    *others, first = HARDNESS.values()
    warned = [
        f"Warning: {task.name}: {task.warnings}." for task in table.itertuples() if task.warnings
    ]
    notes = "\n\n".join([*wins(shown, first, others), *warned, text.label])
    return to_markdown(shown, notes), table


def tasks_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return (
        "Size and chance level of each task, number of events in total and in the test parts "
        "(event tasks), the log-mel baseline's score, and the task's content."
    )


def findings(rows: Iterable[Mapping[str, str]], text: FigureText) -> tuple[str, pd.DataFrame]:
    """Return the findings of the tasks' examination as Markdown and as a table, worst first.

    `rows` have the keys `FINDING_COLUMNS`; the table has the task's display name before them.
    """
    table = pd.DataFrame(rows, columns=FINDING_COLUMNS)
    table = table.sort_values("level", key=lambda found: found.map(LEVELS.index), kind="stable")
    several = table.groupby("task")["folder"].transform("nunique") > 1
    names = table["task"].map(text.task)
    table.insert(0, "name", names.where(~several, names + " (" + table["folder"] + ")"))
    shown = table[["name", "level", "found", "consequence"]].rename(columns={"name": "task"})
    return to_markdown(shown, text.label), table


def findings_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    counts = numbers["level"].value_counts()
    levels = ", ".join(f"{counts.get(level, 0)} {level}" for level in LEVELS)
    return (
        "Findings of an examination of the tasks' labels and audio, with their consequences for "
        f"scores ({levels}). Severe: a score is misleading; warning: it may be too high or too "
        "low. Between two clips, = marks equal samples, and ~ copies of one recording, with their "
        "correlation."
    )


def write_table(made: tuple[str, pd.DataFrame], stem: str | Path) -> None:
    """Write a table's Markdown as ``stem.md`` and its data as ``stem.csv``."""
    markdown, table = made
    write_csv(table, f"{stem}.csv")
    write_text(markdown, f"{stem}.md")


def wins(table: pd.DataFrame, column: str, others: Iterable[str]) -> list[str]:
    """Texts on how many common tasks one model is above each of the others."""
    sentences = []
    for other in others:
        both = table[[column, other]].dropna()
        above, below = (both[column] > both[other]).sum(), (both[column] < both[other]).sum()
        if len(both):
            sentences.append(
                f"{column} is above {other} on {above} of {len(both)} tasks, below it on {below}."
            )
    return sentences


def scores(summary: pd.DataFrame, text: FigureText) -> tuple[str, pd.DataFrame]:
    """Return all models' scores on all tasks as Markdown, best ones marked, and as a table."""
    table = score_table(summary, text.models)
    return to_markdown(mark_best(table), text.label), table


def scores_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    counts = numbers["source"].value_counts()
    words = {"run": "of this run", "hear2021": "HEAR 2021 entries", "later": "later entries"}
    parts = ", ".join(f"{counts[source]} {words[source]}" for source in words if source in counts)
    return f"Primary metric of each task, not normalized. Rows: {parts}. ★ the best of a column."


def score_table(summary: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return the scores as a table of models by tasks.

    Columns are ``model`` (display name by id in `labels`; the id if absent), ``source``, and one
    per task in alphabetical order. The run's models come first, then HEAR 2021 entries, then later
    ones; missing cells stay missing. ValueError if two models have the same display name.
    """
    names = {model: labels.get(model, model) for model in summary["model"].unique()}
    if len(set(names.values())) < len(names):
        raise ValueError(f"labels: expected a different one for each model; found {names}")
    wide = summary.pivot(index=["source", "model"], columns="task", values="score")
    wide = wide.rename_axis(columns=None).reset_index()
    wide = wide.sort_values(["source", "model"], key=_source_first, ignore_index=True)
    tasks = [column for column in wide.columns if column not in ("source", "model")]
    return wide.assign(model=wide["model"].map(names))[["model", "source", *tasks]]


def mark_best(table: pd.DataFrame) -> pd.DataFrame:
    """Return a score table as text with three decimals, the best of each task between ``**``.

    All ties are marked; missing scores are empty cells.
    """
    marked = table.copy()
    for task in table.columns.drop(["model", "source"]):
        best = table[task].max()
        marked[task] = [
            "" if pd.isna(score) else f"**{score:.3f}**" if score == best else f"{score:.3f}"
            for score in table[task]
        ]
    return marked


def _source_first(column: pd.Series) -> pd.Series:
    """Sort sources in their order and leave other columns as they are."""
    return column.map(SOURCES.index) if column.name == "source" else column
