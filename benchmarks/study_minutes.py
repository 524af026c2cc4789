"""Where the minutes of a study go: its rules, and the starts of their jobs.

    make                                          on a fresh clone, with nothing else running
    make ARGS="--config mkl_fast_path=false"      on another one
    .venv/bin/python -m benchmarks.study_minutes --slow OTHER/logs

Writes ``benchmarks/results/study_minutes.csv``, one row per rule: jobs, seconds at work, summed
over jobs, and their share of all cores' time; with ``--slow`` also the seconds of the run in which
MKL kept its slow path. A job is at work from the end of its imports on (its log's first line); what
is left of the cores' time is starts, imports, Snakemake, and waiting.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from analysis.tables.scores import write_csv
from benchmarks.machine import origin
from workflow.logs import read_log

OUTPUT = Path(__file__).parent / "results" / "study_minutes.csv"
REST = "starts, imports, Snakemake, waiting"


def minutes(logs: Path, n_cores: int) -> tuple[pd.DataFrame, float]:
    """Seconds at work by rule, from the logs ``<folder>/<rule>/...`` or ``<folder>/<rule>.log``.

    Returns the rows (rule, jobs, work_s, share), most first, and the seconds from the first job's
    start to the last one's end. ValueError if there is no log, or a job has not finished.
    """
    found = []
    for path in sorted(logs.rglob("*.log")):
        if (log := read_log(path)) is None:
            continue
        if not log.is_finished:
            raise ValueError(f"{path}: expected a finished job, found {log.last_line!r}")
        end = path.stat().st_mtime
        rule = path.relative_to(logs).parts[1].removesuffix(".log")
        found.append((rule, end - log.seconds, end, log.seconds))
    if not found:
        raise ValueError(f"{logs}: expected logs of jobs, found none; run `make` first")
    jobs = pd.DataFrame(found, columns=["rule", "start", "end", "work_s"])
    took = jobs["end"].max() - jobs["start"].min()
    rows = jobs.groupby("rule")["work_s"].agg(jobs="count", work_s="sum").reset_index()
    rows = rows.sort_values("work_s", ascending=False)
    rest = {"rule": REST, "jobs": len(jobs), "work_s": n_cores * took - rows["work_s"].sum()}
    rows = pd.concat([rows, pd.DataFrame([rest])], ignore_index=True)
    rows["share"] = (rows["work_s"] / (n_cores * took)).round(3)
    return rows.round({"work_s": 1}), took


def main() -> None:
    """Write the table of one run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="?", type=Path, default=Path("logs"))
    parser.add_argument("--slow", type=Path, help="logs of the run with mkl_fast_path: false")
    parser.add_argument("--cores", type=int, default=2, help="of the run")
    options = parser.parse_args()
    rows, took = minutes(options.logs, options.cores)
    rows = rows.assign(run_s=round(took))
    if options.slow:
        slow, slow_took = minutes(options.slow, options.cores)
        beside = slow[["rule", "work_s"]].rename(columns={"work_s": "work_slow_s"})
        rows = rows.merge(beside, on="rule", how="left").assign(run_slow_s=round(slow_took))
    print(rows.to_string(index=False))
    write_csv(rows.assign(cores=options.cores, **origin(mkl_path="fast")), OUTPUT)


if __name__ == "__main__":
    main()
