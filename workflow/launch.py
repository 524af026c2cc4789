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


def main(arguments: list[str]) -> int:
    """Run ``snakemake`` with ``arguments`` and return its exit status."""
    STATE.mkdir(exist_ok=True)
    with open(STATE / "launch.lock", "w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = "make: another make is running in this folder; wait for it or stop it"
            print(message, file=sys.stderr)
            return 1
        snakemake = [sys.executable, "-m", "snakemake"]
        if any((STATE / "locks").glob("*")):
            print("make: clearing the lock of a run that was killed", file=sys.stderr)
            subprocess.run([*snakemake, "--unlock"], check=True, capture_output=True)
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        return subprocess.run([*snakemake, *arguments], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
