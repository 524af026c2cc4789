"""Estimated hours, disk and memory of a study per stage and task, and of smaller studies.

    make plan CONFIG=config/paper.yaml

The plan is based on a measurement of about a minute on this machine and on the sizes of the tasks,
published or local. Hours are those of one CPU core with all cores busy, of the GPU for its work, or
of the network for downloads, which are sequential; memory is that of the largest job. Scores,
statistics, figures and the report take minutes and are not included. After the study has run, the
measured hours are shown beside the planned ones.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from tabulate import tabulate

from analysis.tables.scores import write_csv
from hear.probes import Evaluation
from hear.scores.files import read_header
from passt.lengths import SAMPLE_RATE_HZ
from workflow.commands.arguments import checked_study, read_arguments, study_parser
from workflow.commands.rates import Rates, kind, measure, units
from workflow.commands.workloads import Workload, predict_item, readers, workloads
from workflow.machine import machine_name
from workflow.stages import read_stages
from workflow.study.archives import ARCHIVE_RATE_HZ, SAMPLE_BYTES
from workflow.study.paths import levels, log_folders
from workflow.study.study import Study

GIB = 2**30
RULES = {"fetch": "fetch_task", "embed": "embed", "predict": "predict"}  # of each stage
COLUMNS = ("stage", "task", "item", "on", "hours", "disk_gib", "memory_gib", "read_by")
CORE, GPU, NETWORK = "one core", "the GPU", "downloads"  # what the hours are of
HEADLINE = ["passt_mh_hop10", "passt_lm_2rf_hop5"]  # the paper's base and improved model
# What a minute cannot measure, from `make` (the default study at version 0.1.0) on two cores of
# an AMD EPYC; `experience` replaces the first two by those of a default study that has run here.
CONSTANTS = {
    "patiences": 2.99,  # validations of a probe / its patience, mean of 436 grid points
    "job_gib": 0.45,  # largest resident memory of a job, whose weights and features are small
    "generate_s": 0.029,  # wall seconds of all fetch_task jobs / seconds of audio
}


def experience(study: str = "mini") -> dict[str, float]:
    """`CONSTANTS`, updated from the predictions and logs of a finished study, if there is one."""
    paths = sorted(Path(f"results/{study}/predictions").glob("mlp-*/**/seed*.npz"))
    folders = [folder for path in paths for folder in read_header(path).get("folders", [])]
    patiences = [p["n_validations"] / f["protocol"]["patience"] for f in folders for p in f["grid"]]
    peaks = read_stages([f"logs/{study}"]).set_index("rule")["peak_mib"].reindex(RULES.values())
    found = {"patiences": sum(patiences) / max(1, len(patiences)), "job_gib": peaks.max() / 1024}
    return CONSTANTS | {key: value for key, value in found.items() if value > 0}


class Row(NamedTuple):
    """One item of a plan: seconds ``on`` what, bytes on disk and in memory, models that need it."""

    stage: str
    task: str
    item: str
    seconds: float
    n_bytes: float = 0.0
    held: float = 0.0
    models: Iterable[str] = ()
    on: str = CORE


def plan(study: Study, rates: Rates, known: dict[str, float], mb_per_s: float) -> pd.DataFrame:
    """Cost of a study by stage, task and item, with columns `COLUMNS`.

    Items are archives and clips, a view of a checkpoint or model, the predictions of an embedding.
    ``read_by`` lists the models that need the item, separated by semicolons; empty if all do.
    Weights belong to no task.
    """
    rows: list[Row] = []
    users: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for work in workloads(study):
        embeddings, views = readers(study, work)
        for (source, _), models in views.items():
            users[source] |= dict.fromkeys(models)
        rows += _fetch_rows(study, work, rates, known, mb_per_s)
        rows += _embed_rows(study, work, views, rates)
        rows += _predict_rows(study, work, embeddings, rates, known)
    for source, models in users.items():
        if source in study.checkpoints and study.checkpoints[source].url:
            rows.append(_download("", f"weights {source}", rates.weights[source], mb_per_s, models))
    table = pd.DataFrame(
        [
            (
                *(row.stage, row.task, row.item, row.on, row.seconds / 3600, row.n_bytes / GIB),
                *(known["job_gib"] + row.held / GIB, ";".join(row.models)),
            )
            for row in rows
        ],
        columns=COLUMNS,
    )
    return table.sort_values("stage", key=lambda s: s.map([*RULES].index), kind="stable")


def _fetch_rows(
    study: Study, work: Workload, rates: Rates, known: dict[str, float], mb_per_s: float
) -> Iterator[Row]:
    clips = "fetch", work.name, f"clips of {work.name}"
    if study.origin == "mini":
        n_bytes = SAMPLE_BYTES * SAMPLE_RATE_HZ * work.audio_s
        yield Row(*clips, known["generate_s"] * work.audio_s, n_bytes)
    elif study.origin == "hear2021":
        n_bytes = SAMPLE_BYTES * ARCHIVE_RATE_HZ * work.audio_s
        yield _download(work.name, f"archives of {work.name}", n_bytes, mb_per_s)
        resample = study.config["resample"]
        seconds = 0.0 if resample == "on_the_fly" else rates.decode_s * work.audio_s
        copied = 0.0 if resample == "on_the_fly" else SAMPLE_RATE_HZ / ARCHIVE_RATE_HZ
        unpacked = 0.0 if resample == "disk_only" else 1.0
        yield Row(*clips, seconds, n_bytes * (unpacked + copied))


def _download(
    task: str, item: str, n_bytes: float, mb_per_s: float, models: Iterable[str] = ()
) -> Row:
    seconds = n_bytes / (1e6 * mb_per_s)
    return Row("fetch", task, item, seconds, n_bytes, models=models, on=NETWORK)


def _embed_rows(
    study: Study, work: Workload, views: Mapping[tuple[str, str], list[str]], rates: Rates
) -> Iterator[Row]:
    for (source, view), models in views.items():
        per_clip = [units(study, source, view, s) for s in work.lengths_s]
        work_units = sum(per_clip) / len(per_clip) * work.n_clips
        seconds = rates.view_s[source, kind(view)] * work_units + rates.decode_s * work.audio_s
        stored = [(source, view, level) for level in levels(study, source, view)]
        yield Row(
            "embed",
            work.name,
            f"{source} {view}",
            seconds,
            n_bytes=4 * work.n_rows * rates.size(stored),
            held=rates.weights.get(source, 0),
            models=models,
            on=GPU if source in rates.on_gpu else CORE,
        )
    n_jobs = 1 if study.embeds_by_task else len(views)
    yield Row("embed", work.name, "starting jobs", n_jobs * rates.start_s)


def _predict_rows(
    study: Study,
    work: Workload,
    embeddings: Mapping[str, list[str]],
    rates: Rates,
    known: dict[str, float],
) -> Iterator[Row]:
    evaluations = study.evaluations_of(study.tasks[work.name].embedding_type)
    for name, models in embeddings.items():
        size = rates.size(study.components(name))
        for one in evaluations:
            yield Row(
                "predict",
                work.name,
                predict_item(name, one),
                _evaluation_s(study, work, one, rates, known, size),
                held=4 * work.n_rows * size,
                models=models,
                on=GPU if rates.probe_on_gpu and one.probe.is_trained else CORE,
            )
    n_jobs = len(embeddings) if study.config["job_size"] == "smallest" else 1
    n_jobs *= sum(len(study.seeds_of(one)) for one in evaluations)
    yield Row("predict", work.name, "starting jobs", n_jobs * rates.start_s)


def _evaluation_s(
    study: Study,
    work: Workload,
    one: Evaluation,
    rates: Rates,
    known: dict[str, float],
    size: int,
) -> float:
    """Seconds of one evaluation of an embedding of some size on a task, all seeds."""
    n_rows = work.n_rows / work.n_folders
    n_train = one.train_fraction * work.train_share * n_rows
    n_fits = work.n_fits(study.protocol, one.probe) * len(study.seeds_of(one))
    if not one.probe.is_trained:
        n_queried = (1 - work.train_share) * n_rows  # in validation and test
        return n_fits * rates.neighbor_s * size * n_train * n_queried
    protocol = work.protocol(study.protocol, one.probe)
    expected = known["patiences"] * protocol.patience * protocol.validation_every
    return (
        n_fits * min(protocol.max_epochs, expected) * rates.epoch_s(size, n_train, one.probe.name)
    )


def run_hours(rows: pd.DataFrame, cores: int) -> float:
    """Hours of a run: downloads, then the work of the GPU and of the cores, in sequence."""
    hours = rows.groupby("on")["hours"].sum().reindex([NETWORK, GPU, CORE], fill_value=0.0)
    return hours[NETWORK] + hours[GPU] + hours[CORE] / cores


def by_task(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per task with the hours of each stage, disk and memory, and their totals."""
    hours = rows.pivot_table("hours", "task", "stage", "sum", fill_value=0.0, sort=False)
    sizes = rows.groupby("task").agg(disk_gib=("disk_gib", "sum"), memory_gib=("memory_gib", "max"))
    table = hours.add_suffix(" h").join(sizes).rename(index={"": "weights"})
    table.loc["all"] = [*table.drop(columns="memory_gib").sum(), table["memory_gib"].max()]
    return table


