"""Agreement of studies on tasks of several generator seeds."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.tables.scores import write_csv
from benchmarks.generator_seeds import RESULTS, claims_of, pairs, read_studies

CLAIMS = [
    ("a", "holds at this seed", 0.10, 0.05, 0.15),
    ("b", "does not hold", -0.10, -0.15, -0.05),
    ("c", "undecided at this sample", 0.01, -0.04, 0.06),
    ("d", "not tested in this study", None, None, None),
    ("e", "holds", 2.5, None, None),  # a measurement without an interval
]


@pytest.fixture
def study(tmp_path):
    columns = ["claim_id", "verdict", "estimate", "low", "high"]
    table = pd.DataFrame(CLAIMS, columns=columns).assign(short="s")
    write_csv(table, tmp_path / "claims.csv")
    return claims_of(tmp_path)


def test_claims_without_an_interval_are_left_out(study):
    assert list(study.index) == ["a", "b", "c"]
    assert list(study["verdict"]) == ["holds", "does not hold", "undecided"]


def test_a_study_agrees_with_itself(study):
    (row,) = pairs({"x": study, "y": study})
    assert row["studies"] == "x, y"
    assert row["n_claims"] == row["n_same_verdict"] == 3
    assert row["n_decided_in_both"] == 2 and row["n_opposite"] == row["n_apart"] == 0


def test_opposite_verdicts_and_estimates_apart_are_counted(study):
    other = study.copy()
    other.loc["a"] = ["s", "does not hold", -0.10, -0.15, -0.05]
    other.loc["c", ["estimate", "low", "high"]] = [0.07, 0.02, 0.12]  # .06 of .0707 apart
    first, *_, last = pairs({"x": study, "y": study, "z": other})
    assert first["n_opposite"] == 0
    assert last["n_decided_in_both"] == 2 and last["n_opposite"] == last["n_apart"] == 1


def test_the_summary_follows_from_the_rows():
    studies = read_studies(RESULTS / "generator_seeds.csv")
    committed = pd.read_csv(RESULTS / "generator_seeds_summary.csv")
    again = pd.DataFrame(pairs(studies))
    assert len(committed) > 0
    pd.testing.assert_frame_equal(committed[again.columns], again, check_dtype=False)
