"""Scores in other tools' formats: valid by their schema, honest names, and back without a loss."""

from __future__ import annotations

import json
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft7Validator
from score_rows import METRICS, tidy_row, tidy_table

from analysis.exhibits.text import FigureText
from analysis.formats.every_eval_ever import (
    SCHEMA,
    SCHEMA_VERSION,
    Origin,
    every_eval_ever_document,
    read_every_eval_ever,
)
from analysis.formats.mteb import mteb_document
from analysis.formats.results import results
from analysis.statistics.estimates import ESTIMATE_COLUMNS
from analysis.tables.leaderboard import LEADERBOARD_COLUMNS, LeaderboardError, leaderboard_table
from analysis.tables.normalize import normalize, summarize
from analysis.tables.scores import read_tidy, write_csv
from hear.files import json_value

TEXT = FigureText(
    study="test",
    label="Study test: 2 generated mini tasks",
    normalization="best model of this run",
    models={"a": "Model A", "b": "Model B"},
    tasks={"libricount": "generated mini LibriCount", "maestro": "generated mini MAESTRO"},
)
SOFTWARE = {"passt-hear": "0.2.0", "torch": "2.0"}
TASKS = {"libricount": {"sha256 of libricount-mini-full": "ab"}, "maestro": {}}
ORIGIN = Origin(SOFTWARE, TASKS, time_s=1_700_000_000)


def uncertain(model: str, task: str, estimate: float) -> dict:
    """A row of `estimates.csv`."""
    found = {"statistic": "score", "model": model, "task": task, "estimate": estimate}
    drawn = {"low": 0.25, "high": 0.75, "n_replicates": 1000, "n_clips": 40, "drawn": "sources"}
    return dict.fromkeys(ESTIMATE_COLUMNS) | found | drawn | {"source": "run"}


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Scores, summary and estimates: missing and infinite scores, no seed, a second probe."""
    rows = []
    for model in ("b", "a"):
        for fold, score in (("fold00", 1 / 3), ("fold01", 0.1 + 0.2)):
            rows.append(tidy_row(model, "libricount", score, fold=fold))
            other = {"metric": "d_prime", "primary": False, "fold": fold}
            infinite = np.inf if fold == "fold00" else -0.01
            rows.append(tidy_row(model, "libricount", infinite, **other))
        rows.append(tidy_row(model, "maestro", np.nan if model == "b" else 0.5, fold="fold00"))
        part = {"metric": "event_onset_50ms_fms.recall", "primary": False, "fold": "fold00"}
        rows.append(tidy_row(model, "maestro", 0.25, **part))
        rows.append(tidy_row(model, "libricount", 0.7, probe="knn", seed=pd.NA))
    rows.append(tidy_row("Entry", "libricount", 0.9, source="hear2021"))
    maxima = pd.Series({"libricount": 0.7, "maestro": 0.5})
    tidy = normalize(tidy_table(rows), maxima, METRICS)
    summary = summarize(tidy, METRICS)
    rows = [uncertain("a", "libricount", 0.3), uncertain("b", "libricount", 0.3)]
    return tidy, summary, pd.DataFrame(rows, columns=list(ESTIMATE_COLUMNS))


@pytest.fixture(scope="module")
def documents(tables) -> dict[str, dict]:
    """Documents by model, read again from JSON."""
    by_model = defaultdict(list)
    for result in results(*tables):
        by_model[result.model].append(result)
    return {
        model: json.loads(
            json.dumps(every_eval_ever_document(found, TEXT, METRICS, ORIGIN), allow_nan=False)
        )
        for model, found in by_model.items()
    }


def test_documents_are_valid_and_of_the_models_that_were_run(documents) -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft7Validator.check_schema(schema)
    assert schema["version"] == SCHEMA_VERSION and set(documents) == {"a", "b"}
    for document in documents.values():
        assert not [error.message for error in Draft7Validator(schema).iter_errors(document)]


def test_scores_come_back_byte_by_byte(documents, tables, tmp_path) -> None:
    run = tables[0][tables[0]["source"] == "run"]
    write_csv(run, tmp_path / "scores.csv")
    write_csv(read_every_eval_ever(documents.values()), tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "scores.csv").read_bytes()
    pd.testing.assert_frame_equal(
        read_every_eval_ever(documents.values()), read_tidy(tmp_path / "scores.csv")
    )


def test_a_result_has_its_mean_its_interval_and_the_metrics_facts(documents) -> None:
    found = {r["evaluation_result_id"]: r for r in documents["a"]["evaluation_results"]}
    primary = found["libricount/top1_acc/mlp/1"]
    assert primary["evaluation_name"] == "generated mini LibriCount"
    assert primary["source_data"]["dataset_name"] == "generated mini LibriCount"
    assert primary["score_details"]["score"] == pytest.approx((1 / 3 + 0.3) / 2)
    uncertainty = primary["score_details"]["uncertainty"]
    assert uncertainty["num_samples"] == 40 and uncertainty["num_bootstrap_samples"] == 1000
    interval = uncertainty["confidence_interval"]
    assert (interval["lower"], interval["upper"]) == (0.25, 0.75)
    assert interval["confidence_level"] == 0.95 and "sources" in interval["method"]
    assert primary["metric_config"]["max_score"] == 1.0
    other = found["libricount/top1_acc/knn/1"]  # the intervals are of the first probe
    assert other["score_details"]["score"] == 0.7 and "uncertainty" not in other["score_details"]
    recall = found["maestro/event_onset_50ms_fms.recall/mlp/1"]
    assert recall["metric_config"]["metric_name"].endswith(": recall")
    assert "libricount/d_prime/mlp/1" not in found  # infinite: the schema has no place for it


def test_a_result_in_mtebs_way_has_its_main_score_and_every_fold(tables) -> None:
    found = [r for r in results(*tables) if (r.model, r.task) == ("a", "libricount")]
    document = json_value(mteb_document(found, TEXT, "ab", SOFTWARE))
    assert document["task_name"] == "generated mini LibriCount"
    assert document["dataset_revision"] == "ab"
    first, second = document["scores"]["test"]
    assert first["main_score"] == first["top1_acc"] == pytest.approx((1 / 3 + 0.3) / 2)
    assert first["main_score_interval_95"] == [0.25, 0.75]
    assert first["d_prime"] == "inf" and first["hf_subset"] == "mlp"
    assert first["scores_per_experiment"][1] == {
        "fold": "fold01", "seed": 42, "top1_acc": 0.1 + 0.2, "d_prime": -0.01,
    }  # fmt: skip
    assert second["main_score"] == 0.7 and second["scores_per_experiment"][0]["seed"] is None


def test_the_leaderboards_columns_are_for_real_tasks_alone(tables) -> None:
    summary = tables[1][tables[1]["probe"] == "mlp"]
    generated = leaderboard_table(summary, TEXT.models, TEXT.tasks, real_tasks=())
    assert list(generated.columns) == ["Model", "URL", *TEXT.tasks.values()]
    assert list(generated["Model"]) == ["Model A", "Model B"]
    real = leaderboard_table(summary, TEXT.models, TEXT.tasks, real_tasks=("libricount", "maestro"))
    assert list(real.columns[2:]) == [LEADERBOARD_COLUMNS[task] for task in TASKS]
    with pytest.raises(LeaderboardError, match="another name than 'Libricount'"):
        leaderboard_table(summary, TEXT.models, {**TEXT.tasks, "libricount": "Libricount"}, ())
