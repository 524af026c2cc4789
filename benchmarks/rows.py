"""Rows of a benchmark's table: what is measured again is replaced, other rows stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from analysis.tables.scores import write_csv

Groups = dict[tuple[str, ...], list[dict[str, str]]]


def replace_rows(path: Path, rows: Sequence[dict], key: Sequence[str]) -> None:
    """Write rows to a CSV file, in place of those with the same values in the columns ``key``.

    Other rows keep their cells and their order; rows with new values follow. Columns are the
    file's, then new ones. None and NaN are empty cells.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame()
    new = pd.DataFrame(rows).astype(object)
    new = new.where(new.notna(), "").astype(str)
    groups = _grouped(table, key) | _grouped(new, key)  # a replaced group stays where it was
    columns = dict.fromkeys([*table.columns, *new.columns])
    kept = [row for group in groups.values() for row in group]
    write_csv(pd.DataFrame(kept, columns=list(columns)).fillna(""), path)


def _grouped(table: pd.DataFrame, key: Iterable[str]) -> Groups:
    groups: Groups = {}
    for row in table.to_dict("records"):
        groups.setdefault(tuple(row[name] for name in key), []).append(row)
    return groups
