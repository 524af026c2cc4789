"""Score files: what is read, what is refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.report.trace import read_trace
from analysis.tables.metrics import find_metric, metric_facts, metrics_table, read_metrics
from analysis.tables.score_files import read_scores
from analysis.tables.scores import TIDY_COLUMNS, ScoresError, combine, read_tidy, write_csv
from hear.metrics.registry import METRICS

ENTRY = {"metric": "top1_acc", "primary": True, "fold": "f0", "seed": 1}
HEAD = "metric,label,maximize,lower,upper,missing_score"
FACTS = METRICS["top1_acc"].facts()
SECOND = {"metric": "mAP", "primary": False, "fold": "f0", "seed": 1}


def test_columns_and_rows(score_file: Callable[..., Path]) -> None:
    tidy, metrics = read_scores([score_file()])
    assert tuple(tidy.columns) == TIDY_COLUMNS
    assert tidy["score"].tolist() == [0.5, 1.0]
    assert tidy["normalized_score"].isna().all()
    assert set(tidy["source"]) == {"run"}
    assert metrics["d_prime"].label == "d′" and metrics["d_prime"].upper == float("inf")


def test_order_of_files_does_not_matter(score_file: Callable[..., Path]) -> None:
    paths = [score_file("a.json"), score_file("b.json", model="n")]
    one, other = read_scores(paths), read_scores(paths[::-1])
    pd.testing.assert_frame_equal(one[0], other[0])
    assert one[1] == other[1]


@pytest.mark.parametrize("score", [None, float("nan")])
def test_no_score_stays_missing(score_file: Callable[..., Path], score: float | None) -> None:
    assert read_scores([score_file(scores=[ENTRY | {"score": score}])])[0]["score"].isna().all()


@pytest.mark.parametrize("primary", [True, False])
def test_infinity_is_a_score(score_file: Callable[..., Path], primary: bool) -> None:
    first, second = (1.0, "inf") if primary else ("inf", 1.0)
    scores = [ENTRY | {"score": first}, SECOND | {"metric": "d_prime", "score": second}]
    assert max(read_scores([score_file(scores=scores)])[0]["score"]) == float("inf")


def test_csv_round_trip(
    tmp_path: Path, run_tidy: pd.DataFrame, official: tuple[pd.DataFrame, pd.Series]
) -> None:
    both = combine(run_tidy, official[0])
    write_csv(both, tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(read_tidy(tmp_path / "scores.csv"), both, check_dtype=False)
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_official_rows_only_for_the_tasks_of_the_run(
    run_tidy: pd.DataFrame, official: tuple[pd.DataFrame, pd.Series]
) -> None:
    assert set(combine(run_tidy, official[0])["task"]) == set(run_tidy["task"])


def test_official_rows_never_beside_other_tasks(
    run_tidy: pd.DataFrame, official: tuple[pd.DataFrame, pd.Series]
) -> None:
    with pytest.raises(ScoresError, match="found .'drums'"):
        combine(run_tidy.assign(task="drums"), official[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": ""}, "model: expected a text, found ''"),
        ({"task": 3}, "task: expected a text, found 3"),
        ({"scores": []}, "scores: expected a list of scores, found"),
        ({"scores": [{"metric": "mAP"}]}, r"scores\[0\]: expected the keys metric, primary"),
        ({"scores": [ENTRY | {"score": "0.5"}]}, r"scores\[0\].score: expected a finite number"),
        ({"scores": [ENTRY | {"score": float("inf")}]}, "found inf"),
        ({"scores": [ENTRY | {"score": 10**400}]}, "expected a finite number"),
        ({"scores": [ENTRY | {"score": 1, "seed": 10**30}]}, "seed: expected a whole number"),
        (
            {"scores": [ENTRY | {"score": 1, "seed": s} for s in (None, 1)] * 2},
            "expected one score per metric, fold and seed",
        ),
        ({"train_fraction": True}, r"train_fraction: expected a share in \(0, 1\], found True"),
        ({"label": "\ud800"}, "expected a JSON score file"),
        ({"scores": [ENTRY | {"score": 1, "fold": ""}]}, "fold: expected a text, found ''"),
        ({"scores": [ENTRY | {"score": 1, "seed": "a"}]}, "seed: expected a whole number"),
        ({"scores": [ENTRY | {"score": 1, "primary": 1}]}, "primary: expected true or false"),
        ({"metrics": None}, "metrics: expected facts by metric, found None"),
        ({"metrics": {}}, "metrics: expected facts of top1_acc, found none"),
        ({"metrics": {"top1_acc": FACTS | {"maximize": False}}}, "to be maximized"),
        ({"metrics": {"top1_acc": {"label": "A"}}}, "top1_acc: expected the keys label, maximize"),
        ({"metrics": {"top1_acc": FACTS | {"label": ""}}}, "label: expected a text, found ''"),
        ({"metrics": {"top1_acc": FACTS | {"maximize": 1}}}, "maximize: expected true or false"),
        ({"metrics": {"top1_acc": FACTS | {"upper": "one"}}}, "expected numbers, found"),
        ({"metrics": {"top1_acc": FACTS | {"upper": 10**400}}}, "expected numbers, found"),
        ({"metrics": {"top1_acc": FACTS | {"upper": 0}}}, "expected lower < upper"),
        ({"scores": [SECOND | {"score": 1}]}, "expected one primary metric, found"),
        ({"scores": [ENTRY | {"score": 1}] * 2}, "expected one score per metric, fold and seed"),
        (
            {"scores": [ENTRY | {"score": 1}, ENTRY | {"score": 1, "fold": "f1", "seed": 2}]},
            "expected every fold with every seed",
        ),
    ],
)
def test_malformed_file(
    score_file: Callable[..., Path], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ScoresError, match=message) as error:
        read_scores([score_file("bad.json", **changes)])
    assert "bad.json" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "expected .'m', 'esc50', 'mlp', 1.0. once"),
        ({"study": "other", "model": "n"}, "study: expected 'test'"),
        ({"metrics": {"top1_acc": FACTS | {"label": "B"}}, "model": "n"}, "'Accuracy'.*a.json"),
        ({"category": "music", "model": "n"}, "category of esc50: expected 'general'"),
        ({"scores": [ENTRY | {"score": 1}], "model": "n"}, "folds of esc50: expected"),
    ],
)
def test_contradicting_files(
    score_file: Callable[..., Path], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ScoresError, match=message):
        read_scores([score_file("a.json"), score_file("b.json", **changes)])


@pytest.mark.parametrize("content", ['{"study": "te', "[" * 100_000, "9" * 5_000, "\xe9"])
def test_not_json(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cut.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(ScoresError, match="cut.json: expected a JSON score file"):
        read_scores([path])


@pytest.mark.parametrize(
    "provenance", [None, {"checkpoints": 1}, {"software": {"a": 1}}, {"task_hashes": {"a": []}}]
)
def test_malformed_provenance(score_file: Callable[..., Path], provenance: object) -> None:
    with pytest.raises(ScoresError, match="a.json: provenance"):
        read_trace([score_file(provenance=provenance)])


def test_no_files() -> None:
    with pytest.raises(ScoresError, match="at least one score file"):
        read_scores([])


def test_tidy_with_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("study,model\na,b\n")
    with pytest.raises(ScoresError, match="expected the columns study, model, task"):
        read_tidy(path)


def test_facts_of_metrics_are_written_and_read_back(tmp_path: Path) -> None:
    metrics = {slug: metric_facts(slug, m.facts(), "hear") for slug, m in METRICS.items()}
    write_csv(metrics_table(metrics), tmp_path / "metrics.csv")
    assert read_metrics(tmp_path / "metrics.csv") == metrics
    assert find_metric(metrics, "mAP").label == "Mean average precision"
    with pytest.raises(ScoresError, match="metric 'map': expected one of aucroc, "):
        find_metric(metrics, "map")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["metric,label"], "expected the columns metric, label, maximize"),
        (
            [HEAD, "a,A,True,0,1,", "a,A,True,0,1,"],
            "expected every metric once; found .'a'",
        ),
        ([HEAD, "a,A,True,1,0,"], "a: expected lower < upper"),
        ([HEAD, "a,A,yes,0,1,"], "a: maximize: expected true or false"),
    ],
)
def test_a_malformed_table_of_metrics(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ScoresError, match=f"metrics.csv: {message}"):
        read_metrics(path)
