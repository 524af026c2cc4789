"""Deviations at another precision: one summary per study, from the rows that are kept beside it."""

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
    {"study": "b", "quantity": "score", "task": "x", "difference": 0.3, "low": 0.2, "high": 0.4},
]


def test_a_summary_counts_scores_apart_and_names_the_largest_differences():
    rows = pd.DataFrame([row | {"machine": "m", "versions": "v"} for row in ROWS])
    first, second = summarize(rows).to_dict("records")
    assert (first["study"], first["n_tasks"], first["n_scores"]) == ("a", 2, 3)
    assert (first["n_equal"], first["n_apart"]) == (1, 1)
    assert float(first["mean_difference"]) == pytest.approx(-0.1 / 3, abs=1e-4)
    assert float(first["largest_difference"]) == 0.2
    assert float(first["largest_in_M"]) == 4e-3
    assert float(first["largest_in_H"]) == 2e-2
    assert (second["study"], second["n_scores"], second["n_apart"]) == ("b", 1, 1)


def test_the_published_summary_is_that_of_the_published_rows():
    published = pd.read_csv(OUTPUT.with_stem(f"{OUTPUT.stem}_summary"), dtype=str)
    made = summarize(pd.read_csv(OUTPUT)).astype(str)
    pd.testing.assert_frame_equal(made, published.astype(made.dtypes))
