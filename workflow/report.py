"""What a report says of a run beside its scores: config, weights, machine, time, deviations."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pandas as pd
import yaml

from analysis.report import exhibits_among
from hear.protocol import Protocol
from workflow.models import Model
from workflow.official import OfficialStudy
from workflow.provenance import VERSION
from workflow.study import Study

STAGE_COLUMNS = ["rule", "jobs", "wall_s", "cpu_s", "peak_mib"]
DEVIATIONS = (
    "Audio that is not at a model's sample rate is resampled with soxr (HQ).",
    "A model that predicts no event scores 0 in aggregates, as on the leaderboard; heareval gives "
    "NaN.",
    "A probe whose last training batch would be one row is refused before training; in heareval "
    "batch norm fails on it.",
)


def report_inputs(study: Study | OfficialStudy) -> list[str]:
    """Files of every exhibit that the study makes, and the tables behind them."""
    root = f"results/{study.name}/"
    made = [path.removeprefix(root) for path in study.exhibits()]
    files = [file for exhibit in exhibits_among(made) for file in exhibit.files]
    return [root + file for file in [*files, "scores.csv", "summary.csv"]]


def report_facts(study: Study | OfficialStudy) -> dict:
    """Describe a study in plain types, as its report's job receives it."""
    if isinstance(study, OfficialStudy):
        return {
            "study": study.name,
            "title": "Official HEAR 2021 scores",
            "notices": [
                "These are the scores of the public HEAR 2021 leaderboard, checked and normalized. "
                "They were made by the entries' authors; nothing was run or repeated here."
            ],
            "settings": {"source": study.source, "software": f"passt-hear {VERSION}"},
            "checkpoints": {},
        }
    deviations, reference = study.protocol.deviations(), Protocol()
    return {
        "study": study.name,
        "title": f"PaSST on HEAR tasks: study {study.name}",
        "notices": _notices(study),
        "settings": _settings(study),
        "checkpoints": _weights(study),
        "protocol": [
            (key, str(value), str(getattr(reference, key))) for key, value in deviations.items()
        ],
        "deviations": list(DEVIATIONS),
        "config": yaml.safe_dump(study.config, sort_keys=False, width=100),
    }


def read_stages(logs: list[str]) -> pd.DataFrame:
    """Sum the benchmark files of jobs by rule.

    Parameters
    ----------
    logs : list of str
        Folders ``logs/<study>/``, whose benchmark files are ``<rule>/*.tsv`` or ``<rule>.tsv``.

    Returns
    -------
    DataFrame
        Columns `STAGE_COLUMNS`, by wall time: seconds summed over jobs, the largest peak of
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


def _notices(study: Study) -> list[str]:
    """Say what the tasks and weights are, and what follows for a reader."""
    if study.is_generated:
        tasks = (
            "The tasks are generated analogs of HEAR tasks, not HEAR 2021: scores here compare the "
            "models on these tasks only, and must not stand beside published ones."
        )
    elif study.is_real:
        tasks = (
            "All tasks are HEAR 2021 tasks in their official version. Columns and rows marked HEAR "
            "2021 are official scores of the challenge's entries; all others are of this run."
        )
    else:
        tasks = (
            "The tasks are recordings of this user, at least one of which is not a HEAR 2021 task "
            "in its official version: no official score stands beside them."
        )
    used = {model.variant.checkpoint for model in study.models.values() if model.variant}
    random_init = sorted(id for id in used if study.checkpoints[id].is_random)
    if not random_init:
        return [tasks]
    names = ", ".join(random_init)
    return [tasks, f"Random weights, which have learned nothing: {names}."]


def _settings(study: Study) -> dict[str, str]:
    protocol = study.protocol
    return {
        "study": study.name,
        "tasks": ", ".join(study.task_labels().values()),
        "models": str(len(study.models)),
        "normalized scores": f"divided by the {study.normalization}",
        "protocol": protocol.name,
        "probe seeds": ", ".join(map(str, study.config["probe_seeds"])),
        "software": f"passt-hear {VERSION}",
    }


def _weights(study: Study) -> dict[str, str]:
    """Say of each model what it is made of."""
    return {model.label: _made_of(study, model) for model in study.models.values()}


def _made_of(study: Study, model: Model) -> str:
    if model.variant is None:
        return f"module {model.module}" + (f", weights {model.weights}" if model.weights else "")
    checkpoint = study.checkpoints[model.variant.checkpoint]
    a = checkpoint.architecture
    origin = checkpoint.file or f"random weights, seed {checkpoint.seed}"
    size = f"{a.embed_dim} wide, {a.depth} blocks, {a.num_heads} heads"
    return f"{checkpoint.id}: {origin}; hop {checkpoint.hop} samples; {size}"
