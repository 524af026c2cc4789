"""Judging a run by the published scores of PaSST base."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.exhibits.reproduction import (
    OUTCOMES,
    SOURCES,
    read_reference,
    reproduction_notes,
    reproduction_table,
)
from analysis.tables.normalize import SUMMARY_COLUMNS

ROOT = Path(__file__).parents[2]
FILE = ROOT / "resources" / "passt_reference_scores.csv"


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return read_reference(FILE)


def summary(scores: pd.Series, model: str = "passt_mh_hop10", source: str = "run") -> pd.DataFrame:
    rows = [
        {"model": model, "task": task, "score": score, "score_sd": 0.01, "source": source}
        for task, score in scores.items()
    ]
    return pd.DataFrame(rows).reindex(columns=SUMMARY_COLUMNS)


def verdicts(scores: pd.Series, reference: pd.DataFrame) -> pd.Series:
    table = reproduction_table(summary(scores), reference, "passt_mh_hop10")
    assert set(table["verdict"]) <= set(OUTCOMES)
    return table.set_index("task")["verdict"]


def test_the_committed_scores(reference):
    tasks = pd.read_csv(ROOT / "config" / "tasks.tsv", sep="\t")
    assert list(reference["task"]) == list(tasks["task"])
    bands = reference.set_index("task")["tolerance"]
    assert set(bands[bands.isna()].index) == {"beehive_states", "maestro"}
    assert bands.value_counts().to_dict() == {0.01: 6, 0.03: 7, 0.06: 4}
    official = pd.read_csv(ROOT / "resources" / "hear2021_scores.csv")
    official = official[official["model"] == "CP-JKU PaSST base"].set_index("task")["score"]
    own = reference.set_index("task")["leaderboard"].dropna()
    assert len(own) == len(official) == 17
    pd.testing.assert_series_equal(
        own.sort_index(), official.sort_index(), atol=5e-5, rtol=0, check_names=False
    )


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_is_inside_its_own_band(reference, source):
    scores = reference.set_index("task")[source].dropna()
    found = verdicts(scores, reference)
    assert set(found[scores.index.difference(["beehive_states", "maestro"])]) == {"inside"}


def test_the_ends_of_the_band(reference):
    mean = reference.set_index("task")[list(SOURCES)].mean(axis=1)
    step = reference.set_index("task")["tolerance"].fillna(0.5)
    judged = mean.index.difference(["beehive_states", "maestro"])
    for sign in (-1, 1):
        assert set(verdicts(mean + sign * 0.999 * step, reference)[judged]) == {"inside"}
        assert set(verdicts(mean + sign * 1.001 * step, reference)[judged]) == {"outside"}
    assert set(verdicts(mean + 1, reference)[["beehive_states", "maestro"]]) == {"no band"}


def test_missing_tasks_and_scores_are_said(reference):
    scores = pd.Series({"esc50": 0.95, "fsd50k": 0.5, "gtzan_genre": float("nan"), "maestro": 0.1})
    table = reproduction_table(summary(scores), reference, "passt_mh_hop10")
    found = table.set_index("task")["verdict"]
    assert found["esc50"] == "inside" and found["fsd50k"] == "outside"
    assert found["gtzan_genre"] == found["crema_d"] == "no score" and found["maestro"] == "no band"
    notes = reproduction_notes(table, "Study x")
    assert (
        "1 of 2 judged tasks inside the band; outside: fsd50k. No band: 1, no score: 16." in notes
    )
    assert notes.endswith("Study x") and all(text in notes for text in SOURCES.values())


def test_only_the_runs_own_scores_count(reference):
    scores = pd.Series({"esc50": 0.95})
    for other in (summary(scores, "logmel"), summary(scores, source="hear2021")):
        with pytest.raises(ValueError, match="expected scores of passt_mh_hop10"):
            reproduction_table(other, reference, "passt_mh_hop10")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("task,tolerance", "task,band", "expected the columns task, tolerance"),
        (
            "esc50,0.01,0.9475",
            "esc50,0.01,94.75",
            r"leaderboard: expected numbers in .*esc50",
        ),
        ("crema_d", "esc50", "expected each task once, found ..esc50"),
        ("beehive_states,,", "beehive_states,0.01,", "tolerance: expected two sources.*beehive"),
        ("0.9475", "high", "x.csv: leaderboard: expected numbers; .*high"),
    ],
)
def test_malformed_references_are_named(tmp_path, old, new, message):
    path, text = tmp_path / "x.csv", FILE.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        read_reference(path)
