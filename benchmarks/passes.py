"""Forward passes of a study: each view once, compared with separate runs of released modules.

    .venv/bin/python -m benchmarks.passes --config config/paper.yaml

The count is based on config/tasks.tsv (the 19 tasks' published sizes), the config's variants of
PaSST and their checkpoints' architectures; nothing is downloaded or run. The released modules
compute M and H, or one of them, per run and store no views: each variant is a separate run.

CPU hours are the counted operations of every view at the speeds that ``benchmarks.embed`` measured
for it, hear21passt's and this software's (``results/embed_speed.csv``, the first machine there;
scenes as those of 10 s).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.tables.scores import write_csv
from benchmarks.embed import CASES, HOPS_MS
from benchmarks.embed import OUTPUT as SPEEDS
from passt.checkpoints import Checkpoint
from workflow.commands.cost import pass_flops, view_passes
from workflow.commands.workloads import Workload, readers, workloads
from workflow.study.config import read_yaml
from workflow.study.study import Study, read_study

OUTPUT = Path(__file__).parent / "results" / "passes.csv"
MEASURED_SIZE = (768, 12)  # width and depth of ViT-B


@dataclass(frozen=True)
class Speed:
    """CPU seconds per operation of one checkpoint and view."""

    reference: float
    ours: float


@dataclass(frozen=True)
class ViewCost:
    """Forward passes of one checkpoint over one view of a workload.

    ``n_variants`` read the view: so often it is computed if each runs by itself. ``n_tokens`` is
    the sequence length of each pass, 0 for the mel level. ``reference_flops`` counts the whole last
    block, as the released modules compute it.
    """

    workload: str
    checkpoint: str
    view: str
    at_timestamps: bool
    n_variants: int
    n_passes: int
    n_tokens: int
    flops: int
    reference_flops: int


def view_cost(checkpoint: Checkpoint, view: str, work: Workload, n_variants: int = 1) -> ViewCost:
    """Count what one checkpoint does over one view of a workload."""
    key = (work.name, checkpoint.id, view, work.at_timestamps, n_variants)
    per_clip, n_tokens = view_passes(checkpoint, view, work.duration_s)
    n_passes = work.n_clips * per_clip
    if not n_passes:
        return ViewCost(*key, 0, 0, 0, 0)
    per_pass = [pass_flops(checkpoint.architecture, n_tokens, whole) for whole in (False, True)]
    return ViewCost(*key, n_passes, n_tokens, *(n_passes * flops for flops in per_pass))


def count_views(study: Study, works: Iterable[Workload]) -> list[ViewCost]:
    """Count the passes over every view that the variants of PaSST need.

    The sum of ``n_passes`` is what computing once takes, that of ``n_variants * n_passes`` what
    each variant by itself takes.
    """
    return [
        view_cost(study.checkpoints[source], view, work, len(models))
        for work in works
        for (source, view), models in readers(study, work)[1].items()
        if source in study.checkpoints
    ]


def read_speeds(path: Path, checkpoints: Mapping[str, Checkpoint]) -> dict[tuple[str, str], Speed]:
    """Read the first machine's speeds on one CPU thread, by checkpoint (of that size) and view.

    Raises
    ------
    KeyError
        If a case of ``benchmarks.embed`` was not measured.
    """
    rows = list(csv.DictReader(path.open()))
    wanted = {"mkl_path": "fast", "threads": "1", "precision": "float32"}
    wanted["machine"] = rows[0]["machine"]
    measured = {(row["case"], row["hop_ms"]): row for row in rows if wanted.items() <= row.items()}
    speeds = {}
    for case in CASES:
        if case.n_files or case.view == "mel":
            continue
        row = measured[case.name, HOPS_MS[case.hop]]
        for id, checkpoint in checkpoints.items():
            size = (checkpoint.architecture.embed_dim, checkpoint.architecture.depth)
            if checkpoint.hop == case.hop and size == MEASURED_SIZE:
                work = Workload(case.name, case.view != "scene", 1, case.seconds, 1, 1.0)
                cost = view_cost(checkpoint, case.view, work)
                reference = float(row["reference_s"]) / cost.reference_flops
                speeds[id, case.view] = Speed(reference, float(row["ours_s"]) / cost.flops)
    return speeds


def summary(
    costs: Iterable[ViewCost], speeds: Mapping[tuple[str, str], Speed]
) -> list[dict[str, str]]:
    """Totals of scene and timestamp embeddings, both ways; matrix products only.

    Raises
    ------
    ValueError
        If a view has no measured speed.
    """
    rows = []
    costs = [cost for cost in costs if cost.n_passes]
    for cost in costs:
        if (cost.checkpoint, cost.view) not in speeds:
            raise ValueError(f"{cost.checkpoint}, view {cost.view}: no speed in {SPEEDS}")
    for kind, at_timestamps in (("scenes", False), ("timestamps", True)):
        chosen = [cost for cost in costs if cost.at_timestamps == at_timestamps]
        alone = sum(cost.n_variants * cost.n_passes for cost in chosen)
        once = sum(cost.n_passes for cost in chosen)
        alone_flops = sum(cost.n_variants * cost.reference_flops for cost in chosen)
        once_flops = sum(cost.flops for cost in chosen)
        timed = [(cost, speeds[cost.checkpoint, cost.view]) for cost in chosen]
        alone_s = sum(c.n_variants * c.reference_flops * speed.reference for c, speed in timed)
        once_s = sum(c.flops * speed.ours for c, speed in timed)
        rows.append(
            {
                "embeddings": kind,
                "passes, each variant by itself": f"{alone:,}",
                "passes, each view once": f"{once:,}",
                "fewer": f"{alone / once:.2f}x",
                "PFLOP by itself": f"{alone_flops / 1e15:,.0f}",
                "PFLOP once": f"{once_flops / 1e15:,.0f}",
                "less": f"{alone_flops / once_flops:.2f}x",
                "CPU hours by itself, hear21passt": f"{alone_s / 3600:,.0f}",
                "CPU hours once": f"{once_s / 3600:,.0f}",
                "faster": f"{alone_s / once_s:.2f}x",
            }
        )
    return rows


def main() -> None:
    """Write one row per task, checkpoint and view, and print the totals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/paper.yaml"))
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    study = read_study(read_yaml(arguments.config))
    costs = count_views(study, workloads(study))
    write_csv(pd.DataFrame([dataclasses.asdict(cost) for cost in costs]), arguments.output)
    totals = summary(costs, read_speeds(SPEEDS, study.checkpoints))
    write_csv(
        pd.DataFrame(totals), arguments.output.with_name(f"{arguments.output.stem}_total.csv")
    )
    for row in totals:
        print(", ".join(f"{key}: {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
