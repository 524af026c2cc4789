"""Time per rule from benchmark files, and the machine in words."""

from __future__ import annotations

from pathlib import Path

from workflow.machine import machine, machine_name
from workflow.stages import STAGE_COLUMNS, read_stages

HEAD = "s\th:m:s\tmax_rss\tcpu_time\n"


def test_jobs_are_summed_by_rule(tmp_path: Path) -> None:
    (tmp_path / "mine" / "embed").mkdir(parents=True)
    (tmp_path / "mine" / "embed" / "a.tsv").write_text(HEAD + "10.0\t0:00:10\t300.0\t9.5\n")
    (tmp_path / "mine" / "embed" / "b.tsv").write_text(HEAD + "2.5\t0:00:02\tNA\tNA\n")
    (tmp_path / "mine" / "measure.tsv").write_text(HEAD + "20.0\t0:00:20\t500.0\t15.0\n")
    stages = read_stages([str(tmp_path / "mine"), str(tmp_path / "mine"), str(tmp_path / "none")])
    assert stages.columns.tolist() == STAGE_COLUMNS
    assert stages.to_numpy().tolist() == [
        ["measure", 1, 20.0, 15.0, 500.0],
        ["embed", 2, 12.5, 9.5, 300.0],
    ]


def test_no_benchmarks_no_rows(tmp_path: Path) -> None:
    assert read_stages([str(tmp_path)]).empty


def test_machine_is_described() -> None:
    assert all(machine().values()) and "GiB" in machine()["memory"]
    assert machine_name() == f"{machine()['processor']} x{machine()['logical CPUs']}"
