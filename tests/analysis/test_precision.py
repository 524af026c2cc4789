"""Deviations at another precision: one summary per study, from the rows that are kept beside it."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.precision import OUTPUT, summarize

ROWS = [
    {"study": "a", "quantity": "embeddings", "of": "net, scene, M", "difference": 1e-3},
    {"study": "a", "quantity": "embeddings", "of": "net, rf160, M", "difference": 4e-3},
    {"study": "a", "quantity": "embeddings", "of": "net, scene, H", "difference": 2e-2},
    {"study": "a", "quantity": "score", "task": "x", "difference": 0.0, "low": -0.1, "high": 0.1},
    {"study": "a", "quantity": "score", "task": "x", "difference": -0.2, "low": -0.3, "high": -0.1},
    {"study": "a", "quantity": "score", "task": "y", "difference": 0.1, "low": 0.0, "high": 0.2},
    {
        "study": "a",
        "change": "d",
        "quantity": "score",
        "task": "x",
        "difference": 0.1,
        "low": -0.1,
        "high": 0.3,
        "seed_sd": 0.03,
    },
    {
        "study": "a",
        "change": "d",
        "quantity": "score",
        "task": "y",
        "difference": -0.1,
        "low": -0.3,
        "high": 0.1,
        "seed_sd": 0.04,
    },
    {"study": "b", "quantity": "score", "task": "x", "difference": 0.3, "low": 0.2, "high": 0.4},
]


def test_a_summary_counts_scores_apart_and_names_the_largest_differences():
    facts = {"change": "c", "seed_sd": np.nan, "machine": "m", "versions": "v"}
    rows = pd.DataFrame([facts | row for row in ROWS])
    first, changed, second = summarize(rows).to_dict("records")
    assert (changed["study"], changed["change"], changed["n_apart"]) == ("a", "d", 0)
    assert float(changed["seed_sd"]) == pytest.approx((0.0025 / 2) ** 0.5, abs=1e-4)
    assert float(changed["sd"]) == pytest.approx(0.1 * 2**0.5, abs=1e-4)
    assert first["seed_sd"] == ""
    assert (first["study"], first["n_tasks"], first["n_scores"]) == ("a", 2, 3)
    assert (first["n_equal"], first["n_apart"]) == (1, 1)
    assert float(first["mean_difference"]) == pytest.approx(-0.1 / 3, abs=1e-4)
    assert float(first["largest_difference"]) == 0.2
    assert float(first["largest_in_M"]) == 4e-3
    assert float(first["largest_in_H"]) == 2e-2
    assert (second["study"], second["n_scores"], second["n_apart"]) == ("b", 1, 1)


def test_the_published_summary_is_that_of_the_published_rows():
    path = OUTPUT.with_stem(f"{OUTPUT.stem}_summary")
    published = pd.read_csv(path, dtype=str, keep_default_na=False)
    made = summarize(pd.read_csv(OUTPUT)).astype(str)
    pd.testing.assert_frame_equal(made, published.astype(made.dtypes))
