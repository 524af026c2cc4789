"""Tables: the tasks (the paper's table 1) and the scores per model and task, also as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from analysis.tables.scores import SOURCES
from analysis.tables.words import metric_label, ordered_categories

_TASK_COLUMNS = ("task", "name", "category", "embedding_type", "metrics", "n_clips", "n_folds")


def table_1(tasks: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's table 1 for the tasks of a study: what they are and how they are scored.

    Parameters
    ----------
    tasks : DataFrame
        Task table with the columns ``task, name, category, embedding_type, metrics`` (comma
        separated, primary first), ``n_clips, n_folds``.

    Returns
    -------
    DataFrame
        One row per task, by category, then name; columns ``task, name, category, embedding,
        metric, n_clips, n_folds``.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    missing = [column for column in _TASK_COLUMNS if column not in tasks.columns]
    if missing:
        raise ValueError(f"task table: expected {', '.join(_TASK_COLUMNS)}; found no {missing}")
    order = ordered_categories(tasks["category"])
    table = tasks[["task", "name", "category"]].assign(
        embedding=tasks["embedding_type"],
        metric=[metric_label(metrics.split(",")[0]) for metrics in tasks["metrics"]],
        n_clips=tasks["n_clips"].astype("Int64"),
        n_folds=tasks["n_folds"].astype("Int64"),
        order=tasks["category"].map(order.index),
    )
    return table.sort_values(["order", "name"], ignore_index=True).drop(columns="order")


def task_table(
    tasks: pd.DataFrame, summary: pd.DataFrame, models: Mapping[str, str]
) -> pd.DataFrame:
    """Return what each task of a study is and how hard it is.

    Parameters
    ----------
    tasks : DataFrame
        The study's task table, with the columns ``chance``, ``duration_s`` and ``stands_for``.
    summary : DataFrame
        One row per model and task.
    models : mapping
        Models whose scores say how hard a task is: column by model id.

    Returns
    -------
    DataFrame
        One row per task in table 1's order: task, clips, seconds, folds, metric, chance (empty for
        event metrics), a column per model with its score (empty if it was not run), what the task
        stands for.
    """
    rows = table_1(tasks).merge(tasks[["task", "duration_s", "chance", "stands_for"]], on="task")
    scores = {
        column: summary[summary["model"] == model].set_index("task")["score"]
        for model, column in models.items()
    }
    return pd.DataFrame(
        {
            "task": rows["task"],
            "clips": rows["n_clips"],
            "seconds": rows["duration_s"].round().astype("Int64"),
            "folds": rows["n_folds"],
            "metric": rows["metric"],
            "chance": pd.to_numeric(rows["chance"], errors="coerce").round(3),
            **{column: rows["task"].map(of_task).round(3) for column, of_task in scores.items()},
            "stands for": rows["stands_for"],
        }
    )


def wins(table: pd.DataFrame, column: str, others: Iterable[str]) -> list[str]:
    """Say on how many tasks of a :func:`task_table` one model is above each of others.

    Returns
    -------
    list of str
        A sentence for each other model with which it shares a task.
    """
    sentences = []
    for other in others:
        both = table[[column, other]].dropna()
        above, below = (both[column] > both[other]).sum(), (both[column] < both[other]).sum()
        if len(both):
            sentences.append(
                f"{column} is above {other} on {above} of {len(both)} tasks, below it on {below}."
            )
    return sentences


def score_table(summary: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return the scores as a table of models by tasks.

    Parameters
    ----------
    summary : DataFrame
        One row per model and task.
    labels : mapping
        Display names by model id; an absent one is shown as it is.

    Returns
    -------
    DataFrame
        ``model`` (display name), ``source`` (``run``, ``hear2021``, ``later``), then a column per
        task in alphabetical order. The run's models first, then HEAR 2021 entries, then later
        ones; missing cells stay missing.

    Raises
    ------
    ValueError
        If two models have the same display name, so that their rows could not be told apart.
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
    """Return a score table as text of three decimals, the best of each task between ``**``.

    Ties are all marked; a missing score is an empty cell.
    """
    marked = table.copy()
    for task in table.columns.drop(["model", "source"]):
        best = table[task].max()
        marked[task] = [
            "" if pd.isna(score) else f"**{score:.3f}**" if score == best else f"{score:.3f}"
            for score in table[task]
        ]
    return marked


def to_markdown(table: pd.DataFrame, label: str, decimals: int | None = None) -> str:
    """Return a table as GitHub Markdown; missing cells are empty.

    Parameters
    ----------
    table : DataFrame
        Columns of numbers are set to the right.
    label : str
        Which study and which tasks; stands below the table.
    decimals : int, optional
        Of columns of floats; by default as many as a number has.
    """
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    rows = [
        [str(name) for name in table.columns],
        ["---:" if right else "---" for right in numeric],
        *([_cell(value, decimals) for value in row] for row in table.itertuples(index=False)),
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", label, ""])


def _cell(value: object, decimals: int | None) -> str:
    if decimals is not None and isinstance(value, float) and not pd.isna(value):
        return f"{value:.{decimals}f}"
    return "" if pd.isna(value) else str(value).replace("|", "\\|")


def _source_first(column: pd.Series) -> pd.Series:
    """Sort sources in their order and leave other columns as they are."""
    return column.map(SOURCES.index) if column.name == "source" else column
