"""Official HEAR 2021 scores, read, checked, and converted to rows of the tidy score table.

The table is the public HEAR leaderboard as of 2023-09: 29 entries of the HEAR 2021 challenge, and
later ones, whose ``entry`` is the date of their addition. Blank cells of the leaderboard have no
row; a score of zero is a score (PANNs on DCASE 2016 and MAESTRO). Source: Turian et al.,
"HEAR: Holistic Evaluation of Audio Representations", PMLR 176, 2022, and its leaderboard.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from analysis.tables.scores import TIDY_COLUMNS, read_csv

COLUMNS = ("model", "entry", "task", "metric", "score")
CHALLENGE = "HEAR 2021"  # value of `entry` for the challenge's own submissions
N_CHALLENGE_MODELS = 29  # entries of HEAR 2021 on the leaderboard (2023-09)
STUDY = "official"
_MAX_PROBLEMS = 10  # problems listed in one error message; the rest are counted


class OfficialScoresError(ValueError):
    """An invalid table of official scores; the message lists all problems."""


def load_official_scores(path: str | Path, tasks: pd.DataFrame) -> pd.DataFrame:
    """Read the official scores and check every line.

    Parameters
    ----------
    tasks : DataFrame
        Task table with the columns ``task`` and ``metrics`` (comma separated, primary first).

    Returns
    -------
    DataFrame
        `COLUMNS`, ``score`` as float in [0, 1], plus ``later`` (bool): True for entries that came
        after the challenge.

    Raises
    ------
    OfficialScoresError
        Names the file and, for each problem, the line, the expected and the actual value.
    """
    table = read_csv(path, dtype=str)
    if tuple(table.columns) != COLUMNS:
        expected, found = ", ".join(COLUMNS), ", ".join(table.columns)
        raise OfficialScoresError(f"{path}: expected the columns {expected}; found {found}")
    primary = {row.task: row.metrics.split(",")[0] for row in tasks.itertuples()}
    problems = [
        f"line {number}: {problem}"
        for number, row in enumerate(table.itertuples(index=False), start=2)  # 1 is the header
        for problem in _row_problems(row, primary)
    ] or _table_problems(table, primary)
    if problems:
        shown = [f"{path}: {problem}" for problem in problems[:_MAX_PROBLEMS]]
        if len(problems) > _MAX_PROBLEMS:
            shown.append(f"and {len(problems) - _MAX_PROBLEMS} more problems")
        raise OfficialScoresError("\n".join(shown))
    return table.assign(score=table["score"].astype(float), later=table["entry"] != CHALLENGE)


def challenge_maxima(scores: pd.DataFrame) -> pd.Series:
    """Return the best HEAR 2021 score of each task in alphabetical order, without later entries.

    The paper's figures divide by it (section 5.2).
    """
    return scores[~scores["later"]].groupby("task")["score"].max().rename("maximum")


def official_tidy(scores: pd.DataFrame, tasks: pd.DataFrame) -> pd.DataFrame:
    """Convert the official scores to rows of the tidy score table.

    ``fold`` is "" and ``seed`` missing, because only means were published; ``source`` is
    ``hear2021`` or ``later``.
    """
    columns = {
        "study": STUDY,
        "model": scores["model"],
        "task": scores["task"],
        "category": scores["task"].map(tasks.set_index("task")["category"]),
        "probe": "mlp",  # heareval's
        "train_fraction": 1.0,
        "metric": scores["metric"],
        "primary": True,
        "fold": "",
        "seed": pd.array([pd.NA] * len(scores), dtype="Int64"),
        "score": scores["score"],
        "normalized_score": float("nan"),
        "source": scores["later"].map({False: "hear2021", True: "later"}),
    }
    return pd.DataFrame(columns, index=scores.index)[list(TIDY_COLUMNS)].reset_index(drop=True)


def _row_problems(row: tuple[str, ...], primary: dict[str, str]) -> list[str]:
    model, entry, task, metric, score = row
    problems = []
    if not model.strip():
        problems.append("model: expected a name, found nothing")
    if entry != CHALLENGE and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", entry):
        problems.append(f"entry: expected {CHALLENGE!r} or a date YYYY-MM-DD, found {entry!r}")
    if task not in primary:
        problems.append(f"task: expected one of {', '.join(sorted(primary))}; found {task!r}")
    elif metric != primary[task]:
        problems.append(
            f"metric: expected {primary[task]!r}, the primary metric of {task}; found {metric!r}"
        )
    if not _is_unit_number(score):
        problems.append(f"score: expected a number in [0, 1], found {score!r}")
    return problems


def _is_unit_number(text: str) -> bool:
    try:
        return 0.0 <= float(text) <= 1.0
    except ValueError:
        return False


def _table_problems(table: pd.DataFrame, primary: dict[str, str]) -> list[str]:
    """Problems of the table as a whole."""
    table = table.assign(line=range(2, len(table) + 2))
    first = table.groupby(["model", "task"])["line"].transform("first")
    problems = [
        f"line {row.line}: expected one score for {row.model!r} on {row.task}; "
        f"found a second one, the first is in line {row.first}"
        for row in table.assign(first=first)[table["line"] != first].itertuples()
    ]
    for model, entries in table.groupby("model")["entry"].unique().items():
        if len(entries) > 1:
            problems.append(f"entry of {model!r}: expected one value, found {sorted(entries)}")
    challenge = table[table["entry"] == CHALLENGE]
    n_models = challenge["model"].nunique()
    if n_models != N_CHALLENGE_MODELS:
        problems.append(
            f"expected {N_CHALLENGE_MODELS} models with entry {CHALLENGE!r}, found {n_models}"
        )
    missing = sorted(set(primary) - set(challenge["task"]))
    if missing:
        problems.append(f"expected {CHALLENGE} scores for every task, found none for {missing}")
    return problems
