"""Start Snakemake, clearing the lock that a killed run left behind.

Snakemake locks the folder while it runs and cannot remove the lock when it is killed. Whether its
owner is still alive is known from a second lock, which the operating system releases on death.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

STATE = Path(".snakemake")


def main(arguments: list[str]) -> None:
    """Become ``snakemake`` with ``arguments``, holding the lock until it ends or dies."""
    STATE.mkdir(exist_ok=True)
    lock = os.open(STATE / "launch.lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("make: another run is at work in this folder; wait for it or stop it")
    os.set_inheritable(lock, True)
    snakemake = [sys.executable, "-m", "snakemake"]
    if any((STATE / "locks").glob("*")):
        print("make: clearing the lock of a run that was killed", file=sys.stderr)
        subprocess.run([*snakemake, "--unlock"], check=True, capture_output=True)
    os.execv(sys.executable, [*snakemake, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
