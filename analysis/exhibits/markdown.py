"""GitHub Markdown of a table."""

from __future__ import annotations

import pandas as pd


def to_markdown(table: pd.DataFrame, label: str, decimals: int | None = None) -> str:
    """Return a table as GitHub Markdown with right-aligned numbers, and a label below.

    Missing cells are empty. Floats are written in full, or with `decimals` decimals.
    """
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    rows = [
        [_text(name) for name in table.columns],
        ["---:" if right else "---" for right in numeric],
        *([_cell(value, decimals) for value in row] for row in table.itertuples(index=False)),
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", label.replace("<", "&lt;"), ""])


def _cell(value: object, decimals: int | None) -> str:
    if decimals is not None and isinstance(value, float) and not pd.isna(value):
        return f"{value:.{decimals}f}"
    return "" if pd.isna(value) else _text(value)


def _text(value: object) -> str:
    """Escape characters that would end a cell or a row, or begin a tag."""
    return " ".join(str(value).splitlines()).replace("|", "\\|").replace("<", "&lt;")
