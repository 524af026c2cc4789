"""Marks of a figure: meaning of each point, bar and name, as titles and data in its SVG.

A drawing calls `mark` with the rows from which its CSV is written. The information passes through
matplotlib as the artist's group id, which only the SVG contains; `write_marks` turns it into a
``<title>``, which browsers show as a tooltip, and ``data-`` attributes, by which the report finds
the marks of a model or a category.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.exhibits.text import FigureText

SVG = "http://www.w3.org/2000/svg"
# Of a mark, where its rows have them; all that a claim compares stand in `compared`.
KEYS = ("model", "category", "compared")
SEPARATOR = "; "
ET.register_namespace("", SVG)
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def mark(artist: Artist, rows: pd.DataFrame, words: Iterable[str]) -> None:
    """Attach rows to an artist: a single row, or one per point or segment, in order.

    `words` is the text that a reader sees for each row. Of `rows`, the columns `KEYS` are
    kept if present.
    """
    known = rows.reindex(columns=list(KEYS)).astype(object)
    keys = known.where(known.notna(), "").itertuples(index=False, name=None)
    marks = [
        {"title": said, **{name: key for name, key in zip(KEYS, found, strict=True) if key}}
        for said, found in zip(words, keys, strict=True)
    ]
    if marks:
        artist.set_gid(json.dumps(marks))


def mark_nearest(
    artists: Iterable[Patch | Line2D], rows: pd.DataFrame, places: pd.Series, words: Sequence[str],
    upright: bool = True,
) -> None:  # fmt: skip
    """Attach to each bar, or each part of a box, the row with the nearest position.

    `places` are the positions of the rows on the axis across the bars, which are vertical if
    `upright`, else horizontal.
    """
    for artist in artists:
        transform = artist.get_patch_transform() if isinstance(artist, Patch) else None
        extents = artist.get_path().get_extents(transform)
        middle = np.mean(extents.intervalx if upright else extents.intervaly)
        row = int(np.argmin(np.abs(places.to_numpy(float) - middle)))
        mark(artist, rows.iloc[[row]], [words[row]])


def mark_legend(legend: Legend, models: Sequence[str], text: FigureText) -> None:
    """Attach models to the keys and names of a legend."""
    keys = [key for key in legend.legend_handles if key is not None]
    mark_models([*keys, *legend.get_texts()], [*models, *models], text)


def mark_models(artists: Iterable[Artist], models: Sequence[str], text: FigureText) -> None:
    """Attach models to the names in a figure."""
    for artist, model in zip(artists, models, strict=True):
        mark(artist, pd.DataFrame({"model": [model]}), [text.model(model)])


def score_words(rows: pd.DataFrame, estimates: pd.DataFrame, text: FigureText) -> list[str]:
    """Text for each score: model, task, value and normalized value with intervals, clips.

    `rows` have the columns ``model, source, task, category, metric, score, normalized_score``.
    """
    of_tasks = estimates[estimates["statistic"].isin(["score", "normalized_score"])]
    found = {(r.statistic, r.source, r.model, r.task): r for r in of_tasks.itertuples()}
    said = []
    for row in rows.itertuples():
        lines = [_model_words(row, text), f"{text.task(row.task)}, {row.category}"]
        names = {"score": text.metric_label(row.metric), "normalized_score": text.normalized_axis}
        for statistic, name in names.items():
            mine = found.get((statistic, row.source, row.model, row.task))
            low, high = (mine.low, mine.high) if mine else (None, None)
            lines.append(value_words(name, getattr(row, statistic), low, high))
            if statistic == "score" and mine and pd.notna(mine.n_clips):
                lines.append(f"n = {mine.n_clips} clips")
        said.append("\n".join(lines))
    return said


def median_words(rows: pd.DataFrame, text: FigureText) -> list[str]:
    """Text for each box: model, panel, median normalized score with interval, tasks."""
    return [
        f"{_model_words(row, text)}\n{row.panel}\n"
        + value_words("median", row.median_normalized_score, row.low, row.high)
        + f"\nn = {row.n_tasks} tasks"
        for row in rows.itertuples()
    ]


def value_words(name: str, value: float, low: float | None, high: float | None) -> str:
    """Text of a value with its 95 % interval, if known."""
    interval = f" (95 % interval {low:.3f} to {high:.3f})" if pd.notna(low) else ""
    return f"{name}: {value:.3f}{interval}"


def _model_words(row: Any, text: FigureText) -> str:
    official = " (HEAR 2021 entry)" if row.source == "hear2021" else ""
    return f"{text.model(row.model)}{official}"


def write_marks(path: str | Path) -> None:
    """Turn the marks of a saved SVG into titles and ``data-`` attributes of its elements.

    ValueError if an artist does not have one element per mark, so that marks would be misplaced.
    """
    tree = ET.parse(path)
    for group in list(tree.iter(f"{{{SVG}}}g")):
        if not group.get("id", "").startswith("[{"):
            continue
        marks = json.loads(group.attrib.pop("id"))
        elements = [group] if len(marks) == 1 else list(_drawn(group))
        if len(elements) != len(marks):
            raise ValueError(
                f"{path}: expected {len(marks)} elements of the marks from "
                f"{marks[0]['title']!r} on, found {len(elements)}"
            )
        for element, found in zip(elements, marks, strict=True):
            title = ET.Element(f"{{{SVG}}}title")
            title.text = found.pop("title")
            element.insert(0, title)
            element.attrib |= {f"data-{name}": value for name, value in found.items()}
    tree.write(path, encoding="utf-8", xml_declaration=True)


def _drawn(group: ET.Element) -> Iterator[ET.Element]:
    """Shapes of a group in the order in which they are drawn, without those of definitions."""
    for child in group:
        if child.tag in (f"{{{SVG}}}use", f"{{{SVG}}}path"):
            yield child
        elif child.tag == f"{{{SVG}}}g":
            yield from _drawn(child)
