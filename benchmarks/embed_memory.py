"""Peak memory of embedding as a function of the number and length of clips.

    .venv/bin/python -m benchmarks.embed_memory

Each case embeds a generated task with a tiny network in a process of its own; the peak is the
increase of resident memory over that before embedding.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from analysis.tables.scores import write_csv
from benchmarks.clips import open_task, write_task
from benchmarks.machine import origin, peak_mib
from hear.features.embed import embed_task
from hear.features.store import publish, read_components
from passt.checkpoints import Checkpoint
from passt.weights import load_embedder
from workflow.process import configure

CASES = (  # view, clips, seconds of each
    ("scene", 100, 0.5),
    ("scene", 1_000, 0.5),
    ("scene", 10_000, 0.5),
    ("rf160", 1, 60.0),
    ("rf160", 1, 600.0),  # the longest of HEAR 2021's tasks
    ("rf160", 1, 1200.0),  # the longest that the HEAR API allows
    ("scene", 1, 600.0),
)
RATE_HZ = 32_000
OUTPUT = Path(__file__).parent / "results" / "embed_memory.csv"
TINY = {"init": "random", "hop": 320, "embed_dim": 64, "depth": 1, "num_heads": 1, "n_classes": 50}
MIB = 2**20


def run(view: str, task: str, features: str) -> None:
    """Embed a task in this process and print the memory before and at the peak."""
    configure(1, mkl_fast_path=True)
    folder = open_task(Path(task))
    model = load_embedder(Checkpoint.from_config("tiny", TINY))
    model.embed(torch.zeros(1, RATE_HZ), view)  # what torch sets up once is no growth
    before = peak_mib()
    embed_task([folder], model, {view: Path(features)}, {}, progress=False)
    publish(Path(features))
    n_rows = len(read_components([(Path(features), "M")], folder.name, "train"))
    print(json.dumps({"before_mib": before, "peak_mib": peak_mib(), "n_rows": n_rows}))


def measure(view: str, n_clips: int, seconds: float) -> dict:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        noise = 0.1 * np.random.default_rng(0).standard_normal(int(seconds * RATE_HZ))
        task = write_task(Path(folder) / "noise-v1-full", [noise] * n_clips, RATE_HZ)
        command = [sys.executable, "-m", "benchmarks.embed_memory", "--run", view, str(task.path)]
        start = time.perf_counter()
        done = subprocess.run([*command, f"{folder}/features"], capture_output=True, check=True)
        found = json.loads(done.stdout)
    audio = n_clips * len(noise) * 4 / MIB
    size = TINY["embed_dim"] + TINY["n_classes"]
    return {
        "view": view,
        "n_clips": n_clips,
        "seconds_each": seconds,
        "n_rows": found["n_rows"],
        "audio_mib": f"{audio:.1f}",
        "stored_mib": f"{found['n_rows'] * size * 4 / MIB:.1f}",
        "before_mib": f"{found['before_mib']:.0f}",
        "growth_mib": f"{found['peak_mib'] - found['before_mib']:.1f}",
        "wall_s": f"{time.perf_counter() - start:.1f}",
        **origin(),
    }


def main() -> None:
    """Measure every case and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    if arguments.run:
        run(*arguments.run)
        return
    rows = []
    for case in CASES:
        rows.append(measure(*case))
        print(rows[-1], flush=True)
        write_csv(pd.DataFrame(rows), arguments.output)


if __name__ == "__main__":
    main()
