"""Reproduction of PaSST base: scores on the real tasks compared with the published ones.

Up to four sources have scored the same released model on the same tasks; they differ by seeds,
resampling and versions. A run is inside the band of a task if it is within the task's tolerance of
the sources' mean; every source is inside its own band. The tolerances, 0.01, 0.03 or 0.06, reflect
the spread of the sources and the number of clips of the task.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.exhibits.markdown import to_markdown
from analysis.exhibits.text import FigureText
from analysis.tables.scores import check_columns, read_csv

SOURCES = {  # columns of resources/passt_reference_scores.csv
    "leaderboard": "HEAR 2021 leaderboard, entry CP-JKU PaSST base",
    "figure": "F. Schmid, EfficientAT at HEAR (2022), github.com/fschmid56/EfficientAT_HEAR: read "
    "off its figure of normalized scores per task, to 0.0013 of the maximum",
    "rerun": "LIMUNIMI, github.com/LIMUNIMI/UniversalAudioAttacks, a re-run with heareval, which "
    "lists only the tasks that moved by more than 0.01",
    "gram": "G. Yuksel, M. van Gerven, K. van der Heijden, GRAM: Spatial general-purpose audio "
    "representations for real-world environments, arXiv:2602.03307 (2026), table 6",
}
OUTCOMES = ("inside", "outside", "no band", "no score")
_BAND = "Band: mean of the published scores ± the task's tolerance (0.01, 0.03 or 0.06)."


def read_reference(path: str | Path) -> pd.DataFrame:
    """Read the published scores: ``task``, ``tolerance`` and a column per source.

    Unpublished scores are missing. ValueError for invalid columns, tasks or numbers.
    """
    table = read_csv(path, dtype={"task": str}, na_values=[""])
    expected = ["task", "tolerance", *SOURCES]
    check_columns(table, expected, path)
    repeated = sorted(set(table.loc[table["task"].duplicated(), "task"]))
    if repeated:
        raise ValueError(f"{path}: expected each task once, found {repeated} again")
    for column in expected[1:]:
        try:
            values = table[column] = pd.to_numeric(table[column], errors="raise")
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {column}: expected numbers; {error}") from error
        wrong = table.loc[(values < 0) | (values > 1), "task"].tolist()
        if wrong:
            raise ValueError(f"{path}: {column}: expected numbers in [0, 1]; not so for {wrong}")
    lonely = table["tolerance"].notna() & (table[list(SOURCES)].notna().sum(axis=1) < 2)
    if lonely.any():
        found = table.loc[lonely, "task"].tolist()
        raise ValueError(f"{path}: tolerance: expected two sources or more, found less for {found}")
    return table


def reproduction(
    summary: pd.DataFrame, reference: pd.DataFrame, text: FigureText
) -> tuple[str, pd.DataFrame]:
    """Compare ``text.judged_model`` with the published scores; return Markdown and a table."""
    table = reproduction_table(summary, reference, text.judged_model)
    return to_markdown(table, reproduction_notes(table, text.label), decimals=3), table


def reproduction_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return f"{_outcome(numbers)} {_BAND} Sources: {_sources()}."


def reproduction_table(summary: pd.DataFrame, reference: pd.DataFrame, model: str) -> pd.DataFrame:
    """Compare the scores of the run's `model`, as PaSST base, with the published ones, by task.

    Returns
    -------
    DataFrame
        One row per task of the reference: ``task, score, score_sd``, a column per source,
        ``mean`` of the sources, ``lower`` and ``upper`` end of the band, and the ``verdict``:
        ``inside`` (ends included), ``outside``, ``no band`` (one source only, too little to judge
        by) or ``no score`` (the task was not run, or its score is missing).

    Raises
    ------
    ValueError
        If the run has no score of the model.
    """
    own = summary[(summary["source"] == "run") & (summary["model"] == model)].set_index("task")
    if not set(own.index) & set(reference["task"]):
        raise ValueError(f"summary: expected scores of {model} on HEAR 2021 tasks, found none")
    sources = reference[list(SOURCES)]
    mean, tolerance = sources.mean(axis=1), reference["tolerance"]
    table = pd.DataFrame(
        {
            "task": reference["task"],
            "score": reference["task"].map(own["score"]),
            "score_sd": reference["task"].map(own["score_sd"]),
            **sources,
            "mean": mean,
            "lower": mean - tolerance,
            "upper": mean + tolerance,
        }
    ).astype({"score": float, "score_sd": float})
    is_inside = (table["score"] >= table["lower"]) & (table["score"] <= table["upper"])
    verdict = is_inside.map({True: "inside", False: "outside"})
    verdict = verdict.mask(tolerance.isna(), "no band").mask(table["score"].isna(), "no score")
    return table.assign(verdict=verdict)


def reproduction_notes(table: pd.DataFrame, label: str) -> str:
    """Text below the table: the criterion and the result of the comparison."""
    return "\n\n".join([_outcome(table), _BAND, f"Sources: {_sources()}.", label])


def _sources() -> str:
    return "; ".join(f"{name}: {text}" for name, text in SOURCES.items())


def _outcome(table: pd.DataFrame) -> str:
    counts = table["verdict"].value_counts().reindex(OUTCOMES, fill_value=0)
    judged = counts["inside"] + counts["outside"]
    outside = table.loc[table["verdict"] == "outside", "task"].tolist()
    return (
        f"PaSST base: {counts['inside']} of {judged} judged tasks inside the band"
        + (f"; outside: {', '.join(outside)}" if outside else "")
        + f". No band: {counts['no band']}, no score: {counts['no score']}."
    )
