"""Verdicts of one study on tasks that were generated with several seeds.

    make
    .venv/bin/snakemake --cores 2 --config study=mini_seed1 seed=1 -- results/mini_seed1/claims.csv
    .venv/bin/python -m benchmarks.generator_seeds results/mini results/mini_seed?

Writes ``benchmarks/results/generator_seeds.csv``, one row per study and claim that was tested, and
``generator_seeds_summary.csv``, one row per pair of studies; rows of other studies stay. Two
estimates are `apart` if the 95 % interval of their difference, with independent errors, leaves out
0. The seed draws the clips; the sources (voices, pianos, guns) are the same for every seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.claims.claim import FAILS, HOLDS, NOT_TESTED, verdict_kind
from analysis.tables.scores import read_csv, write_csv
from benchmarks.rows import replace_rows
from workflow.machine import machine_name

RESULTS = Path(__file__).parent / "results"
NUMBERS = ["estimate", "low", "high"]


def claims_of(folder: Path) -> pd.DataFrame:
    """Claims that a study tested by an interval, by their id: label, verdict, estimate, low, high.

    ScoresError names a table that cannot be read.
    """
    claims = read_csv(folder / "claims.csv", na_values=dict.fromkeys(NUMBERS, [""]))
    claims["verdict"] = claims["verdict"].map(verdict_kind)
    claims = claims[(claims["verdict"] != NOT_TESTED) & claims["low"].notna()]
    return claims.set_index("claim_id")[["short", "verdict", *NUMBERS]]


def read_studies(table: Path) -> dict[str, pd.DataFrame]:
    """Claims as `claims_of` gives them, by the study's name, from a table of several studies."""
    return {name: rows.set_index("claim_id") for name, rows in pd.read_csv(table).groupby("study")}


def pairs(studies: dict[str, pd.DataFrame]) -> Iterator[dict[str, object]]:
    """Agreement of each pair of studies on the claims that both tested."""
    for (name, one), (other_name, other) in combinations(studies.items(), 2):
        both = one.merge(other, left_index=True, right_index=True, suffixes=("", "_other"))
        here, there = both["verdict"], both["verdict_other"]
        decided = here.isin([HOLDS, FAILS]) & there.isin([HOLDS, FAILS])
        half = np.hypot(both["high"] - both["low"], both["high_other"] - both["low_other"]) / 2
        apart = (both["estimate"] - both["estimate_other"]).abs() > half
        yield {
            "studies": f"{name}, {other_name}",
            "n_claims": len(both),
            "n_same_verdict": (here == there).sum(),
            "n_decided_in_both": decided.sum(),
            "n_opposite": (decided & (here != there)).sum(),
            "n_apart": apart.sum(),
            "n_apart_by_chance": round(0.05 * len(both), 1),
        }


def main() -> None:
    """Compare studies and write both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="of a study")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    studies = {folder.name: claims_of(folder) for folder in arguments.folders}
    rows = pd.concat(studies, names=["study"]).reset_index().assign(machine=machine_name())
    table = arguments.output / "generator_seeds.csv"
    replace_rows(table, rows.to_dict("records"), key=["study"])
    kept = read_studies(table)
    summary = pd.DataFrame(pairs(kept)).assign(machine=machine_name())
    write_csv(summary, arguments.output / "generator_seeds_summary.csv")
    print(summary.drop(columns="machine").to_string(index=False))


if __name__ == "__main__":
    main()
