"""Deviation of the default study's embeddings and scores at other precisions.

    make
    .venv/bin/snakemake --cores 2 --config study=mini_bf16 'embedding={precision: bfloat16}' \\
        'select_models=[passt_mh_hop10,passt_m_hop10,passt_lm_2rf_hop5]' \\
        -- results/mini_bf16/replicates/mlp-mini.npz
    .venv/bin/python -m benchmarks.precision results/mini results/mini_bf16

One row per view and level of a checkpoint (``quantity`` is ``embeddings``: the largest difference
of a value) and per task and embedding (``score``: the difference, with the 95 % interval of new
test clips, the same draws for both). Intervals know nothing of the probe's seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.statistics.cells import read_replicates
from analysis.statistics.intervals import interval
from analysis.tables.scores import write_csv
from benchmarks.machine import origin
from hear.features.store import INDEX, read_index

OUTPUT = Path(__file__).parent / "results" / "precision.csv"
COLUMNS = (
    "quantity", "task", "of", "before", "after", "difference", "low", "high", "machine", "versions",
)  # fmt: skip
Row = dict[str, object]


def embeddings(before: Path, after: Path) -> Iterator[Row]:
    """Largest difference of each level of a view, over all tasks."""
    largest: dict[tuple[str, str, str], float] = {}
    for path in sorted((after / "features").rglob("*.npy")):
        source, _, view, level = path.relative_to(after / "features").with_suffix("").parts
        old, new = (np.load(root / path.relative_to(after), "r") for root in (before, after))
        difference = float(np.abs(new.astype(np.float64) - old).max())
        key = (source, view, level)
        largest[key] = max(largest.get(key, 0.0), difference)
    for (source, view, level), difference in largest.items():
        what = f"{source}, {view}, {level}"
        yield {"quantity": "embeddings", "of": what, "difference": f"{difference:.1e}"}


def scores(before: Path, after: Path) -> Iterator[Row]:
    """Difference of the score of each embedding and task that both studies have."""
    (old, old_arrays), (new, new_arrays) = (
        read_replicates(root / "replicates/mlp-mini.npz") for root in (before, after)
    )
    for task, facts in new["tasks"].items():
        if facts["n_clips"] != old["tasks"][task]["n_clips"]:
            raise SystemExit(f"{task}: expected the same test clips in both studies")
        places = [old["tasks"][task]["embeddings"].index(name) for name in facts["embeddings"]]
        for i, (name, place) in enumerate(zip(facts["embeddings"], places, strict=True)):
            found = new_arrays[f"{task}/scores"][i].mean()
            was = old_arrays[f"{task}/scores"][place].mean()
            replicates = new_arrays[f"{task}/replicates"][i].mean(axis=0)
            replicates = replicates - old_arrays[f"{task}/replicates"][place].mean(axis=0)
            low, high, _ = interval(found - was, replicates)
            numbers = {"before": was, "after": found, "difference": found - was}
            numbers |= {"low": low, "high": high}
            cells = {key: f"{value:.4f}" for key, value in numbers.items()}
            yield {"quantity": "score", "task": task, "of": name, **cells}


def mkl_path(study: Path) -> str:
    """MKL's path in the jobs that embedded a study."""
    indices = [read_index(path.parent) for path in (study / "features").rglob(INDEX)]
    return ", ".join(sorted({index["provenance"]["software"]["mkl"] for index in indices}))


def main() -> None:
    """Compare two studies and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="results of the study in float32")
    parser.add_argument("after", type=Path, help="results of the study in another precision")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    studies = (arguments.before, arguments.after)
    facts = origin(mkl_path=mkl_path(arguments.after))
    rows = [row | facts for row in (*embeddings(*studies), *scores(*studies))]
    write_csv(pd.DataFrame(rows, columns=list(COLUMNS)), arguments.output)
    table = pd.DataFrame(rows).query("quantity == 'score'")
    difference = table["difference"].astype(float)
    apart = (table["low"].astype(float) > 0) | (table["high"].astype(float) < 0)
    print(
        f"{len(table)} scores, {(difference == 0).sum()} equal, mean difference "
        f"{difference.mean():+.4f}, largest {difference.abs().max():.4f}, {apart.sum()} whose "
        "interval leaves out 0"
    )


if __name__ == "__main__":
    main()
