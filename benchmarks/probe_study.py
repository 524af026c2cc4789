"""Time and equality of predictions of both evaluators on the default study's embeddings.

    .venv/bin/python -m benchmarks.probe_study [--python PYTHON] TASKS

Runs what the rule predict runs, with ``evaluator: native`` and ``evaluator: heareval``, on every
distinct embedding of the tasks, under the study's protocol and, both, MKL's fast path. Run the
default study first (``make``) and ``make heareval``. CPU seconds are those of the process and its
children; importing this software is charged once per task, as the workflow does. Writes
``benchmarks/results/probe_study.csv``, one row per task.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.machine import cpu_seconds, origin
from benchmarks.rows import replace_rows
from hear.evaluators import evaluator
from hear.features.store import read_stored
from hear.heareval.backend import PYTHON
from hear.tasks.manifest import read_manifest
from passt import mkl
from workflow.process import configure
from workflow.study import paths
from workflow.study.study import Study, read_study

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "benchmarks" / "results" / "probe_study.csv"
SEED = 42  # the reference's


def measure(study: Study, task: str, python: str, bar: tqdm) -> dict:
    """Run one task by both evaluators."""
    _, folders = read_manifest(paths.manifest(study, task))
    embeddings = dict.fromkeys(study.embeddings_of(study.tasks[task].embedding_type).values())
    started = cpu_seconds()
    subprocess.run([sys.executable, "-c", "import hear.probe.predict"], cwd=ROOT, check=True)
    seconds, n_equal = {"native": cpu_seconds() - started, "heareval": 0.0}, 0
    for embedding in embeddings:
        parts = paths.components(study, embedding, task)
        found = []
        for name in seconds:
            started = cpu_seconds()
            predict_task = evaluator(name, python, mkl.__file__)
            _, arrays = predict_task(folders, read_stored(parts), study.protocol, SEED, {}, False)
            seconds[name] += cpu_seconds() - started
            found.append(arrays)
            bar.update()
        n_equal += all(np.array_equal(found[0][key], found[1][key]) for key in found[0])
    return {
        "task": task,
        "n_embeddings": len(embeddings),
        "n_equal_predictions": n_equal,
        "native_cpu_s": f"{seconds['native']:.1f}",
        "heareval_cpu_s": f"{seconds['heareval']:.1f}",
        "ratio": f"{seconds['heareval'] / seconds['native']:.2f}",
        "protocol": study.protocol.name,
    } | origin(python)


def main() -> None:
    """Measure the tasks and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--python", default=str(PYTHON))
    arguments = parser.parse_args()
    configure(1, mkl_fast_path=True)
    study = read_study({})
    with tqdm(unit="run") as bar:
        for task in arguments.tasks:
            replace_rows(OUTPUT, [measure(study, task, arguments.python, bar)], ["task"])


if __name__ == "__main__":
    main()
