"""Expected widths of intervals follow from sizes, and the shipped sizes from their rule."""

from __future__ import annotations

import csv

import pandas as pd
import pytest

from workflow.commands.sizes import by_category, expected_width, found_widths, sizes
from workflow.study.config import ROOT, ConfigError, read_yaml
from workflow.study.study import read_study

LARGE = read_yaml(ROOT / "config" / "mini_large.yaml")
DEFAULT = read_yaml(ROOT / "config" / "config.yaml")
WIDEST = 0.045  # docs/mini.md, the rule of sizes


def of_scale(train, test):
    return sizes(read_study({"mini_scale": {"train": train, "test": test}})).set_index("task")


def simulated(setting):
    with (ROOT / "benchmarks" / "results" / "coverage.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["setting"] == setting]
    return [float(row["width"]) for row in rows if row["number"] == "accuracy"]


@pytest.mark.parametrize(
    ("setting", "units", "n_strata", "share", "correlation"),
    [
        ("100 clips, p 0.5", [1] * 100, 1, 0.5, 0.0),
        ("5 folds of 24 clips, p 0.7", [1] * 120, 5, 0.7, 0.0),
        ("108 clips of 28 sources, correlation 0.05", [108 / 28] * 28, 1, 0.7, 0.05),
        ("108 clips of 7 sources, correlation 0.1", [108 / 7] * 7, 1, 0.7, 0.1),
        ("7 folds of 12 clips, a source each, correlation 0.1", [12] * 7, 1, 0.7, 0.1),
    ],
)
def test_the_expected_width_is_that_of_simulated_intervals(
    setting, units, n_strata, share, correlation
):
    # a latent correlation is about two thirds of that between hits (Pearson's phi at .7)
    found = expected_width(units, n_strata, share, 2 / 3 * correlation)
    assert [found] == pytest.approx(simulated(setting), rel=0.15)


def test_sizes_count_clips_sources_and_seconds():
    once, tested = of_scale(1, 1), of_scale(1, 8)
    assert once.loc["gunshot_triangulation", ["test_clips", "sources"]].tolist() == [84, 7]
    assert once.loc["beehive_states", ["test_clips", "sources"]].tolist() == [40, 2]
    assert tested.loc["dcase2016_task2", ["test_clips", "sources"]].tolist() == [192, 72]
    assert once["events"].notna().sum() == 2 and (once["audio_s"] > 0).all()
    folds = once.index[
        (once[["test_clips", "width"]] == tested[["test_clips", "width"]]).all(axis=1)
    ]
    assert {"esc50", "maestro", "vox_lingua_top10"} < {*folds} and len(folds) == 12
    narrower = once.index.difference(folds)
    assert (tested.loc[narrower, "width"] < once.loc[narrower, "width"]).all()


def test_widths_that_a_study_found_are_of_pairs_of_trained_variants():
    study = read_study({})
    pairs = [("passt_m_hop10", "passt_h_hop10"), ("passt_mh_hop5", "passt_h_hop10"),
             ("passt_m_hop10_random", "passt_h_hop10"), ("logmel", "passt_h_hop10")]  # fmt: skip
    rows = [
        ("difference_of_means", *pair, "music", -width, width)
        for pair, width in zip(pairs, (0.1, 0.2, 9, 9), strict=True)
    ]
    rows += [("difference_of_means", *pairs[0], "all", -9, 9), ("score", *pairs[0], "music", 0, 9)]
    columns = ["statistic", "model", "other_model", "category", "low", "high"]
    found = found_widths(study, pd.DataFrame(rows, columns=columns))
    assert found.stack().to_dict() == {("mean", "music"): pytest.approx(0.3)}


def test_the_large_study_has_the_smallest_scale_that_the_rule_allows():
    assert LARGE["mini_scale"]["train"] == LARGE["mini_scale"]["test"] == (scale := 7)
    assert by_category(of_scale(scale, scale)).max() <= WIDEST
    assert by_category(of_scale(scale - 1, scale - 1)).max() > WIDEST


def test_the_default_study_has_the_sizes_that_the_rule_asks_for():
    table = sizes(read_study(DEFAULT))
    assert by_category(table).max() <= 2 * WIDEST
    tested_apart = table[table["events"].notna() & (table["task"] != "maestro")]  # which has folds
    assert tested_apart["test_clips"].tolist() == [24]


def test_other_tasks_have_sizes_of_their_own():
    with pytest.raises(ConfigError, match="expected tasks_from: mini.*found study real"):
        sizes(read_study({"study": "real", "tasks_from": "hear2021"}))
