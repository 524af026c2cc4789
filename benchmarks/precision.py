"""Deviation of a study's embeddings and scores at another precision, or under MKL's other path.

    make
    .venv/bin/snakemake --cores 2 --config study=mini_bf16 'embedding={precision: bfloat16}' \\
        'select_models=[passt_mh_hop10,passt_m_hop10,passt_lm_2rf_hop5]' \\
        -- results/mini_bf16/replicates/mlp-mini.npz
    .venv/bin/python -m benchmarks.precision bfloat16 results/mini results/mini_bf16

    .venv/bin/snakemake --cores 2 --config 'probe_seeds=[42,43,44]' \\
        -- results/mini/replicates/mlp-mini.npz
    .venv/bin/snakemake --cores 2 --config study=mini_slow mkl_fast_path=false \\
        -- results/mini_slow/replicates/mlp-mini.npz
    .venv/bin/python -m benchmarks.precision "MKL's slow path" results/mini results/mini_slow

Any two studies of the same tasks and models can be compared; other rows stay. One row per view and
level of a checkpoint (``quantity`` is ``embeddings``: the largest difference of a value) and per
task and embedding (``score``: the difference over the seeds that both have, with the 95 % interval
of new test clips, the same draws for both). Intervals know nothing of the probe's seed; ``seed_sd``
is the standard deviation of the first study's score over its seeds, if it has several.
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
from benchmarks.rows import replace_rows
from hear.features.names import INDEX
from hear.features.store import read_index

OUTPUT = Path(__file__).parent / "results" / "precision.csv"
COLUMNS = (
    "study", "change", "quantity", "task", "of", "before", "after", "difference", "low", "high",
    "seed_sd", "machine", "versions",
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
        seeds = [old["tasks"][task]["seeds"].index(seed) for seed in facts["seeds"]]
        for i, (name, place) in enumerate(zip(facts["embeddings"], places, strict=True)):
            of_seeds = old_arrays[f"{task}/scores"][place]
            found, was = new_arrays[f"{task}/scores"][i].mean(), of_seeds[seeds].mean()
            replicates = new_arrays[f"{task}/replicates"][i].mean(axis=0)
            replicates = replicates - old_arrays[f"{task}/replicates"][place][seeds].mean(axis=0)
            low, high, _ = interval(found - was, replicates)
            numbers = {"before": was, "after": found, "difference": found - was}
            numbers |= {"low": low, "high": high}
            numbers |= {"seed_sd": of_seeds.std(ddof=1)} if len(of_seeds) > 1 else {}
            cells = {key: f"{value:.4f}" for key, value in numbers.items()}
            yield {"quantity": "score", "task": task, "of": name, **cells}


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per study and change: how far the values of its embeddings and its scores are apart.

    ``rows`` has the columns `COLUMNS`. ``n_apart`` counts the scores whose interval of the
    difference leaves out 0; ``sd`` is the standard deviation of the differences, ``seed_sd`` that
    of a score over seeds (root mean square).
    """
    summaries = []
    for (study, change), table in rows.groupby(["study", "change"], sort=False):
        values, found = (table[table["quantity"] == name] for name in ("embeddings", "score"))
        difference = found["difference"]
        apart = (found["low"] > 0) | (found["high"] < 0)
        row = {
            "study": study,
            "change": change,
            "n_tasks": found["task"].nunique(),
            "n_scores": len(found),
        }
        row |= {"n_equal": (difference == 0).sum(), "n_apart": apart.sum()}
        row |= {"mean_difference": f"{difference.mean():+.4f}"}
        row |= {"largest_difference": f"{difference.abs().max():.4f}"}
        row |= {"sd": f"{difference.std():.4f}"}
        over_seeds = np.sqrt((found["seed_sd"] ** 2).mean())
        row |= {"seed_sd": "" if np.isnan(over_seeds) else f"{over_seeds:.4f}"}
        for level in "MH":
            of_level = values[values["of"].str.endswith(f", {level}")]
            row[f"largest_in_{level}"] = f"{of_level['difference'].max():.1e}"
        origins = table[["machine", "versions"]].drop_duplicates().iloc[0]
        summaries.append(row | origins.to_dict())
    return pd.DataFrame(summaries)


def mkl_path(study: Path) -> str:
    """MKL's path in the jobs that embedded a study."""
    indices = [read_index(path.parent) for path in (study / "features").rglob(INDEX)]
    return ", ".join(sorted({index["provenance"]["software"]["mkl"] for index in indices}))


def main() -> None:
    """Compare two studies and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("change", help="in what the second study differs, in words")
    parser.add_argument("before", type=Path, help="results of the study as it is")
    parser.add_argument("after", type=Path, help="results of the study with the change")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    studies = (arguments.before, arguments.after)
    facts = {"study": arguments.before.name, "change": arguments.change}
    facts |= origin(mkl_path=mkl_path(arguments.after))
    rows = [row | facts for row in (*embeddings(*studies), *scores(*studies))]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    replace_rows(arguments.output, table.to_dict("records"), key=["study", "change"])
    summary = summarize(pd.read_csv(arguments.output))
    write_csv(summary, arguments.output.with_stem(f"{arguments.output.stem}_summary"))
    print(summary.to_string(index=False))


if __name__ == "__main__":
    main()
