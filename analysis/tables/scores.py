"""The tidy score table: columns, combination with official scores, reading and writing.

One row per metric, fold and seed; no aggregates. Higher is better for every primary metric.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

TIDY_COLUMNS = (
    "study", "model", "task", "category", "probe", "train_fraction", "metric", "primary", "fold",
    "seed", "score", "normalized_score", "source",
)  # fmt: skip
EVALUATION = ["probe", "train_fraction"]  # the columns that tell evaluations apart
SOURCES = ("run", "hear2021", "later")


class ScoresError(ValueError):
    """A malformed score file or score table, or files that contradict each other."""


def combine(run: pd.DataFrame, official: pd.DataFrame) -> pd.DataFrame:
    """Append official rows to a run's rows, for the tasks of the run only.

    The restriction ensures that aggregates of both cover the same tasks. ScoresError if a task of
    the run is not official, because its scores cannot be compared with official ones.
    """
    unknown = sorted(set(run["task"]) - set(official["task"]))
    if unknown:
        raise ScoresError(f"expected HEAR 2021 tasks beside official scores; found {unknown}")
    shared = official[official["task"].isin(set(run["task"]))]
    return pd.concat([run, shared], ignore_index=True)


def of_first(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a run's first evaluation, and official rows.

    It is the study's first probe on all training clips, which comes first in score tables.
    """
    run = table["source"] == "run"
    if not run.any():
        return table
    first = table.loc[run, EVALUATION].iloc[0]
    return table[~run | (table[EVALUATION] == first).all(axis=1)]


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV under a temporary name, then rename it. Missing values are empty."""
    write_text(table.to_csv(index=False, lineterminator="\n"), path)


def write_text(text: str, path: str | Path) -> None:
    """Write a text as UTF-8 under a temporary name, then rename it."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path; the file written there replaces ``path`` at the end.

    If the block fails, the file is removed; an ``OSError`` names ``path``.
    """
    temporary = Path(f"{path}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is None:  # such as Pillow's; its text is its only argument
            raise OSError(f"{path}: {error}") from error
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def read_object(path: str | Path) -> dict[str, Any]:
    """Read a JSON object in UTF-8; ScoresError names a file that is none."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise ScoresError(f"{path}: expected a JSON score file; {error}") from error
    if not isinstance(content, dict):
        raise ScoresError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def check_columns(table: pd.DataFrame, columns: Iterable[str], path: str | Path) -> None:
    """Raise ScoresError, naming the file, if a table's columns are not these in this order."""
    if list(table.columns) != list(columns):
        expected, found = ", ".join(columns), ", ".join(table.columns)
        raise ScoresError(f"{path}: expected the columns {expected}; found {found}")


def read_csv(path: str | Path, **options: Any) -> pd.DataFrame:
    """Read a CSV, in which NA is text, with ``options`` of pandas; ScoresError names the file."""
    try:
        return pd.read_csv(path, keep_default_na=False, **options)
    except (ValueError, TypeError, OverflowError) as error:
        raise ScoresError(f"{path}: expected a table, found an error: {error}") from error


def read_table(path: str | Path, columns: Iterable[str], kinds: Mapping[str, Any]) -> pd.DataFrame:
    """Read a table written by `write_csv`.

    ``kinds`` are the types of non-text columns, the only ones in which empty cells are missing.
    ScoresError if the columns are not `columns`, or their content has another type.
    """
    types = {**dict.fromkeys(columns, str), **kinds}
    table = read_csv(path, dtype=types, na_values=dict.fromkeys(kinds, [""]))
    check_columns(table, columns, path)
    return table


def read_tidy(path: str | Path) -> pd.DataFrame:
    """Read a tidy score table; ScoresError for other columns or an unknown source."""
    kinds: dict[str, Any] = {"seed": "Int64", "primary": bool}
    kinds |= dict.fromkeys(("train_fraction", "score", "normalized_score"), float)
    tidy = read_table(path, TIDY_COLUMNS, kinds)
    unknown = sorted(set(tidy["source"]) - set(SOURCES))
    if unknown:
        raise ScoresError(f"{path}: source: expected {', '.join(SOURCES)}; found {unknown}")
    return tidy
