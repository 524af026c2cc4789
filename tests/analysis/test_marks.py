"""Marks: each point, bar and box of a figure's SVG says the numbers of its row of the CSV."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest
from figure_parts import BOXES, OF_SCORES, draw
from matplotlib.figure import Figure
from report_page import measured, save

from analysis.exhibits.costs import figure_3
from analysis.exhibits.marks import SVG, mark
from analysis.exhibits.style import save_figure
from analysis.exhibits.text import FigureText


def marks_of(path: Path) -> pd.DataFrame:
    """Title, model, category and place along the horizontal axis of all marks of an SVG."""
    found = []
    for element in ET.parse(path).iter():
        title = element.find(f"{{{SVG}}}title")
        if title is not None:
            keys = {name: element.get(f"data-{name}", "") for name in ("model", "category")}
            place = float(element.get("x", "nan"))
            found.append({"title": title.text, "place": place, **keys})
    return pd.DataFrame(found, columns=["title", "place", "model", "category"])


def saved(drawn: tuple[Figure, pd.DataFrame], folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Marks of a figure's SVG, and the numbers of its CSV."""
    save(drawn, folder / "figure")
    return marks_of(folder / "figure.svg"), drawn[1]


@pytest.mark.parametrize("stem", OF_SCORES)
def test_every_row_of_the_csv_has_a_mark_with_its_numbers(
    stem: str, real_summary: pd.DataFrame, text: FigureText, tmp_path: Path
) -> None:
    marks, numbers = saved(draw(stem, real_summary, text), tmp_path)
    first = [title.partition("\n")[0] for title in marks["title"]]
    for row in numbers.itertuples():
        mine = marks[(marks["model"] == row.model) & (marks["category"] == row.category)]
        (title,) = {t for t in mine["title"] if f"\n{text.task(row.task)}, {row.category}\n" in t}
        official = " (HEAR 2021 entry)" * (row.source == "hear2021")
        assert title.startswith(f"{text.model(row.model)}{official}\n")
        own, share = f"{text.metric_label(row.metric)}: {row.score:.3f}", text.normalized_axis
        score, normalized = row.score, row.normalized_score
        if row.source == "run":  # intervals of the tests' estimates are 0.1 to both sides
            own += f" (95 % interval {score - 0.1:.3f} to {score + 0.1:.3f})"
            share += f": {normalized:.3f} (95 % interval {normalized - 0.1:.3f}"
        assert own in title.splitlines() and share in title
    assert set(numbers["model"].map(text.model)) <= {name.partition(" (HEAR")[0] for name in first}


@pytest.mark.parametrize("stem", BOXES)
def test_every_box_has_a_mark_with_its_median(
    stem: str, real_summary: pd.DataFrame, text: FigureText, tmp_path: Path
) -> None:
    marks, numbers = saved(draw(stem, real_summary, text), tmp_path)
    for row in numbers.drop_duplicates(["panel", "source", "model"]).itertuples():
        mine = marks.loc[marks["model"] == row.model, "title"]
        median = f"\n{row.panel}\nmedian: {row.median_normalized_score:.3f}"
        (title,) = {t for t in mine if median in t and t.endswith(f"n = {row.n_tasks} tasks")}
        assert (f"interval {row.low:.3f} to {row.high:.3f}" in title) == (row.source == "run")


def test_marks_stand_where_their_numbers_are(
    official_summary: pd.DataFrame, text: FigureText, tmp_path: Path
) -> None:
    marks, numbers = saved(draw("figure_9", official_summary, text), tmp_path)
    points = marks[marks["place"].notna()]
    shares = points["title"].str.extract(rf"{text.normalized_axis}: (-?[\d.]+)")[0].astype(float)
    assert len(points) == len(numbers)
    order = shares[points["place"].sort_values().index]
    assert (order.diff().dropna() >= -0.0011).all()  # numbers of three decimals
    found = set(points.assign(share=shares).set_index(["model", "share"]).index)
    assert found == set(zip(numbers["model"], numbers["normalized_score"].round(3), strict=True))


def test_names_in_a_legend_and_on_an_axis_are_marked(
    run_summary: pd.DataFrame, text: FigureText, tmp_path: Path
) -> None:
    for stem, times in (("figure_6", 1), ("figure_8", 2), ("figure_9", 1), ("figure_4", 1)):
        marks, numbers = saved(draw(stem, run_summary, text), tmp_path)
        names = marks[~marks["title"].str.contains("\n")]  # a key of a legend: its color and name
        assert set(names["model"]) == set(numbers["model"])
        assert (names["title"] == names["model"].map(text.model)).all()
        assert names["model"].value_counts().min() >= times


def test_networks_of_figure_3_are_marked(text: FigureText, tmp_path: Path) -> None:
    marks, numbers = saved(figure_3(measured(), text), tmp_path)
    known = numbers[numbers["train_samples_per_s"].notna()]
    assert len(marks) == len(known)
    for row in known.itertuples():
        (title,) = [t for t in marks["title"] if t.startswith(f"{row.system}\n")]
        assert f"training: {row.train_samples_per_s:.2f} clips" in title


def test_marks_are_in_the_svg_alone_and_odd_names_are_text(tmp_path: Path) -> None:
    figure = Figure()
    axes = figure.add_subplot()
    points = axes.scatter([1, 2], [1, 2])
    for kind in ("png", "pdf"):
        save_figure(figure, tmp_path / "plain", [kind])
    rows = pd.DataFrame({"model": ['<b "a"', "b"], "category": ["", "c"], "more": [1, 2]})
    mark(points, rows, ['<script>1</script>\n& "2"', "b"])
    save_figure(figure, tmp_path / "marked")
    for kind in ("png", "pdf"):
        plain, marked = (tmp_path / f"{name}.{kind}" for name in ("plain", "marked"))
        assert plain.read_bytes() == marked.read_bytes()
    marks = marks_of(tmp_path / "marked.svg")
    assert marks["title"].tolist() == ['<script>1</script>\n& "2"', "b"]
    assert marks["model"].tolist() == ['<b "a"', "b"] and marks["category"].tolist() == ["", "c"]
    assert "<script>" not in (tmp_path / "marked.svg").read_text()


def test_a_mark_that_is_not_drawn_is_refused(tmp_path: Path) -> None:
    figure = Figure()
    points = figure.add_subplot().scatter([1, 2], [1, float("nan")])
    mark(points, pd.DataFrame({"model": ["a", "b"]}), ["first", "second"])
    with pytest.raises(ValueError, match="expected 2 elements of the marks from 'first' on"):
        save_figure(figure, tmp_path / "figure", ["svg"])