def smaller(study: Study, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Config changes for smaller studies: one seed, two models, no large task."""
    largest = rows[rows["task"] != ""].groupby("task")["hours"].sum().nlargest(4).index
    changes: list[dict[str, Any]] = []
    if len(study.seeds) > 1:
        changes.append({"probe_seeds": study.seeds[:1]})
    if {*HEADLINE} < study.models.keys():
        changes.append({"select_models": HEADLINE})
    if len(study.tasks) > len(largest):
        changes.append({"exclude_tasks": [*study.config["exclude_tasks"], *largest]})
    return changes


def words(rows: pd.DataFrame, cores: int) -> list[str]:
    """Texts on the total, its largest parts, and the savings from dropping a model."""
    total, longest = rows["hours"].sum(), rows.loc[rows["hours"].idxmax()]
    kinds = rows.groupby("on", sort=False)["hours"].sum()
    items = rows.groupby(["stage", "item"])["hours"].sum().nlargest(3)
    shares = ", ".join(f"{' '.join(key)} {hours / total:.0%}" for key, hours in items.items())
    alone = rows[rows["read_by"].str.fullmatch("[^;]+")]
    saved = alone.groupby("read_by")["hours"].sum().nlargest(3)
    drops = ", ".join(f"{id} {shown(hours)} h" for id, hours in saved.items())
    listed = " and ".join(f"{shown(hours)} h of {on}" for on, hours in kinds.items())
    whole = shown(run_hours(rows, cores))
    return [
        f"Total {listed}: {whole} h on {cores} cores. Most of it: {shares}.",
        f"Largest savings from dropping one model: {drops or 'nothing'}.",
        f"Longest job, a limit for any number of cores: {longest['stage']} {longest['task']} "
        f"{longest['item']}, {shown(longest['hours'])} h.",
    ]


def shown(number: float) -> str:
    """A number of three digits, or a whole one with separators; empty for NaN."""
    if number != number:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def markdown(rows: pd.DataFrame) -> str:
    """Markdown table whose numbers are written by `shown`."""
    cells = rows.map(lambda cell: shown(cell) if isinstance(cell, float) else cell)
    return tabulate(cells, "keys", "github", disable_numparse=True)


def compare(rows: pd.DataFrame, logs: list[str]) -> pd.DataFrame:
    """Planned hours beside the measured hours of a finished study, by stage and in total.

    Measured hours are wall time, because the CPU time sampled by Snakemake misses the end of a job.
    Downloads are not included.
    """
    taken = read_stages(logs).set_index("rule")["wall_s"].reindex(RULES.values()) / 3600
    computed = rows[rows["on"] != NETWORK].groupby("stage")["hours"].sum()
    table = pd.DataFrame({"planned_h": computed.reindex(RULES)})
    table["measured_h"] = taken.to_numpy()
    table.loc["total"] = table.sum()
    return table.assign(ratio=table["planned_h"] / table["measured_h"])


def main() -> None:
    """Measure, plan, print the tables and write all rows."""
    parser = study_parser(__doc__)
    parser.add_argument("--download-mb-per-s", type=float, default=10.0, help="default: 10")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="jobs at a time")
    parser.add_argument("--output", type=Path, help="default: results/<study>/plan.csv")
    arguments = parser.parse_args()
    cores, speed = arguments.cores, arguments.download_mb_per_s
    try:
        config = read_arguments(arguments)
        study = checked_study(config)
        workloads(study)  # before a minute is spent
        rates, known = measure(study, cores), experience()
        rows = plan(study, rates, known, speed)
        others = {
            json.dumps(change): plan(checked_study(config | change), rates, known, speed)
            for change in smaller(study, rows)
        }
    except (ValueError, OSError) as error:
        sys.exit(f"plan: {error}")
    print(markdown(by_task(rows)), end="\n\n")
    downloads = [f"Downloads counted at {speed:g} MB/s."] if NETWORK in set(rows["on"]) else []
    print(*words(rows, cores), *downloads, sep="\n", end="\n\n")
    table = [
        {
            "study": name,
            "hours": run_hours(part, cores),
            "disk_gib": part["disk_gib"].sum(),
            "memory_gib": part["memory_gib"].max(),
        }
        for name, part in {f"{study.name}, as it is": rows, **others}.items()
    ]
    print(markdown(pd.DataFrame(table).set_index("study")))
    if Path("logs", study.name).is_dir():
        print("", markdown(compare(rows, log_folders(study))), sep="\n")
    output = arguments.output or Path("results", study.name, "plan.csv")
    output.parent.mkdir(parents=True, exist_ok=True)
    write_csv(rows.assign(machine=f"{machine_name()}, {cores} jobs at a time"), output)


if __name__ == "__main__":
    main()
