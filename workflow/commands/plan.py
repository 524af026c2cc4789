"""Hours, disk and memory of a study, before anything is downloaded.

    make plan CONFIG=config/paper.yaml

From a one-minute measurement on this machine (:mod:`workflow.commands.rates`) and the tasks' sizes
(see `sizes`). Hours are of one CPU core while all are at work (of the GPU for embedding
with PaSST, if there is one): divided by the cores they are what a run takes.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from passt.checkpoints import Checkpoint
from passt.lengths import SAMPLE_RATE_HZ, TIMESTAMP_HOP_MS
from passt.variants import Embedding, Variant
from workflow.commands.cost import ViewCost, Workload, count_views, embedding_size, n_parameters
from workflow.commands.rates import ARCHIVE_RATE_HZ, Rates, measure
from workflow.commands.sizes import (
    n_folds,
    read_config,
    read_third_party,
    read_variants,
    study_workloads,
)
from workflow.stages import machine
from workflow.study.models import read_protocol

GIB = 2.0**30
TRAIN_SHARE = 0.8  # assumed: rows of a task that are trained on, where it is no k-fold
PATIENCES = 2.9  # a probe ends after so many times its patience (mean of the default study's 436
# grid points), or at its last epoch
# What a task's metadata prescribes (HEAR 2021 archive of MAESTRO).
PRESCRIBED = {"maestro": {"max_epochs": [50], "check_val_every_n_epoch": [1]}}
COLUMNS = ("stage", "item", "hours", "disk_gib", "memory_gib", "read_by")
JOB_GIB = 0.4  # assumed: python, torch and a batch; weights and features come on top


@dataclass(frozen=True)
class Row:
    """One line of the plan; ``read_by`` are the variants that need it, none if all do."""

    stage: str
    item: str
    hours: float
    disk_gib: float
    memory_gib: float
    read_by: tuple[str, ...] = ()


class Plan:
    """What a study costs.

    Parameters
    ----------
    config : dict
    variants, checkpoints : dict
        As ``sizes.read_variants`` gives them. Third-party models are planned if they
        were measured.
    workloads : list of Workload
    is_generated : bool
        Whether they are the mini tasks.
    download_mb_per_s : float
        Assumed speed of downloads.
    """

    def __init__(
        self,
        config: dict,
        variants: dict[str, Variant],
        checkpoints: dict[str, Checkpoint],
        workloads: list[Workload],
        is_generated: bool,
        download_mb_per_s: float,
    ) -> None:
        self.config, self.variants, self.checkpoints = config, variants, checkpoints
        self.workloads = {work.name: work for work in workloads}
        self.is_generated, self.download_mb_per_s = is_generated, download_mb_per_s
        self.protocol = read_protocol(config, "mini" if is_generated else "reference")
        self.used = sorted({v.checkpoint for v in variants.values()})

    def sizes(self) -> tuple[int, int]:
        """Smallest and largest embedding of the study."""
        names = [v.timestamp_embedding for v in self.variants.values()]
        names += [name for v in self.variants.values() if (name := v.scene_embedding)]
        sizes = [self._size(name) for name in names]
        return min(sizes), max(max(sizes), min(sizes) + 1)

    def rows(self, rates: Rates) -> list[Row]:
        """Every line, in the order in which the study runs."""
        return [*self._fetch(rates), *self._embed(rates), *self._predict(rates)]

    def _fetch(self, rates: Rates) -> Iterable[Row]:
        for work in self.workloads.values():
            audio_s = work.n_clips * work.duration_s
            if self.is_generated:
                n_bytes = 2 * SAMPLE_RATE_HZ * audio_s
                hours = (work.n_clips * rates.generate_s[work.name] + rates.start_s) / 3600
            else:
                n_bytes = 2 * ARCHIVE_RATE_HZ * audio_s
                hours = n_bytes / (1e6 * self.download_mb_per_s) / 3600
            yield Row("fetch", work.name, hours, n_bytes / GIB, JOB_GIB)
        for id in self.used:
            if self.checkpoints[id].url:
                n_bytes = 4.0 * n_parameters(self.checkpoints[id].architecture)
                hours = n_bytes / (1e6 * self.download_mb_per_s) / 3600
                readers = tuple(k for k, v in self.variants.items() if v.checkpoint == id)
                yield Row("fetch", f"weights {id}", hours, n_bytes / GIB, JOB_GIB, readers)

    def _embed(self, rates: Rates) -> Iterable[Row]:
        costs = count_views(self.variants.values(), self.checkpoints, self.workloads.values())
        views: dict[tuple[str, str], list[ViewCost]] = defaultdict(list)
        for cost in costs:
            views[cost.checkpoint, cost.view].append(cost)
        weights = {
            id: 4.0 * n_parameters(self.checkpoints[id].architecture) / GIB for id in self.used
        }
        for (id, view), group in sorted(views.items()):
            seconds, values = 0.0, 0.0
            for cost in group:
                work = self.workloads[cost.workload]
                per_flop = (rates.long if cost.view == "scene" else rates.short)[id]
                mel = rates.mel_s * self._n_rows(work) if view == "mel" else 0.0
                seconds += cost.flops * per_flop + mel
                seconds += rates.decode_s * work.n_clips * work.duration_s
                levels = "L" if view == "mel" else "MH"
                size = self._size(f"{id}.{view}.{levels}")
                values += self._n_rows(work) * size
            readers = tuple(k for k in self.variants if (id, view) in self._views(k))
            disk = 4.0 * values / GIB
            hours = seconds / 3600
            yield Row("embed", f"{id} {view}", hours, disk, JOB_GIB + weights[id], readers)
        yield from self._embed_third_party(rates)
        n_jobs = len(self.workloads)
        yield Row("embed", "starting jobs", n_jobs * rates.start_s / 3600, 0.0, JOB_GIB)

    def _embed_third_party(self, rates: Rates) -> Iterable[Row]:
        for id, rate in rates.models.items():
            seconds, values = 0.0, 0.0
            for work in self.workloads.values():
                per_s, size = rate.timestamp if work.at_timestamps else rate.scene
                seconds += (per_s + rates.decode_s) * work.n_clips * work.duration_s
                values += self._n_rows(work) * size
            yield Row("embed", id, seconds / 3600, 4.0 * values / GIB, JOB_GIB, (id,))

    def _predict(self, rates: Rates) -> Iterable[Row]:
        n_seeds = len(self.config["probe_seeds"])
        readers: dict[tuple[str, bool, int], list[str]] = defaultdict(list)
        for id, variant in self.variants.items():
            for name in {variant.scene_embedding, variant.timestamp_embedding} - {None}:
                at_timestamps = Embedding.parse(name).views[0] != "scene"
                readers[name, at_timestamps, self._size(name)].append(id)
        for id, rate in rates.models.items():
            readers[f"{id}.scene", False, rate.scene[1]].append(id)
            readers[f"{id}.timestamp", True, rate.timestamp[1]].append(id)
        for (name, at_timestamps, size), ids in readers.items():
            seconds, largest = 0.0, 0.0
            for work in self.workloads.values():
                if work.at_timestamps != at_timestamps:
                    continue
                n_fits, n_epochs = self._fits(work.name)
                n_rows, share = self._n_rows(work), self._train_share(work.name)
                seconds += n_seeds * n_fits * n_epochs * share * n_rows * rates.probe_s(size)
                largest = max(largest, 4.0 * n_rows * size / GIB)
            if seconds:
                yield Row("predict", name, seconds / 3600, 0.0, JOB_GIB + largest, tuple(ids))
        n_jobs = len(self.workloads)
        yield Row("predict", "starting jobs", n_jobs * rates.start_s / 3600, 0.0, JOB_GIB)

    def _fits(self, task: str) -> tuple[int, float]:
        """Probes that are trained for one embedding and seed, and epochs of each."""
        grid = {"task_specific_param_grid": PRESCRIBED.get(task, {})}
        protocol = self.protocol.for_task({"task_name": task, "evaluation_params": grid})
        patience = PATIENCES * protocol.patience * protocol.validation_every
        n_fits = protocol.n_grid_points + n_folds(task, self.is_generated) - 1
        return n_fits, min(protocol.max_epochs, patience)

    def _train_share(self, task: str) -> float:
        n = n_folds(task, self.is_generated)
        return (n - 2) / n if n > 2 else TRAIN_SHARE

    def _n_rows(self, work: Workload) -> float:
        per_clip = 1000.0 * work.duration_s / TIMESTAMP_HOP_MS + 1 if work.at_timestamps else 1
        return work.n_clips * per_clip

    def _size(self, name: str) -> int:
        checkpoint = self.checkpoints[Embedding.parse(name).checkpoint]
        return embedding_size(name, checkpoint.architecture)

    def _views(self, id: str) -> set[tuple[str, str]]:
        variant = self.variants[id]
        names = {variant.scene_embedding, variant.timestamp_embedding} - {None}
        parsed = [Embedding.parse(name) for name in names]
        return {(e.checkpoint, view) for e in parsed for view in e.views}


def words(rows: list[Row], models: Iterable[str], cores: int) -> list[str]:
    """What dominates, and what would change if a model were dropped or shards added."""
    total = sum(row.hours for row in rows) or 1.0
    largest = sorted(rows, key=lambda row: -row.hours)[:3]
    shares = ", ".join(f"{r.stage} {r.item} {100 * r.hours / total:.0f} %" for r in largest)
    saved = Counter({id: 0.0 for id in models})
    for row in rows:
        if len(row.read_by) == 1:
            saved[row.read_by[0]] += row.hours
    drops = ", ".join(f"{id} {hours:.3g} h" for id, hours in saved.most_common(3) if hours)
    embed = max((row for row in rows if row.stage == "embed"), key=lambda row: row.hours)
    return [
        f"Total {total:.3g} h of one core, {total / cores:.3g} h on {cores}. Most of it: {shares}.",
        f"Dropping a model saves what it alone needs, the most: {drops or 'nothing'}.",
        f"The longest job ({embed.item}) takes {embed.hours:.3g} h; in 4 shards on 4 cores "
        f"{embed.hours / 4:.3g} h.",
    ]


def measured(logs: Path) -> dict[str, float]:
    """Hours that the jobs of a finished study took, from the workflow's benchmark files.

    Wall time: the CPU time that Snakemake samples misses what a job did since the last sample.
    """
    hours = {}
    for stage, folder in (("fetch", "fetch_task"), ("embed", "embed"), ("predict", "predict")):
        files = sorted((logs / folder).glob("*.tsv"))
        rows = [row for f in files for row in csv.DictReader(f.open(), delimiter="\t")]
        hours[stage] = sum(float(row["s"]) for row in rows) / 3600
    return hours


def compare(rows: list[Row], logs: Path) -> str:
    """Planned against measured hours, by stage and in total."""
    taken = measured(logs)
    planned = {stage: sum(r.hours for r in rows if r.stage == stage) for stage in taken}
    pairs = [(s, planned[s], taken[s]) for s in taken]
    pairs.append(("total", sum(planned.values()), sum(taken.values())))
    lines = [(*pair, pair[1] / pair[2] if pair[2] else None) for pair in pairs]
    return tabulate(lines, ("stage", "planned_h", "measured_h", "ratio"), "github", floatfmt=".3g")


def main() -> None:
    """Measure, plan, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--download-mb-per-s", type=float, default=10.0)
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="jobs at a time")
    parser.add_argument("--output", type=Path, help="default: results/<study>/plan.csv")
    parser.add_argument("--logs", type=Path, help="logs/<study> of a finished run to compare with")
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    variants, checkpoints = read_variants(config)
    workloads, is_generated = study_workloads(config)
    speed = arguments.download_mb_per_s
    plan = Plan(config, variants, checkpoints, workloads, is_generated, speed)
    generated = [work.name for work in workloads] if is_generated else []
    used = [checkpoints[id] for id in plan.used]
    models, cores = read_third_party(config), arguments.cores
    rates = measure(used, plan.protocol, plan.sizes(), generated, models, cores)
    rows = plan.rows(rates)
    lines = [(r.stage, r.item, r.hours, r.disk_gib, r.memory_gib) for r in rows]
    print(tabulate(lines, COLUMNS[:5], "github", floatfmt=".3g"))
    print(*words(rows, [*variants, *models], cores), sep="\n")
    print(f"Downloads counted at {speed:g} MB/s. Not counted: scores, statistics, figures, report.")
    if arguments.logs:
        print(compare(rows, arguments.logs))
    write(arguments.output or Path(f"results/{config['study']}/plan.csv"), rows, cores)


def write(path: Path, rows: list[Row], cores: int) -> None:
    """Write the plan as CSV, with the machine that it is of."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        here = machine()
        of = f"{here['processor']} x{here['logical CPUs']}, {cores} jobs at a time"
        writer.writerow((*COLUMNS, "machine"))
        for row in rows:
            numbers = (f"{x:.6g}" for x in (row.hours, row.disk_gib, row.memory_gib))
            writer.writerow((row.stage, row.item, *numbers, ";".join(row.read_by), of))


if __name__ == "__main__":
    main()
