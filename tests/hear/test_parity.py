"""Parity with heareval: the committed table, and part of it run again."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.parity_summary import summaries, summarize
from benchmarks.probe_parity import CASES, RESULTS, SUMMARIES, arguments_of, score_of
from hear.probe.search import train_and_predict

ROWS = pd.read_csv(RESULTS / "probe_parity.csv")


def test_every_case_was_run_with_every_evaluator_and_eight_seeds():
    for case in CASES:
        counts = ROWS[ROWS.case == case].groupby(["mkl_path", "program"]).seed.nunique()
        assert counts["slow"].to_dict() == {"native": 8, "heareval": 8, "stacked": 8}
        assert counts["fast"].to_dict() == {"native": 1, "heareval": 1}


@pytest.mark.parametrize("path", ["fast", "slow"])
def test_equal_seeds_gave_equal_scores_choices_and_bytes(path):
    everything = summarize(ROWS[ROWS.mkl_path == path]).set_index("case").loc["all"]
    assert everything.n_common_seeds > 0
    assert everything.n_equal_scores == everything.n_equal_choices == everything.n_common_seeds
    assert everything.n_equal_bytes == everything.n_hashed > 0
    assert path == "fast" or everything.p > 0.01  # one seed has no spread


def test_stacked_probes_score_as_heareval_does():
    everything = summarize(ROWS[ROWS.mkl_path == "slow"], "stacked").set_index("case").loc["all"]
    assert everything.n_stacked == everything.n_heareval == 8 * len(CASES)
    assert everything.p > 0.01


@pytest.mark.parametrize("program", SUMMARIES)
def test_the_summary_follows_from_the_rows(program):
    committed = pd.read_csv(RESULTS / SUMMARIES[program])
    pd.testing.assert_frame_equal(summaries(ROWS, program), committed, check_dtype=False)


def test_a_difference_would_be_seen():
    rows = pd.DataFrame(
        [
            {"case": case, "program": program, "seed": seed, "score": seed / 100 + shift}
            | {"point": "p", "epoch": 1, "postprocessing": None}
            | {"search_sha256": shift, "predictions_sha256": "x"}
            for case in ("a", "b")
            for program, shift in (("native", 0.1), ("heareval", 0.0))
            for seed in range(8)
        ]
    )
    summary = summarize(rows).set_index("case")
    assert summary.difference["a"] == pytest.approx(0.1) and summary.low["a"] > 0
    assert summary.p["all"] < 1e-4
    assert summary.n_equal_scores["all"] == 0 and summary.n_equal_choices["all"] == 16
    assert summary.n_hashed["all"] == 16 and summary.n_equal_bytes["all"] == 0


@pytest.mark.slow
def test_one_case_again():
    """Another CPU may round differently: the choices are the same, the score nearly so."""
    of_heareval = ROWS[(ROWS.case == "binary") & (ROWS.program == "heareval")]
    expected = of_heareval[(of_heareval.seed == 44) & (of_heareval.mkl_path == "slow")].iloc[0]
    data, protocol = arguments_of("binary")
    result = train_and_predict(data, protocol, seed=44)
    chosen = result.folds[0].chosen
    assert "/".join(map(str, chosen.point)) == expected.point and chosen.epoch == expected.epoch
    assert score_of(data, result) == pytest.approx(expected.score, abs=0.015)
