"""Where a study's minutes go: time at work by rule, and what is left of the cores' time."""

import os
from pathlib import Path

import pytest

from benchmarks.study_minutes import REST, minutes
from workflow.logs import FINISHED

START = "started 2026-01-01T00:00:{:02d}.000+00:00 on host\n"
EPOCH_S = 1767225600  # of that day


def write(path: Path, begin: int, end: int, last: str = FINISHED) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{START.format(begin)}working\n{last}\n")
    os.utime(path, (EPOCH_S + end,) * 2)


def test_work_is_summed_by_rule_and_the_rest_of_the_cores_time_has_a_row(tmp_path):
    write(tmp_path / "mini" / "embed" / "a.log", 0, 10)
    write(tmp_path / "mini" / "embed" / "b.log", 12, 20)
    write(tmp_path / "mini" / "report.log", 5, 9)
    (tmp_path / "mini" / "conda.log").write_text("another program's\n")
    rows, took = minutes(tmp_path, n_cores=2)
    assert took == 20
    assert rows["rule"].to_list() == ["embed", "report", REST]
    assert rows["jobs"].to_list() == [2, 1, 3]
    assert rows["work_s"].to_list() == [18, 4, 18]
    assert rows["share"].sum() == pytest.approx(1)


def test_a_run_that_is_not_finished_is_refused(tmp_path):
    write(tmp_path / "mini" / "embed" / "a.log", 0, 10, last="error")
    with pytest.raises(ValueError, match=r"a\.log: expected a finished job, found 'error'"):
        minutes(tmp_path, 2)
    with pytest.raises(ValueError, match="expected logs of jobs, found none"):
        minutes(tmp_path / "nothing", 2)
