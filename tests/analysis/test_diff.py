"""Two studies compared: what moved, which verdicts changed, what differs in their origin."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.diff import compare, describe, main, read_study
from analysis.tables.scores import ScoresError

PROVENANCE = {
    "embedding": "tiny.scene.M",
    "checkpoints": {"tiny": 64 * "1"},
    "settings": {"tiny": {"precision": "float32"}},
    "features": {"tiny.scene.M": 64 * "2"},
    "task_hashes": {"esc50-v1": 64 * "3"},
    "threads": 1,
    "software": {"torch": "2.1", "mkl": "fast"},
    "protocol": {"esc50-v1": {"max_epochs": 10}},
    "chosen": {"esc50-v1": {"fold00": {"epoch": 3}}},
}
ESTIMATES = "statistic,model,other_model,category,task,estimate,low,high"


def write_study(
    folder: Path,
    scores: dict[str, tuple[float, str, str]],
    verdict: str = "holds",
    **made_by: object,
) -> Path:
    """A study of one task; ``scores`` are by model, with the ends of their intervals."""
    estimates = [
        f"score,{m},,general,esc50,{s},{low},{high}" for m, (s, low, high) in scores.items()
    ]
    tables = {
        "estimates": [ESTIMATES, *estimates],
        "summary": ["model,task,metric", *(f"{model},esc50,top1_acc" for model in scores)],
        "claims": ["claim_id,verdict", f"first,{verdict}", "second,undecided"],
    }
    folder.mkdir()
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join([*lines, ""]))
    for model in scores:
        path = folder / "scores" / model / "esc50.json"
        path.parent.mkdir(parents=True)
        document = {"task": "esc50", "probe": "mlp", "provenance": PROVENANCE | made_by}
        path.write_text(json.dumps(document))
    return folder


@pytest.fixture
def first(tmp_path: Path) -> Path:
    scores = {"same": (0.5, "0.4", "0.6"), "moved": (0.5, "0.4", "0.6"), "entry": (0.7, "", "")}
    return write_study(tmp_path / "a", scores)


def test_a_study_does_not_differ_from_itself(
    first: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(read_study(first), read_study(first)).empty
    assert main([str(first), str(first)]) == 0
    said = capsys.readouterr().out
    assert "3 equal, 0 moved" in said and "Provenance: no difference." in said


@pytest.mark.parametrize(
    "score, low, high, moved, status",
    [
        (0.6, "0.4", "0.6", "inside", 0),
        (0.601, "0.4", "0.6", "outside", 1),
        (0.39, "0.4", "0.6", "outside", 1),
    ],
)
def test_a_score_moves_by_more_than_the_interval_of_the_first(
    first: Path, tmp_path: Path, score: float, low: str, high: str, moved: str, status: int
) -> None:
    other = write_study(tmp_path / "b", {"moved": (score, "0", "1"), "new": (0.1, "0", "1")})
    (row,) = compare(read_study(first), read_study(other)).to_dict("records")
    assert (row["part"], row["what"], row["where"]) == ("score", "moved", "esc50")
    assert (row["a"], row["b"], row["low"], row["high"]) == (0.5, score, float(low), float(high))
    assert main([str(first), str(other)]) == status
    said = "\n".join(describe(read_study(first), read_study(other)))
    assert "1 in both" in said and "only in A: entry, same" in said and "only in B: new" in said
    assert f"{int(moved == 'inside')} moved inside" in said


def test_a_score_without_an_interval_moves_by_any_difference(first: Path, tmp_path: Path) -> None:
    other = write_study(tmp_path / "b", {"entry": (0.7001, "", "")})
    assert main([str(first), str(other)]) == 1


def test_scores_by_another_metric_are_not_compared(first: Path, tmp_path: Path) -> None:
    other = write_study(tmp_path / "b", {"same": (0.9, "0.8", "1")})
    summary = other / "summary.csv"
    summary.write_text(summary.read_text().replace("top1_acc", "mAP"))
    assert compare(read_study(first), read_study(other)).empty
    assert "different metrics: esc50" in "\n".join(describe(read_study(first), read_study(other)))


def test_a_changed_verdict_is_named_and_written(
    first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_study(tmp_path / "b", {"same": (0.5, "0.4", "0.6")}, "does not hold")
    assert main([str(first), str(other), "--csv", str(tmp_path / "diff.csv")]) == 1
    assert "first: holds -> does not hold" in capsys.readouterr().out
    (row,) = pd.read_csv(tmp_path / "diff.csv").to_dict("records")
    assert (row["part"], row["what"], row["a"], row["b"]) == (
        "claim", "first", "holds", "does not hold",
    )  # fmt: skip


@pytest.mark.parametrize(
    "key, value, expected",
    [
        ("checkpoints", {"tiny": 64 * "4"}, ("checkpoints", "tiny", 64 * "1", 64 * "4")),
        ("task_hashes", {"esc50-v1": "5"}, ("task_hashes", "esc50-v1", 64 * "3", "5")),
        ("features", {"tiny.scene.M": "6"}, ("features", "tiny.scene.M of esc50", 64 * "2", "6")),
        ("threads", 2, ("threads", "", "1", "2")),
        ("mkl_fast_path", True, ("mkl_fast_path", "", "absent", "True")),
        ("software", {"torch": "2.1", "mkl": "other"}, ("software.mkl", "", "fast", "other")),
        (
            "settings",
            {"tiny": {"precision": "bfloat16"}},
            ("settings.precision", "tiny", "float32", "bfloat16"),
        ),
        (
            "protocol",
            {"esc50-v1": {"max_epochs": 20}},
            ("protocol.max_epochs", "esc50-v1", "10", "20"),
        ),
    ],
)
def test_what_differs_in_the_origin_is_named(
    first: Path, tmp_path: Path, key: str, value: object, expected: tuple[str, ...]
) -> None:
    other = write_study(tmp_path / "b", {"same": (0.5, "0.4", "0.6")}, **{key: value})
    (row,) = compare(read_study(first), read_study(other)).to_dict("records")
    assert (row["part"], row["what"], row["where"], row["a"], row["b"]) == ("origin", *expected)
    assert any(expected[0] in line for line in describe(read_study(first), read_study(other)))


def test_a_checkpoint_of_one_study_alone_is_no_difference(first: Path, tmp_path: Path) -> None:
    both = {"tiny": 64 * "1", "more": 64 * "7"}
    other = write_study(tmp_path / "b", {"same": (0.5, "0.4", "0.6")}, checkpoints=both)
    assert compare(read_study(first), read_study(other)).empty


@pytest.mark.parametrize(
    "file, content, said",
    [
        ("", None, "b: expected the folder of a study"),
        ("claims.csv", None, "found no claims.csv"),
        ("estimates.csv", "a,b\n1,2\n", "estimates.csv: expected the columns statistic"),
        ("estimates.csv", "", "estimates.csv: expected a table"),
        (
            "estimates.csv",
            f"{ESTIMATES}\nscore,m,,general,esc50,x,0,1\n",
            "estimates.csv: expected a table",
        ),
        ("scores/same/esc50.json", "{", "esc50.json: expected a score file"),
        ("scores/same/esc50.json", "[" * 100_000, "esc50.json: expected a score file"),
        ("scores/same/esc50.json", "[]", "esc50.json: expected a score file"),
        ("scores/same/esc50.json", '{"task": "esc50"}', "esc50.json: expected a score file"),
    ],
)
def test_a_folder_that_is_no_study_is_refused(
    first: Path, tmp_path: Path, file: str, content: str | None, said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    other = tmp_path / "b"
    if file:
        write_study(other, {"same": (0.5, "0.4", "0.6")})
        (other / file).unlink() if content is None else (other / file).write_text(content)
    with pytest.raises(ScoresError, match=said):
        read_study(other)
    assert main([str(first), str(other)]) == 2
    assert said in capsys.readouterr().err
