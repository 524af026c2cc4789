"""The benchmark of coverage: every case runs, and the committed table has every case."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.coverage import RESULTS, rows, run_case


def test_every_case_runs_and_is_in_the_committed_table() -> None:
    committed = pd.read_csv(RESULTS / "coverage.csv")
    found = pd.DataFrame(
        row for seed, case in enumerate(rows()) for row in run_case(*case, 2, seed)
    )
    assert list(found.columns) == list(committed.columns)
    keys = ["number", "setting", "truth"]
    assert (found[keys] == committed[keys]).all(axis=None)
    assert found["width"].gt(0).all() and np.isfinite(found["coverage"]).all()


def test_intervals_cover_but_for_the_cases_that_the_docs_name() -> None:
    committed = pd.read_csv(RESULTS / "coverage.csv")
    short = committed[committed["coverage"] < 92.5]  # two standard errors below 94
    named = ["p 0.95", "1 probe seeds", "7 tasks of 100 clips, equal", "hard"]  # docs/statistics.md
    assert len(short) == len(named)
    for words in named:
        assert short["setting"].str.contains(words).sum() == 1, words
