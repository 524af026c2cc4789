"""Tables of a study, as its exhibits, its ledger and the comparison of two studies read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from analysis.claims.ledger import read_measured
from analysis.diff import read_study
from analysis.exhibits.costs import COST_COLUMNS, read_costs
from analysis.exhibits.reproduction import SOURCES, read_reference
from analysis.exhibits.tables import TASK_COLUMNS, read_tasks
from analysis.report.page import read_numbers
from analysis.statistics.estimates import ESTIMATE_COLUMNS, read_estimates
from analysis.tables.labels import LABEL_COLUMNS, PAIR_COLUMNS, read_confusions, read_labels
from analysis.tables.metrics import METRIC_COLUMNS, read_metrics
from analysis.tables.scores import ScoresError
from tests.fuzz.mutations import as_csv, as_json, csv_files, json_files
from tests.fuzz.readers.results import SCORES
from tests.fuzz.watch import Reader


def _rows(columns: tuple[str, ...], **values: str) -> list[list[str]]:
    """A table of two equal rows, of 1 where no value is given."""
    row = [values.get(column, "1") for column in columns]
    return [list(columns), row, list(row)]


TABLES: dict[str, tuple[Callable[[Path], Any], list[list[str]]]] = {
    "measure.csv": (read_measured, _rows(COST_COLUMNS, source="run", quantity="q")[:2]),
    "costs.csv": (read_costs, _rows(COST_COLUMNS, source="paper", quantity="q")),
    "tasks.csv": (read_tasks, _rows(TASK_COLUMNS, metrics="top1_acc,mAP")),
    "numbers.csv": (read_numbers, _rows(("figure", "task", "score"), task="esc50")),
    "reference.csv": (read_reference, _rows(("task", "tolerance", *SOURCES), task="esc50")[:2]),
    "estimates.csv": (read_estimates, _rows(ESTIMATE_COLUMNS, statistic="score")),
    "labels.csv": (read_labels, _rows(LABEL_COLUMNS)),
    "pairs.csv": (read_confusions, _rows((*PAIR_COLUMNS, "m"))),
    "metrics.csv": (
        read_metrics,
        _rows(METRIC_COLUMNS, metric="mAP", label="mAP", maximize="True", missing_score="")[:2],
    ),
}
STUDY: dict[str, list[list[str]]] = {
    "estimates.csv": _rows(ESTIMATE_COLUMNS, statistic="score", model="m", task="esc50"),
    "summary.csv": _rows(("model", "task", "metric"), task="esc50"),
    "claims.csv": _rows(("claim_id", "verdict"), verdict="holds"),
}
SCORE_FILE = "scores/m/esc50.json"


def _read_table(case: tuple[str, bytes], inside: Path) -> None:
    name, content = case
    (inside / name).write_bytes(content)
    TABLES[name][0](inside / name)


def _read_study(case: tuple[str, bytes], inside: Path) -> None:
    files = {name: as_csv(rows) for name, rows in STUDY.items()}
    for name, content in (files | {SCORE_FILE: as_json(SCORES)} | dict([case])).items():
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).write_bytes(content)
    read_study(inside)


def _tables(tables: dict[str, list[list[str]]]) -> st.SearchStrategy[tuple[str, bytes]]:
    """The name of a table and its changed content."""
    return st.sampled_from(sorted(tables)).flatmap(
        lambda name: csv_files(tables[name]).map(lambda content: (name, content))
    )


def _has_columns(tables: dict[str, list[list[str]]]) -> Callable[[tuple[str, bytes]], bool]:
    def is_past(case: tuple[str, bytes]) -> bool:
        name, content = case
        if name not in tables:
            return _is_json(content)
        return content.removeprefix(b"\xef\xbb\xbf").startswith(",".join(tables[name][0]).encode())

    return is_past


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def readers() -> list[Reader]:
    """Readers of this module."""
    tables = {name: rows for name, (_, rows) in TABLES.items()}
    files = json_files([SCORES]).map(lambda content: (SCORE_FILE, content))
    return [
        Reader(
            "tables", _tables(tables), _read_table, (ValueError,), tuple(tables),
            "the columns of its table", _has_columns(tables),
            [(name, as_csv(rows)) for name, rows in tables.items()],
        ),
        Reader(
            "studies compared", _tables(STUDY) | files, _read_study, (ScoresError,),
            (*STUDY, "esc50.json"), "the columns of its table, or JSON", _has_columns(STUDY),
            [(name, as_csv(rows)) for name, rows in STUDY.items()],
        ),
    ]  # fmt: skip
