"""Tables: the tasks and the scores, as frames and as Markdown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.exhibits.markdown import to_markdown
from analysis.exhibits.tables import (
    HARDNESS,
    findings,
    mark_best,
    read_tasks,
    score_table,
    table_1,
    tasks,
    write_table,
)
from analysis.exhibits.text import FigureText
from analysis.tables.scores import replacing


@pytest.fixture
def summary() -> pd.DataFrame:
    rows = [("a", "x", 0.5), ("a", "y", 0.25), ("b", "x", 0.75), ("c", "x", 0.75), ("c", "y", None)]
    table = pd.DataFrame(rows, columns=["model", "task", "score"]).astype({"score": float})
    return table.assign(source="run")


@pytest.fixture
def task_table_frame(task_table: pd.DataFrame) -> pd.DataFrame:
    event = task_table["embedding_type"] == "event"
    return task_table.assign(
        chance=np.where(event, "", "0.1"),
        n_events=np.where(event, "900", ""),
        n_test_events=np.where(event, "90", ""),
        stands_for="sounds",
        duration_s=100.4,
        warnings=np.where(task_table["task"] == "maestro", "not as published", ""),
    )


def test_table_1_is_the_papers(task_table: pd.DataFrame, text: FigureText) -> None:
    table = table_1(task_table, text)[1]
    assert table["category"].value_counts().to_dict() == {"general": 7, "music": 7, "speech": 5}
    assert table["category"].is_monotonic_increasing
    assert table["n_events"].isna().all()  # HEAR's own table does not know them
    maestro = table.set_index("task").loc["maestro"]
    assert maestro[["embedding", "metric", "n_clips", "n_folds"]].tolist() == [
        "event",
        "Onset F-measure (50 ms)",
        185,
        5,
    ]


def test_table_1_takes_other_categories(task_table: pd.DataFrame, text: FigureText) -> None:
    custom = task_table.iloc[:1].assign(task="drums", name="Drums", category="custom")
    table = table_1(pd.concat([custom, task_table]), text)[1]
    assert table["category"].tolist()[-1] == "custom"


def test_task_tables_need_their_columns(task_table: pd.DataFrame, tmp_path: Path) -> None:
    task_table.drop(columns="n_clips").to_csv(tmp_path / "tasks.csv", index=False)
    with pytest.raises(ValueError, match=r"tasks.csv: expected .*; found no \['n_clips'\]"):
        read_tasks(tmp_path / "tasks.csv")


def test_metrics_without_a_name_are_refused(task_table: pd.DataFrame, text: FigureText) -> None:
    with pytest.raises(ValueError, match="metric 'loudness': expected one of"):
        table_1(task_table.assign(metrics="loudness"), text)


def test_task_table_says_how_hard_a_task_is(
    task_table_frame: pd.DataFrame, text: FigureText, tmp_path: Path
) -> None:
    summary = pd.DataFrame(
        {"model": ["logmel", "passt_m_hop10"], "task": "maestro", "score": [0.1234, 0.9]}
    )
    markdown, table = tasks(task_table_frame, summary, text)
    assert "M is above log-mel on 1 of 1 tasks, below it on 0." in markdown
    assert markdown.count("Warning: ") == 1
    assert "Warning: Maestro 5h: not as published." in markdown
    maestro = table.set_index("task").loc["maestro"]
    assert maestro[["log-mel", "n_clips", "chance"]].tolist() == [0.1234, 185, ""]
    cells = "| maestro | 185 | 900 | 90 | 100 | 5 | Onset F-measure (50 ms) |"
    assert f"{cells}  |  | 0.123 | 0.9 | sounds |" in markdown
    assert (
        table_1(task_table_frame, text)[1].set_index("task").loc["maestro", "n_test_events"] == 90
    )
    assert table["log-mel"].notna().sum() == 1  # no score is invented for the others
    assert {*task_table_frame, *HARDNESS.values()} <= set(table)  # nothing is lost
    write_table(tasks(task_table_frame, summary, text), tmp_path / "tasks")
    pd.testing.assert_frame_equal(
        table_1(read_tasks(tmp_path / "tasks.csv"), text)[1], table_1(task_table_frame, text)[1]
    )


def test_score_table_keeps_gaps(summary: pd.DataFrame) -> None:
    table = score_table(summary, {"a": "A (random-init)"})
    assert table["model"].tolist() == ["A (random-init)", "b", "c"]
    assert table.columns.tolist() == ["model", "source", "x", "y"]
    np.testing.assert_array_equal(table["y"], [0.25, np.nan, np.nan])


def test_score_table_needs_different_names(summary: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="expected a different one for each model"):
        score_table(summary, {"a": "same", "b": "same"})


def test_official_entries_stand_below_the_run(summary: pd.DataFrame) -> None:
    sources = summary["model"].map({"a": "later", "b": "hear2021", "c": "run"})
    table = score_table(summary.assign(source=sources), {})
    assert table["model"].tolist() == ["c", "b", "a"]
    assert table["source"].tolist() == ["run", "hear2021", "later"]


def test_ties_are_all_best(summary: pd.DataFrame) -> None:
    marked = mark_best(score_table(summary, {}))
    assert marked["x"].tolist() == ["0.500", "**0.750**", "**0.750**"]
    assert marked["y"].tolist() == ["**0.250**", "", ""]


def test_markdown(summary: pd.DataFrame) -> None:
    text = to_markdown(score_table(summary, {"a": "a|b"}).head(2), "study test")
    assert text == (
        "| model | source | x | y |\n| --- | --- | ---: | ---: |\n"
        "| a\\|b | run | 0.5 | 0.25 |\n| b | run | 0.75 |  |\n\nstudy test\n"
    )


def test_names_are_text_in_markdown(summary: pd.DataFrame) -> None:
    text = to_markdown(score_table(summary, {"a": "<b>x\n</b>"}).head(1), "study <i>")
    assert "| &lt;b>x &lt;/b> | run |" in text and text.endswith("\n\nstudy &lt;i>\n")


def test_markdown_with_a_number_of_decimals(summary: pd.DataFrame) -> None:
    text = to_markdown(score_table(summary, {}).head(2), "study test", decimals=3)
    assert "| a | run | 0.500 | 0.250 |\n| b | run | 0.750 |  |" in text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_an_error_with_the_file_which_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("whole")
    with pytest.raises(OSError, match=r"No space left.*a\.csv"), replacing(path) as temporary:
        temporary.symlink_to("/dev/full")
        temporary.write_text("new")
    assert path.read_text() == "whole" and len([*tmp_path.iterdir()]) == 1


def test_an_error_without_a_number_keeps_its_words(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match=r"a\.png: image file too large"),
        replacing(tmp_path / "a.png"),
    ):
        raise OSError("image file too large")


def test_findings_are_the_worst_first_and_say_which_tasks_are_generated() -> None:
    keys = ("task", "folder", "level", "kind", "found", "consequence")
    rows = [
        dict(zip(keys, row, strict=True))
        for row in (
            ("esc50", "esc50-mini-full", "note", "clipping", "a", "b"),
            ("beehive_states", "fold0-mini-full", "warning", "odd_lengths", "c", "d"),
            ("beehive_states", "fold1-mini-full", "severe", "lost_scale", "e", "f"),
        )
    ]
    text = FigureText("s", "A label.", "", tasks={"esc50": "mini ESC-50"})
    markdown, table = findings(rows, text)
    assert list(table["level"]) == ["severe", "warning", "note"]
    assert list(table["name"]) == [
        "beehive_states (fold1-mini-full)", "beehive_states (fold0-mini-full)", "mini ESC-50",
    ]  # fmt: skip
    assert "| mini ESC-50 | note | a | b |" in markdown and "A label." in markdown
    assert findings([], text)[1].empty
