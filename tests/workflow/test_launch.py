"""The start of a run: its lock, the lock of a killed run, and a file system without locks."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from passt.download import locked
from workflow.commands import launch


@pytest.fixture
def started(tmp_path, monkeypatch) -> list[list[str]]:
    """What is started in an empty folder; nothing is."""
    commands: list[list[str]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "_run", lambda command: commands.append(command[3:]) or 3)

    def run(command, **options):
        commands.append(command[3:])

    monkeypatch.setattr(launch.subprocess, "run", run)
    return commands


@pytest.fixture
def no_locks(monkeypatch) -> None:
    """As on a file system of a cluster that has none."""

    def refuse(file, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


def leave_lock() -> None:
    Path(".snakemake/locks").mkdir(parents=True)
    Path(".snakemake/locks/0.input.lock").touch()


def start(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        launch.main(list(arguments))
    assert ended.value.code == 3  # Snakemake's


def test_the_lock_of_a_killed_run_is_cleared(started, capsys):
    leave_lock()
    start("--cores", "1")
    assert started == [["--unlock", "--cores", "1"], ["--cores", "1"]]
    assert capsys.readouterr().err == "make: removing the lock of a killed run\n"


def test_without_locks_a_run_goes_on_and_clears_nothing(started, no_locks, capsys):
    leave_lock()
    start("-n")
    assert started == [["-n"]]
    said = capsys.readouterr().err
    assert said.startswith("make: continuing without a lock of this folder ([Errno 37]")
    assert said.count("\n") == 1


def test_without_locks_a_download_goes_on(no_locks, tmp_path, capsys):
    with locked(tmp_path / "a.lock", "waiting"):
        pass
    assert "a.lock: continuing without a lock ([Errno 37]" in capsys.readouterr().err


def test_no_lock_is_cleared_beside_a_run_of_another_start(started, monkeypatch):
    monkeypatch.setattr(launch, "PATIENCE_S", 0.0)
    leave_lock()
    held = launch.hold()
    with pytest.raises(SystemExit, match="another run is active"):
        launch.main(["--cores", "1"])
    assert not started
    os.close(held)
    start("--cores", "1")


def test_a_run_that_is_alive_is_not_unlocked(started, monkeypatch):
    held = launch.hold()
    monkeypatch.setattr(sys, "argv", ["snakemake", "--unlock"])
    with pytest.raises(ValueError, match="--unlock: another run is active"):
        launch.hold()
    for name, value in launch.LAUNCHED.items():
        monkeypatch.setenv(name, value)
    assert launch.hold() is None  # of `make`, which knows that the run was killed
    for name in launch.LAUNCHED:
        monkeypatch.delenv(name)
    os.close(held)
    os.close(launch.hold())


def test_what_make_starts_holds_no_second_lock(started):
    start("-n")  # the lock is this process's now, as a run's
    assert launch.hold() is None


@pytest.mark.parametrize("is_full", [True, False])
def test_a_run_that_stopped_on_a_full_disk_says_so(is_full, monkeypatch):
    free = 2**20 if is_full else 2**40
    monkeypatch.setattr(launch.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    said = launch.go_on()
    assert "the same command resumes" in said
    assert ("1 MiB are free; free some space first" in said) == is_full


@pytest.mark.parametrize("limit", [500 * 2**20, launch.resource.RLIM_INFINITY])
def test_a_run_that_stopped_under_a_limit_of_memory_says_so(limit, monkeypatch):
    monkeypatch.setattr(launch.resource, "getrlimit", lambda which: (limit, limit))
    said = launch.go_on()
    assert ("limited to 500 MiB of address space" in said) == (limit > 0)


@pytest.fixture
def handlers() -> Iterator[None]:
    """What becomes of signals is as before, after the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_run_that_a_signal_ends_says_how_to_go_on(handlers, capsys):
    kills_itself = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert launch._run([sys.executable, "-c", kills_itself]) == 128 + signal.SIGTERM
    said = capsys.readouterr().err
    assert said.startswith("make: ended by SIGTERM.") and "the same command resumes" in said


@pytest.mark.parametrize("code", [0, 1])
def test_a_run_that_failed_names_a_read_only_folder(handlers, capsys, tmp_path, monkeypatch, code):
    (tmp_path / "results/mine/features").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    is_writable = os.access
    monkeypatch.setattr(
        launch.os, "access", lambda path, mode: "features" not in path and is_writable(path, mode)
    )
    assert launch._run([sys.executable, "-c", f"raise SystemExit({code})"]) == code
    said = "make: results/mine/features is read-only: make it writable, then start again\n"
    assert capsys.readouterr().err == (said if code else "")


def test_a_folder_that_takes_no_lock_is_named(tmp_path, monkeypatch):
    def refuse(path, flags):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch.os, "open", refuse)
    with pytest.raises(SystemExit, match="launch.lock.*: make it writable, then start again"):
        launch.main([])
