"""Hours, disk and memory of a study per stage and task, before anything is downloaded.

    make plan CONFIG=config/paper.yaml

From a measurement of a minute on this machine and the tasks' published sizes. Hours are of one CPU
core while all are at work (of the GPU for embedding with PaSST, if there is one): divided by the
cores they are what a run takes. Scores, statistics, figures and the report take minutes and are
not counted. Once the planned study has run, its jobs' hours stand beside the planned ones.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tabulate import tabulate
from yaml import YAMLError

from analysis.tables.scores import write_csv
from hear.scores.files import read_header
from mini.registry import find_mini_task
from passt.lengths import SAMPLE_RATE_HZ, TIMESTAMP_HOP_MS
from workflow.commands.rates import Rates, kind, measure, units
from workflow.stages import machine_name, read_stages
from workflow.study.archives import ARCHIVE_RATE_HZ, SAMPLE_BYTES, TOTAL_S
from workflow.study.config import SHIPPED, ConfigError, read_yaml
from workflow.study.paths import collection
from workflow.study.study import Study, read_study
from workflow.study.tasks import read_task_table

GIB = 2**30
RULES = {"fetch": "fetch_task", "embed": "embed", "predict": "predict"}  # of each stage
COLUMNS = ("stage", "task", "item", "hours", "disk_gib", "memory_gib", "read_by")
# What a minute cannot measure, from `make` (the default study at version 0.1.0) on two cores of
# an AMD EPYC; `experience` replaces the first two by those of a default study that has run here.
CONSTANTS = {
    "patiences": 2.99,  # validations of a probe / its patience, mean of 436 grid points
    "job_gib": 0.45,  # largest resident memory of a job, whose weights and features are small
    "generate_s": 0.029,  # wall seconds of all fetch_task jobs / seconds of audio
    # Training part where HEAR has one: FSD50K 36,796 of 51,197 clips (Fonseca et al. 2022), Speech
    # Commands v0.02 84,843 of 105,829 (Warden 2018).
    "train_share": 0.8,
}


@dataclass(frozen=True)
class Workload:
    """Clips of equal length, embedded as scenes or at timestamps; ``train_share`` is trained on.

    ``n_folds`` is 1 where there is a training, a validation and a test part.
    """

    name: str
    at_timestamps: bool
    n_clips: int
    duration_s: float
    n_folds: int
    train_share: float

    @property
    def audio_s(self) -> float:
        """Seconds of all clips."""
        return self.n_clips * self.duration_s

    @property
    def n_rows(self) -> float:
        """Rows of features."""
        per_clip = 1000 * self.duration_s / TIMESTAMP_HOP_MS + 1 if self.at_timestamps else 1
        return self.n_clips * per_clip


def workloads(study: Study) -> list[Workload]:
    """Tasks of a study, by the sizes of HEAR 2021's archives or of the generated tasks.

    A ConfigError refuses the user's own tasks, whose sizes nobody has published.
    """
    if study.config["task_dir"] is not None:
        raise ConfigError(
            "config: task_dir: only the sizes of HEAR 2021's tasks and of the mini tasks are known "
            f"beforehand, found {study.config['task_dir']!r}"
        )
    table, works = read_task_table(), []
    for slug, spec in study.tasks.items():
        if study.origin == "mini":
            task = find_mini_task(slug)
            n_clips = sum(sum(part.n_clips.values()) for part in task.parts)
            # Of clips that differ in length, the mean of shortest and longest.
            lengths_s = task.duration_range_s or (task.duration_s or 0.0,)
            duration_s = sum(lengths_s) / len(lengths_s)
            n_folds = 1 if task.split_mode == "trainvaltest" else len(task.n_clips)
            share = task.n_clips.get("train", 0) / sum(task.n_clips.values())
        else:
            row = table[slug]
            n_clips = int(row["n_clips"]) * len(row["folders"].split(";"))  # each of Beehive's: all
            duration_s = float(row["duration_s"] or TOTAL_S[slug] / n_clips)
            n_folds, share = int(row["n_folds"]), CONSTANTS["train_share"]
        share = share if n_folds == 1 else (n_folds - 2) / n_folds
        at_timestamps = spec.embedding_type == "event"
        works.append(Workload(slug, at_timestamps, n_clips, duration_s, n_folds, share))
    return works


def readers(study: Study, work: Workload) -> tuple[dict[str, list[str]], dict]:
    """Models by the embedding that they have for a task, and by each (source, view) that they read.

    A source is a checkpoint or a third-party model.
    """
    embeddings, views = defaultdict(list), defaultdict(list)
    for id, name in study.embeddings_of("event" if work.at_timestamps else "scene").items():
        embeddings[name].append(id)
        for pair in dict.fromkeys((source, view) for source, view, _ in study.components(name)):
            views[pair].append(id)
    return embeddings, views


def experience(study: str = "mini") -> dict[str, float]:
    """`CONSTANTS`, those replaced that predictions and logs of a finished study here say."""
    paths = sorted(Path(f"results/{study}/predictions").rglob("seed*.npz"))
    folders = [folder for path in paths for folder in read_header(path)["folders"]]
    patiences = [p["n_validations"] / f["protocol"]["patience"] for f in folders for p in f["grid"]]
    peaks = read_stages([f"logs/{study}"]).set_index("rule")["peak_mib"].reindex(RULES.values())
    found = {"patiences": sum(patiences) / max(1, len(patiences)), "job_gib": peaks.max() / 1024}
    return CONSTANTS | {key: value for key, value in found.items() if value > 0}


def plan(study: Study, rates: Rates, known: dict[str, float], mb_per_s: float) -> pd.DataFrame:
    """Cost of everything that a study makes: columns `COLUMNS`, a row per stage, task and item.

    Items are the task itself, a view of a checkpoint or model, the predictions of an embedding.
    ``read_by`` are the models that need it, separated by semicolons, empty if all do. Weights
    belong to no task.
    """
    rows: list[tuple] = []
    users: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def add(stage, task, item, seconds, n_bytes=0.0, held=0.0, models=()):  # held: in memory
        sizes = (n_bytes / GIB, known["job_gib"] + held / GIB)
        rows.append((stage, task, item, seconds / 3600, *sizes, ";".join(models)))

    for work in workloads(study):
        rate_hz = SAMPLE_RATE_HZ if study.origin == "mini" else ARCHIVE_RATE_HZ
        n_bytes = SAMPLE_BYTES * rate_hz * work.audio_s
        generated_s, download_s = known["generate_s"] * work.audio_s, n_bytes / (1e6 * mb_per_s)
        seconds = generated_s if study.origin == "mini" else download_s
        add("fetch", work.name, work.name, seconds, n_bytes)
        embeddings, views = readers(study, work)
        for (source, view), models in views.items():
            users[source] |= dict.fromkeys(models)
            seconds = work.n_clips * units(study, source, view, work.duration_s)
            seconds = rates.view_s[source, kind(view)] * seconds + rates.decode_s * work.audio_s
            n_bytes = 4 * work.n_rows * sum(rates.sizes[source, kind(view)].values())
            weights = rates.weights.get(source, 0)
            add("embed", work.name, f"{source} {view}", seconds, n_bytes, weights, models)
        for name, models in embeddings.items():
            size = rates.size(study.components(name))
            n_rows = _n_epochs(study, work, known) * work.train_share * work.n_rows
            seconds, features = n_rows * rates.probe_s(size), 4 * work.n_rows * size
            add("predict", work.name, name, seconds, 0.0, features, models)
        for stage in ("embed", "predict"):
            add(stage, work.name, "starting a job", rates.start_s)
    for source, models in users.items():
        if source in study.checkpoints and study.checkpoints[source].url:
            n_bytes = rates.weights[source]
            seconds = n_bytes / (1e6 * mb_per_s)
            add("fetch", "", f"weights {source}", seconds, n_bytes, models=models)
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("stage", key=lambda s: s.map([*RULES].index), kind="stable")


def _n_epochs(study: Study, work: Workload, known: dict[str, float]) -> float:
    """Epochs of all probes on an embedding: the grid on one fold, the best on the others."""
    metadata = find_mini_task(work.name).metadata(seed=0)  # as the real task's
    protocol = study.protocol.for_task(metadata)
    expected = known["patiences"] * protocol.patience * protocol.validation_every
    n_probes = (protocol.n_grid_points + work.n_folds - 1) * len(study.config["probe_seeds"])
    return n_probes * min(protocol.max_epochs, expected)


def words(rows: pd.DataFrame, cores: int) -> list[str]:
    """Total, what most of it is, and what leaving out a model would save."""
    total, longest = rows["hours"].sum(), rows.loc[rows["hours"].idxmax()]
    items = rows.groupby(["stage", "item"])["hours"].sum().nlargest(3)
    shares = ", ".join(f"{' '.join(key)} {hours / total:.0%}" for key, hours in items.items())
    alone = rows[rows["read_by"].str.fullmatch("[^;]+")]
    saved = alone.groupby("read_by")["hours"].sum().nlargest(3)
    drops = ", ".join(f"{id} {hours:.3g} h" for id, hours in saved.items())
    return [
        f"Total {total:.3g} h of one core, {total / cores:.3g} h on {cores}. Most of it: {shares}.",
        f"Dropping a model saves what it alone needs, the most: {drops or 'nothing'}.",
        f"Longest piece, which more cores do not shorten: {longest['stage']} {longest['task']} "
        f"{longest['item']}, {longest['hours']:.3g} h.",
    ]


def compare(rows: pd.DataFrame, logs: list[str]) -> pd.DataFrame:
    """Planned hours beside those of the jobs of a finished study, by stage and in total.

    Wall time: the CPU time that Snakemake samples misses what a job did since the last sample.
    """
    taken = read_stages(logs).set_index("rule")["wall_s"].reindex(RULES.values()) / 3600
    table = pd.DataFrame({"planned_h": rows.groupby("stage")["hours"].sum().reindex(RULES)})
    table["measured_h"] = taken.to_numpy()
    table.loc["total"] = table.sum()
    return table.assign(ratio=table["planned_h"] / table["measured_h"])


def main() -> None:
    """Measure, plan, print the tables and write all rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=SHIPPED)
    parser.add_argument("--download-mb-per-s", type=float, default=10.0, help="default: 10")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="jobs at a time")
    parser.add_argument("--output", type=Path, help="default: results/<study>/plan.csv")
    arguments = parser.parse_args()
    cores, speed = arguments.cores, arguments.download_mb_per_s
    try:
        study = read_study(read_yaml(arguments.config))
    except (ValueError, OSError, YAMLError) as error:
        sys.exit(f"plan: {arguments.config}: {error}")
    rows = plan(study, measure(study, cores), experience(), speed)
    how = {"hours": "sum", "disk_gib": "sum", "memory_gib": "max"}
    for keys in (["stage", "task"], ["stage", "item"]):
        table = rows.groupby(keys, sort=False).agg(how).reset_index()
        print(tabulate(table, "keys", "github", floatfmt=".3g", showindex=False), end="\n\n")
    print(*words(rows, cores), f"Downloads counted at {speed:g} MB/s.", sep="\n")
    if Path("logs", study.name).is_dir():
        logs = [f"logs/{name}" for name in (study.name, collection(study))]
        print(tabulate(compare(rows, logs), "keys", "github", floatfmt=".3g"))
    output = arguments.output or Path("results", study.name, "plan.csv")
    output.parent.mkdir(parents=True, exist_ok=True)
    write_csv(rows.assign(machine=f"{machine_name()}, {cores} jobs at a time"), output)


if __name__ == "__main__":
    main()
