"""Seconds and memory of starting: dry run, lint, rule graph, small study.

    .venv/bin/python -m benchmarks.start
    .venv/bin/python -m benchmarks.start --against path/to/another/checkout

Dry run, lint and rule graph of the default study, and the whole study of .test. Runs of two
checkouts alternate; the median counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from analysis.tables.scores import write_csv
from benchmarks.machine import origin

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "benchmarks" / "results" / "start.csv"
COMMANDS = {
    "dry run": ["-n", "-q", "all"],
    "dry run, config/paper.yaml": ["-n", "-q", "all", "--configfile", "config/paper.yaml"],
    "lint": ["--lint"],
    "rule graph of .test": ["-s", "workflow/Snakefile", "-d", ".test", "--forceall", "--rulegraph"],
}


# A program starts at the peak of what forked it, so that a small one has to.
LAUNCHER = """
import json, os, subprocess, sys, time
start = time.perf_counter()
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
_, status, usage = os.wait4(subprocess.Popen(sys.argv[1:], **quiet).pid, 0)
found = {"wall_s": time.perf_counter() - start, "cpu_s": usage.ru_utime + usage.ru_stime}
found |= {"peak_mib": usage.ru_maxrss / 1024, "status": os.waitstatus_to_exitcode(status)}
print(json.dumps(found))
"""


def run(checkout: Path, arguments: list[str]) -> dict[str, float]:
    """Wall and CPU seconds, largest resident memory in MiB, and exit status of one command."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    launched = [sys.executable, "-c", LAUNCHER, *command]
    return json.loads(
        subprocess.run(launched, cwd=checkout, check=True, capture_output=True).stdout
    )


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", type=Path, help="another checkout, for the same commands")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    checkouts = {"here": ROOT}
    if arguments.against is not None:
        checkouts["against"] = arguments.against
    rows = []
    for name, options in COMMANDS.items():
        runs = [
            {"checkout": key} | run(path, options)
            for _ in range(arguments.repeats)
            for key, path in checkouts.items()
        ]
        for key in checkouts:
            mine = [found for found in runs if found["checkout"] == key]
            rows.append(
                {"what": name, "checkout": key}
                | {
                    k: statistics.median(found[k] for found in mine)
                    for k in runs[0]
                    if k != "checkout"
                }
            )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config").symlink_to(ROOT / ".test" / "config")
        study = run(ROOT, ["-s", "workflow/Snakefile", "-d", folder])
    rows.append({"what": "study of .test, two cores", "checkout": "here"} | study)
    table = pd.DataFrame(rows).round({"wall_s": 1, "cpu_s": 1, "peak_mib": 0})
    write_csv(table.assign(**origin()), OUTPUT)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
