"""A finished study is published as it is shown, with its command, machine and hashes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from workflow.commands.publish import LEFT_BEHIND, TABLES, publish
from workflow.study import exhibits, paths
from workflow.study.config import ConfigError
from workflow.study.study import Study, read_study

MADE = {"software": {"torch": "2.0"}, "checkpoints": {"mini_hop10": "abc"}}


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study with every file that it shows, and claims of two verdicts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("workflow.commands.publish.caption", lambda one, *_: f"About {one.id}.")
    study = read_study({"study": "small", "tasks": ["esc50"], "select_models": ["passt_mh_hop10"]})
    shown = [file for exhibit in exhibits.exhibits(study) for file in exhibit.page_files]
    drawn = [paths.replicates(study, one) for one in study.evaluations]
    names = [f"results/small/{name}" for name in (*TABLES, *LEFT_BEHIND, *shown)]
    for name in (*names, *drawn):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}\n")
    claims = "claim_id,verdict,p_holm,stands_for,not_above_baseline\n"
    claims += "a,holds at this seed,.01,,esc50\nb,undecided,.5,,\nc,undecided,.5,a,\n"
    (tmp_path / "results" / "small" / "claims.csv").write_text(claims)
    metrics = "metric,label,maximize,lower,upper,missing_score\naccuracy,Accuracy,True,0,1,\n"
    (tmp_path / "results" / "small" / "metrics.csv").write_text(metrics)
    for name in paths.scores(study):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        task = {"task_hashes": {"esc50-mini-full": "def"}}
        Path(name).write_text(json.dumps({"provenance": MADE | task}))
    log = tmp_path / "logs" / "small" / "embed" / "esc50.tsv"
    log.parent.mkdir(parents=True)
    log.write_text("s\tmax_rss\tcpu_time\n12.5\t300\t11\n")
    return study


def test_what_a_study_shows_is_published_with_its_origin(finished: Study, tmp_path: Path) -> None:
    destination = tmp_path / "docs" / "small"
    destination.mkdir(parents=True)
    (destination / "figure_of_last_year.svg").write_text("old")
    made = publish(finished, destination, "snakemake --cores 2 --config study=small")
    assert {*made} == {path for path in destination.rglob("*") if path.is_file()}
    assert not [path for path in made if path.suffix in (".pdf", ".png", ".html", ".npz")]
    index = (destination / "README.md").read_text()
    for said in (
        "--config study=small",
        "holds at this seed: 1",
        "undecided: 2",
        "1 of 1 decided verdicts rest at least in part on weak evidence",
        "1 of them",
        "12.5",
        "abc",
        "def",
        "2.0",
    ):
        assert said in index
    for exhibit in exhibits.exhibits(finished):
        assert all(f"({file})" in index for file in exhibit.page_files)
        assert f"About {exhibit.id}." in index
    sums = dict(
        reversed(line.split("  ")) for line in (destination / "SHA256SUMS").read_text().splitlines()
    )
    assert len(sums) == len(made) - 1
    for name, digest in sums.items():
        assert hashlib.sha256((destination / name).read_bytes()).hexdigest() == digest


def test_a_study_that_has_not_run_is_not_published(finished: Study, tmp_path: Path) -> None:
    (tmp_path / "results" / "small" / "report.html").unlink()
    with pytest.raises(ConfigError, match="found no results/small/report.html; run make"):
        publish(finished, tmp_path / "docs", "make")
    assert not (tmp_path / "docs").exists()
