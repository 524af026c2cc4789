"""Where and how long a study was computed: the machine, and the time of each rule."""

from __future__ import annotations

import os
import platform
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


def machine() -> dict[str, str]:
    """Describe the machine of this process."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": names[0] if names else platform.processor() or "unknown",
        "logical CPUs": str(os.cpu_count()),
        "memory": f"{pages / 2**30:.0f} GiB",
        "Python": platform.python_version(),
    }


def machine_name() -> str:
    """Processor and how many logical ones there are: ``AMD EPYC x2``."""
    facts = machine()
    return f"{facts['processor']} x{facts['logical CPUs']}"
