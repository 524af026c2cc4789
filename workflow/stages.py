"""Computing time of a study by rule."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

STAGE_COLUMNS = ["rule", "jobs", "wall_s", "cpu_s", "peak_mib"]


def read_stages(logs: list[str]) -> pd.DataFrame:
    """Sum the benchmark files of jobs, ``logs/<study>/<rule>/*.tsv`` or ``<rule>.tsv``, by rule.

    Columns are `STAGE_COLUMNS`, rows by wall time: seconds summed over jobs, the largest peak of
    resident memory in MiB. Snakemake leaves out what it could not see of very short jobs.
    """
    rows = []
    for folder in map(Path, dict.fromkeys(logs)):
        for path in sorted(folder.rglob("*.tsv")):
            rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
            job = pd.read_csv(path, sep="\t").apply(pd.to_numeric, errors="coerce").iloc[-1]
            rows.append((rule, 1, job["s"], job.get("cpu_time"), job.get("max_rss")))
    jobs = pd.DataFrame(rows, columns=STAGE_COLUMNS).astype(dict.fromkeys(STAGE_COLUMNS[2:], float))
    how = {"jobs": "sum", "wall_s": "sum", "cpu_s": "sum", "peak_mib": "max"}
    stages = jobs.groupby("rule").agg(how).reset_index()
    return stages.sort_values("wall_s", ascending=False, ignore_index=True).round(1)
