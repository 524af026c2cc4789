"""Cost of a worker process: CREPE in this process and in a worker of the same Python.

    .venv/bin/python -m benchmarks.worker

Wall seconds of embedding the same clips at timestamps, the two in turns, the least of several
repetitions; both have one thread and the same path of MKL. Writes ``results/worker.csv``.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pandas as pd
import torch

from analysis.tables.scores import write_csv
from benchmarks.machine import origin
from hear.api.model import HearModel
from workflow.process import configure
from workflow.sources import as_here

MODULE = Path(__file__).with_name("crepe_module.py")
OUTPUT = Path(__file__).parent / "results" / "worker.csv"
N_CLIPS, CLIP_S = 4, 2.0
REPEATS = 5


def main() -> None:
    """Measure both sizes of CREPE and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    configure(1, mkl_fast_path=True)
    worker = {"python": sys.executable, "timeout_s": 600}
    rows = []
    for size in ("tiny", "full"):
        options = {"size": size}
        models = {
            place: HearModel(**as_here({"module": str(MODULE), "options": options, "worker": own}))
            for place, own in (("here", None), ("worker", worker))
        }
        audio = torch.rand(N_CLIPS, round(CLIP_S * models["here"].sample_rate)) - 0.5
        found, took_s = {}, dict.fromkeys(models, float("inf"))
        for _ in range(REPEATS):
            for place, model in models.items():
                started = time.perf_counter()
                found[place] = model.embed(audio, "timestamp")[0]["E"]
                took_s[place] = min(took_s[place], time.perf_counter() - started)
        row = {"model": f"CREPE {size}", "clips": f"{N_CLIPS} of {CLIP_S:g} s"}
        row |= {f"{place}_s": f"{seconds:.3f}" for place, seconds in took_s.items()}
        row["ratio"] = f"{took_s['worker'] / took_s['here']:.3f}"
        row["equal"] = torch.equal(found["here"], found["worker"])
        rows.append(row | origin())
    write_csv(pd.DataFrame(rows), arguments.output)


if __name__ == "__main__":
    main()
