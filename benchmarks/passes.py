"""Forward passes of a study: each view once, against each variant's released module by itself.

    .venv/bin/python -m benchmarks.passes --config config/paper.yaml

Counted from config/tasks.tsv (the 19 tasks' published sizes), the config's variants of PaSST and
their checkpoints' architectures; nothing is downloaded or run. The released modules compute M and
H, or one of them, per run and know no stored views: each variant is a run of its own.

CPU hours are the counted operations of every view at the speeds that ``benchmarks.embed`` measured
for it, hear21passt's and this software's (``results/embed_speed.csv``; scenes as those of 10 s).
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
from workflow.commands.cost import ViewCost, Workload, count_views, view_cost
from workflow.commands.sizes import hear_workloads, read_config, read_variants

OUTPUT = Path(__file__).parent / "results" / "passes.csv"
MEASURED_SIZE = (768, 12)  # width and depth of ViT-B


@dataclass(frozen=True)
class Speed:
    """CPU seconds per operation of one checkpoint and view."""

    reference: float
    ours: float


def read_speeds(path: Path, checkpoints: Mapping[str, Checkpoint]) -> dict[tuple[str, str], Speed]:
    """Read the speeds measured on one CPU thread, by checkpoint (of that size) and view.

    Raises
    ------
    KeyError
        If a case of ``benchmarks.embed`` was not measured.
    """
    measured = {
        (row["case"], row["hop_ms"]): row
        for row in csv.DictReader(path.open())
        if row["device"] == "cpu" and row["threads"] == "1"
    }
    speeds = {}
    for case in CASES:
        if case.n_files or case.view == "mel":
            continue
        row = measured[case.name, HOPS_MS[case.hop]]
        for id, checkpoint in checkpoints.items():
            size = (checkpoint.architecture.embed_dim, checkpoint.architecture.depth)
            if checkpoint.hop == case.hop and size == MEASURED_SIZE:
                work = Workload(case.name, case.view != "scene", 1, case.seconds)
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
    variants, checkpoints = read_variants(read_config(arguments.config))
    costs = count_views(variants.values(), checkpoints, hear_workloads())
    write_csv(pd.DataFrame([dataclasses.asdict(cost) for cost in costs]), arguments.output)
    totals = summary(costs, read_speeds(SPEEDS, checkpoints))
    write_csv(
        pd.DataFrame(totals), arguments.output.with_name(f"{arguments.output.stem}_total.csv")
    )
    for row in totals:
        print(", ".join(f"{key}: {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
