"""What a job says of a full disk and of short memory, and a job that is at work already."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from threading import Thread

import pytest

from workflow.logs import logged, read_log

FULL = Path("/dev/full")  # Linux: every write finds no space
TORCH = "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: 9 bytes"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.npy"), "'a.npy': free some space"),
        (OSError(errno.EROFS, "Read-only file system", "a.npy"), "'a.npy': make it writable"),
        (MemoryError(), "out of memory (MemoryError): give the job more"),
        (RuntimeError(TORCH), "out of memory ([enforce fail"),
    ],
    ids=["full", "read-only", "Python's memory", "torch's memory"],
)
def test_the_next_step_is_said_in_one_line(error, said, tmp_path, capsys):
    with pytest.raises(SystemExit), logged(str(tmp_path / "a.log")):
        raise error
    assert said in capsys.readouterr().err
    assert type(error).__name__ in (tmp_path / "a.log").read_text()


@pytest.mark.parametrize("status", [0, 3])
def test_code_that_ends_the_process_fails_the_job(status, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended, logged(str(tmp_path / "a.log")):
        raise SystemExit(status)
    assert ended.value.code == 1
    assert f"ended this process, by SystemExit({status})" in capsys.readouterr().err
    assert not read_log(tmp_path / "a.log").is_finished


def test_inputs_of_the_future_are_of_now_when_a_job_starts(tmp_path, capsys):
    future, past = tmp_path / "future", tmp_path / "past"
    for path, shift_s in ((future, 1e6), (past, -1e6)):
        path.touch()
        os.utime(path, 2 * (time.time() + shift_s,))
    before_s = past.stat().st_mtime
    with logged(str(tmp_path / "a.log"), [str(future), str(past), str(tmp_path / "none")]):
        assert future.stat().st_mtime <= time.time() and past.stat().st_mtime == before_s
    said = capsys.readouterr().err
    assert said == f"{future}: modified in the future; the time is set to now\n"


WARN = """
import warnings
from workflow.logs import logged
with logged("a.log"):
    warnings.warn("no training example of 21")
    warnings.warn("odd code", RuntimeWarning)
"""


def test_warnings_are_as_before_after_the_block(tmp_path):
    before = warnings.formatwarning
    with logged(str(tmp_path / "a.log")):
        assert warnings.formatwarning is not before
    assert warnings.formatwarning is before


def test_a_warning_to_the_user_is_one_line_without_code(tmp_path):
    environment = os.environ | {"PYTHONPATH": os.getcwd()}  # pytest takes warnings itself
    done = subprocess.run(
        [sys.executable, "-c", WARN],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stderr.splitlines()[:2]
    assert first == "warning: no training example of 21"
    assert second.endswith("RuntimeWarning: odd code")
    assert first in (tmp_path / "a.log").read_text()


def test_an_interrupted_job_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit), logged(str(tmp_path / "a.log")):
        raise KeyboardInterrupt
    assert capsys.readouterr().err.splitlines()[1].startswith("interrupted (traceback in")
    assert "KeyboardInterrupt" in (tmp_path / "a.log").read_text()


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_log_on_a_full_disk_stops_no_job(tmp_path, capsys):
    (tmp_path / "a.log").symlink_to(FULL)
    with logged(str(tmp_path / "a.log")):
        print("at work", file=sys.stderr)
    with pytest.raises(SystemExit), logged(str(tmp_path / "a.log")):
        raise ValueError("clip 7")
    said = capsys.readouterr().err
    assert "at work\n" in said and "error: clip 7\n" in said


def test_a_job_waits_for_the_process_that_is_at_work_on_it(tmp_path, capsys):
    path, ended = tmp_path / "a.log", []
    path.write_text("of an earlier run\n")
    held = os.open(path, os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)

    def job() -> None:
        with logged(str(path)):
            ended.append(True)

    thread = Thread(target=job)
    thread.start()
    said = ""
    end = time.monotonic() + 10
    while "waiting" not in said and time.monotonic() < end:
        said += capsys.readouterr().err
        time.sleep(0.01)
    assert f"{path}: waiting" in said
    assert not ended and path.read_text() == "of an earlier run\n"
    os.close(held)
    thread.join(10)
    assert ended and read_log(path).is_finished
