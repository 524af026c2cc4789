"""Forward passes of a study: each view once, against each variant's released module by itself.

    .venv/bin/python -m benchmarks.passes --config config/paper.yaml

Counted from config/tasks.tsv (the 19 tasks' published sizes), the config's variants of PaSST and
their checkpoints' architectures; nothing is downloaded or run. The released modules compute M and
H, or one of them, per run and know no stored views: each variant is a run of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from analysis.scores import write_csv
from passt.cost import ViewCost, count_views
from workflow.sizes import hear_workloads, read_config, read_variants

OUTPUT = Path(__file__).parent / "results" / "passes.csv"


def summary(costs: Iterable[ViewCost]) -> list[dict[str, str]]:
    """Totals of scene and timestamp embeddings, both ways; matrix products only."""
    rows = []
    costs = [cost for cost in costs if cost.n_passes]
    for kind, at_timestamps in (("scenes", False), ("timestamps", True)):
        chosen = [cost for cost in costs if cost.at_timestamps == at_timestamps]
        alone = sum(cost.n_variants * cost.n_passes for cost in chosen)
        once = sum(cost.n_passes for cost in chosen)
        alone_flops = sum(cost.n_variants * cost.reference_flops for cost in chosen)
        once_flops = sum(cost.flops for cost in chosen)
        rows.append(
            {
                "embeddings": kind,
                "passes, each variant by itself": f"{alone:,}",
                "passes, each view once": f"{once:,}",
                "fewer": f"{alone / once:.2f}x",
                "PFLOP by itself": f"{alone_flops / 1e15:,.0f}",
                "PFLOP once": f"{once_flops / 1e15:,.0f}",
                "less": f"{alone_flops / once_flops:.2f}x",
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
    totals = summary(costs)
    write_csv(
        pd.DataFrame(totals), arguments.output.with_name(f"{arguments.output.stem}_total.csv")
    )
    for row in totals:
        print(", ".join(f"{key}: {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
