"""Start of Snakemake, after removing the lock of a killed run.

Snakemake locks the folder while it runs and cannot remove the lock when it is killed. A second
lock, which the operating system releases when a process dies, shows whether the owner is alive. On
file systems without such locks, Snakemake's lock stays, and Snakemake says how to remove it.
"""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from workflow.logs import NEXT_STEPS

STATE = Path(".snakemake")
PATIENCE_S = 5.0  # chosen
LEAST_MIB = 16  # chosen; with less Snakemake itself may have failed, which says no more than that
WRITTEN = ("logs", "resources", "results")
DEPTH = 3  # of folders below these that are looked at: what a user may mount
GO_ON = (
    "The run stopped. Finished results are kept; the same command resumes. "
    "Errors are above, job logs in logs/"
)
ACTIVE = "another run is active in this folder; wait for it or stop it"
LAUNCHED = {"PASST_HEAR_LAUNCHED": "yes"}  # of Snakemake started here, which holds the lock
STATUS = "; `make status` shows the progress of a study"


def main(arguments: list[str]) -> None:
    """Run ``snakemake`` with ``arguments``, holding the lock until it ends or dies."""
    try:
        STATE.mkdir(exist_ok=True)
        lock = os.open(STATE / "launch.lock", os.O_CREAT | os.O_RDWR)
    except OSError as error:
        step = NEXT_STEPS.get(error.errno or 0, "remove the cause")
        sys.exit(f"make: {error}: {step}, then start again")
    is_held = _take(lock)
    os.set_inheritable(lock, True)
    snakemake = [sys.executable, "-m", "snakemake"]
    if is_held and any((STATE / "locks").glob("*")):
        print("make: removing the lock of a killed run", file=sys.stderr)
        unlock = [*snakemake, "--unlock", *arguments]
        subprocess.run(unlock, capture_output=True, env=os.environ | LAUNCHED)
    sys.exit(_run([*snakemake, *arguments]))


def go_on() -> str:
    """Text on how to resume a stopped run, and whether the disk is full or memory limited."""
    is_clone = Path("workflow/commands/status.py").is_file()
    said = [GO_ON + STATUS * is_clone + "."]
    free_mib = shutil.disk_usage(".").free // 2**20
    if free_mib < LEAST_MIB:
        said.append(f"{Path.cwd()}: {free_mib} MiB are free; free some space first.")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        said.append(
            f"Processes are limited to {limit // 2**20} MiB of address space (ulimit -v); a job "
            "that ends by a signal may need more memory."
        )
    return " ".join(said)


def hold() -> int | None:
    """Keep Snakemake's lock from being removed during a run that `main` did not start.

    The lock is shared with other such runs until the process ends; None if ``main`` holds it, or on
    a file system without locks. With ``--unlock``, ValueError if a run is alive.
    """
    is_unlocking = "--unlock" in sys.argv
    with suppress(OSError):
        STATE.mkdir(exist_ok=True)
        lock = os.open(STATE / "launch.lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, (fcntl.LOCK_EX if is_unlocking else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            return lock
        except OSError as error:
            os.close(lock)
            if is_unlocking and isinstance(error, BlockingIOError) and not _is_launched():
                raise ValueError(f"--unlock: {ACTIVE}") from None
    return None


def _is_launched() -> bool:
    return LAUNCHED.items() <= os.environ.items()


def _take(lock: int) -> bool:
    """Take the lock or exit; a process that was just killed may hold it for a moment.

    Returns False if the file system has no locks.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > end:
                sys.exit(f"make: {ACTIVE}")
            time.sleep(0.1)
        except OSError as error:
            print(f"make: continuing without a lock of this folder ({error})", file=sys.stderr)
            return False


def _run(command: list[str]) -> int:
    """Run a command, which handles signals itself; return its exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the command inherits it
    process = subprocess.Popen(command, close_fds=False, env=os.environ | LAUNCHED)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both
    signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
    code = process.wait()
    if code and (folder := _read_only()):
        print(f"make: {folder} is read-only: make it writable, then start again", file=sys.stderr)
    if code >= 0:
        return code
    print(f"make: ended by {signal.Signals(-code).name}. {go_on()}", file=sys.stderr)
    return 128 - code


def _read_only() -> str | None:
    """First folder of a run that cannot be written to; Snakemake's error gives no advice."""
    for place in WRITTEN:
        for folder, names, _ in os.walk(place):
            if not os.access(folder, os.W_OK):
                return folder
            if folder.count(os.sep) >= DEPTH:
                names.clear()
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
