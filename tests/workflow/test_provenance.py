"""What stands in the provenance of a result."""

import re

from hear.scores.files import untrained
from workflow.provenance import score_file, software


def test_the_commit_is_unknown_where_git_is_not_installed(monkeypatch, tmp_path):
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?|unknown", software()["commit"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert software()["commit"] == "unknown"


def header(**scores: float | str | None) -> dict:
    folds = [{"name": n, "chosen": {"validation_score": score}} for n, score in scores.items()]
    folder = {"name": "tones-v1-full", "protocol": {}, "folds": folds}
    return {"folders": [folder], "provenance": {}}


def test_score_files_list_the_folds_whose_training_stopped_at_once():
    whole = score_file({}, [], header(fold0=0.5, fold1=0.0))
    assert "untrained_folds" not in whole
    part = score_file({}, [], header(fold0=0.5, fold1="-inf", fold2=float("-inf"), fold3=None))
    assert part["untrained_folds"] == ["fold1", "fold2", "fold3"]
    assert untrained(header(fold0=0.5, fold1=None)).startswith("fold1: training stopped at")
    assert untrained(header(fold0=0.5)) == ""
    several = header(fold0=None)
    several["folders"].append(several["folders"][0] | {"name": "other-v1-full"})
    both = ["tones-v1-full/fold0", "other-v1-full/fold0"]
    assert score_file({}, [], several)["untrained_folds"] == both
