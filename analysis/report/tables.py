"""Tables as a reader sees them: cells of text with what to sort by, links and marks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.claims.claim import verdict_kind
from analysis.exhibits.numbers import OFFICIAL_BASE
from analysis.exhibits.text import FigureText
from analysis.tables.normalize import read_summary
from analysis.tables.words import ordered_categories

BEST = "★"
SPELLED = {"audioset": "AudioSet", "cpu": "CPU", "map": "mAP", "mib": "MiB"}  # in columns' names
CLAIM_COLUMNS = (  # of claims.csv, readable on a page; the caption links to the rest
    "claim_id", "section", "statement", "where", "verdict", "hangs_on", "official_verdict",
    "p_holm", "estimate", "low", "high", "detectable", "n_tasks", "reason", "confounds",
)  # fmt: skip
UNTESTED_COLUMNS = ("claim_id", "section", "statement", "verdict", "official_verdict", "reason")


@dataclass(frozen=True)
class Cell:
    """One cell: text, sort key if different from the text, relative link, CSS class."""

    text: str
    sort: str | None = None
    href: str = ""
    mark: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """Column names and rows of cells; the first cell of a row names it."""

    columns: list[str]
    rows: list[list[Cell]] = field(default_factory=list)

    @property
    def right(self) -> str:
        """CSS classes of the columns that hold numbers: ``n2`` for the second."""
        numeric = [any(cell.numeric for cell in column) for column in zip(*self.rows, strict=True)]
        return " ".join(f"n{place}" for place, known in enumerate(numeric, 1) if known)


def plain_table(table: pd.DataFrame) -> Table:
    """Format a table: missing values empty, numbers shortened and right-aligned."""
    columns = [_heading(str(name)) for name in table.columns]
    return Table(columns, [[_cell(v) for v in row] for row in table.itertuples(index=False)])


def _heading(name: str) -> str:
    """Column name as words, units and acronyms spelled as usual."""
    return " ".join(SPELLED.get(word, word) for word in name.split("_"))


def without_repeated(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Replace columns with the same value in every row by a sentence."""
    repeated = [name for name in table.columns if table[name].nunique(dropna=False) == 1]
    if not repeated or len(table) < 2:
        return table, ""
    said = [f"{name} {_cell(table[name].iloc[0]).text or 'empty'}" for name in repeated]
    return table.drop(columns=repeated), f" In every row: {', '.join(said)}."


def claims_table(claims: pd.DataFrame, columns: tuple[str, ...]) -> Table:
    """Format some columns of the claims ledger, with its verdicts marked."""
    table = plain_table(claims[list(columns)])
    for row in table.rows:
        for place, name in enumerate(columns):
            if name.endswith("verdict") and (said := row[place].text):
                mark = verdict_kind(said).replace(" ", "-")
                row[place] = Cell(said, mark=f"verdict {mark}")
    return table


def scores_table(scores: pd.DataFrame, text: FigureText) -> Table:
    """Format models by tasks, with the best of each task marked, including ties."""
    names = [name for name in scores.columns if name not in ("model", "source")]
    best = {name: scores[name].max() for name in names}
    rows = [
        [
            Cell(row["model"]),
            Cell(row["source"]),
            *(_score(row[name], row[name] == best[name]) for name in names),
        ]
        for _, row in scores.iterrows()
    ]
    return Table(["model", "source", *(text.task(name) for name in names)], rows)


def task_scores(root: Path, text: FigureText) -> Table:
    """Format tasks by models of the run, with the best model of each task marked.

    Every score of the run, including undefined ones, links to its file. With official scores, the
    first two columns of scores are the best HEAR 2021 entry and PaSST base as submitted by its
    authors.
    """
    summary = read_summary(root / "summary.csv")
    run = summary[summary["source"] == "run"]
    official = summary[summary["source"] == "hear2021"]
    models = sorted(run["model"].unique(), key=[*text.models, *run["model"]].index)
    columns = ["task", "category", "metric"]
    if not official.empty:
        columns += ["best HEAR 2021 entry", f"HEAR 2021: {OFFICIAL_BASE}"]
    columns += [text.model(model) for model in models]
    order = ordered_categories(summary["category"])
    keys = summary[["task", "category", "metric"]].drop_duplicates()
    keys = keys.assign(order=keys["category"].map(order.index), name=keys["task"].map(text.task))
    cells = run.set_index(["task", "model"])["score"]
    rows = []
    for key in keys.sort_values(["order", "name"]).itertuples():
        scores = {model: cells.get((key.task, model)) for model in models}
        best = max((s for s in scores.values() if pd.notna(s)), default=None)
        row = [Cell(t) for t in (key.name, key.category, text.metric_label(key.metric))]
        if not official.empty:
            row += _official(official[official["task"] == key.task])
        row += [
            _score(score, score == best, text.score_file.format(model=model, task=key.task))
            for model, score in scores.items()
        ]
        rows.append(row)
    return Table(columns, rows)


def _official(entries: pd.DataFrame) -> list[Cell]:
    """Best entry and PaSST base on one task; empty cells if there is none."""
    scored = entries[entries["score"].notna()]
    if scored.empty:
        return [Cell(""), Cell("")]
    best = scored.loc[scored["score"].idxmax()]
    base = scored.loc[scored["model"] == OFFICIAL_BASE, "score"]
    sort = f"{best['score']:.6g}"
    first = Cell(f"{best['score']:.3f} {best['model']}", sort, mark="official", numeric=True)
    return [first, _score(base.iloc[0] if len(base) else None, False)]


def _score(score: float | None, is_best: bool, href: str = "") -> Cell:
    if score is None or pd.isna(score):
        is_undefined = score is not None and bool(href)
        word, link = ("undefined", href) if is_undefined else ("", "")
        return Cell(word, "", link, numeric=True)
    words = f"{score:.3f} {BEST}" if is_best else f"{score:.3f}"
    return Cell(words, f"{score:.6g}", href, "best" if is_best else "", True)


def _cell(value: Any) -> Cell:
    if not isinstance(value, str) and pd.isna(value):
        return Cell("")
    if isinstance(value, bool | str):
        return Cell(str(value))
    try:
        number = float(value)
    except OverflowError:  # of a text that is all digits
        return Cell(str(value))
    words = f"{number:.0f}" if number.is_integer() else f"{number:.4g}"
    return Cell(words, numeric=True)
