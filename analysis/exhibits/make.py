"""Making of an exhibit: reading its tables, drawing, writing its files."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.exhibits.registry import READERS, Exhibit, find_exhibit
from analysis.exhibits.text import FigureText
from analysis.tables.scores import write_csv, write_text


def draw_exhibit(
    id: str, inputs: Mapping[str, str | Path], text: FigureText
) -> tuple[Any, pd.DataFrame]:
    """Read an exhibit's tables and draw it; return figure or Markdown, and its numbers.

    `inputs` are the paths of the exhibit's tables, by name. ValueError if the exhibit is not
    registered, has a rule of its own, lacks a table, or a table is malformed.
    """
    exhibit = find_exhibit(id)
    missing = [name for name in exhibit.of if name not in inputs]
    if missing or not exhibit.of:
        expected = ", ".join(exhibit.of) or "an exhibit that is drawn from tables"
        raise ValueError(f"{id}: inputs: expected {expected}; found {', '.join(inputs) or 'none'}")
    tables = {name: load(READERS[name])(inputs[name]) for name in exhibit.of}
    return load(exhibit.drawing)(**tables, text=text)


def make_exhibit(
    id: str, inputs: Mapping[str, str | Path], text: FigureText, stem: str | Path
) -> None:
    """Write an exhibit's files, ``stem`` plus suffixes; errors as in `draw_exhibit`."""
    shown, numbers = draw_exhibit(id, inputs, text)
    if find_exhibit(id).kind == "figure":
        load("analysis.exhibits.style:save_figure")(shown, stem)  # tables need no matplotlib
    else:
        write_text(shown, f"{stem}.md")
    write_csv(numbers, f"{stem}.csv")


def caption(exhibit: Exhibit, text: FigureText, numbers: pd.DataFrame) -> str:
    """Caption of an exhibit, with its differences from the paper's exhibit of that name.

    Based on the study's texts and the exhibit's own numbers.
    """
    said = load(f"{exhibit.drawing}_caption")(text, numbers)
    if not exhibit.paper:
        return f"{said} The paper has no such exhibit."
    here = "nothing" if numbers.empty else load(f"{exhibit.drawing}_here")(text, numbers)
    return f"{said} In the paper: {exhibit.paper}; here: {here}."


def load(place: str) -> Callable[..., Any]:
    """Import a function that the registry names as ``module:function``."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
