"""Every reader of a table names a file that is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.claims.ledger import read_measured
from analysis.exhibits.costs import COST_COLUMNS, read_costs
from analysis.exhibits.reproduction import read_reference
from analysis.exhibits.tables import read_tasks
from analysis.report.page import read_numbers
from analysis.statistics.estimates import read_estimates
from analysis.tables.labels import read_confusions, read_labels
from analysis.tables.metrics import read_metrics
from analysis.tables.official import load_official_scores
from analysis.tables.scores import read_tidy

READERS = (
    read_confusions, read_costs, read_estimates, read_labels, read_measured, read_metrics,
    read_numbers, read_reference, read_tasks, read_tidy,
)  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"a,b\n\xff,1\n", b'a\n"', b"a\n1\n2,3\n"])
@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_no_table_is_named(
    reader: Callable[[Path], object], content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.csv: expected"):
        reader(path)


def test_official_scores_too(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"broken\.csv: expected"):
        load_official_scores(path, pd.DataFrame(columns=["task", "metrics"]))


@pytest.mark.parametrize("reader", [read_costs, read_measured])
def test_a_value_that_is_no_number_is_named(
    reader: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "measure.csv"
    cells = ["fast" if column == "value" else "1" for column in COST_COLUMNS]
    path.write_text(f"{','.join(COST_COLUMNS)}\n{','.join(cells)}\n")
    with pytest.raises(ValueError, match=r"measure\.csv: expected a table, .*fast"):
        reader(path)
