"""Wall time of embedding the default study: each view once, or again for each variant.

    .venv/bin/python -m benchmarks.embed_study [TASKS]

Reads the tasks of the default study, so run that first (``make``). Both ways run this software in
one process and differ only in how often a view is computed. "By itself" computes every view of a
variant for that variant alone, as users of the released modules do. Writes
``benchmarks/results/embed_study.csv``, with one row per task and a last row for all.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from analysis.tables.scores import write_csv
from benchmarks.machine import origin
from hear.features.embed import embed_task
from hear.tasks.manifest import read_manifest
from passt.weights import load_embedder
from workflow.process import configure
from workflow.study import paths
from workflow.study.study import Study, read_study

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "benchmarks" / "results" / "embed_study.csv"
View = tuple[str, str]  # checkpoint, view


def views_of_variants(study: Study, task: str) -> list[list[View]]:
    """Distinct views of every variant of PaSST that has an embedding for the task."""
    embeddings = study.embeddings_of(study.tasks[task].embedding_type)
    variants = [e for id, e in embeddings.items() if study.models[id].variant is not None]
    return [list(dict.fromkeys((s, v) for s, v, _ in study.components(e))) for e in variants]


def embed(study: Study, task: str, views: list[View], bar: tqdm) -> float:
    """Embed a task's clips by some views into a folder that is thrown away; wall seconds."""
    _, folders = read_manifest(paths.manifest(study, task))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        for i, (checkpoint, view) in enumerate(views):
            model = load_embedder(study.checkpoints[checkpoint])
            embed_task(folders, model, {view: Path(directory) / str(i)}, {}, progress=False)
            bar.update()
    return time.perf_counter() - started


def main() -> None:
    """Measure both ways, task by task, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", help="default: all of the study")
    arguments = parser.parse_args()
    configure(1, mkl_fast_path=True)
    study = read_study({})
    rows, total = [], {}
    for task in arguments.tasks or study.tasks:
        variants = views_of_variants(study, task)
        ways = {
            "once": list(dict.fromkeys(view for views in variants for view in views)),
            "by_itself": [view for views in variants for view in views],
        }
        row: dict[str, str | int | float] = {"task": task, "n_variants": len(variants)}
        for way, views in ways.items():
            with tqdm(total=len(views), desc=f"{task} {way}", unit="view") as bar:
                seconds = embed(study, task, views, bar)
            row |= {f"n_views_{way}": len(views), f"wall_s_{way}": seconds}
        rows.append(row)
        numbers = {k: v for k, v in row.items() if k not in ("task", "n_variants")}
        total = {key: total.get(key, 0) + value for key, value in numbers.items()}
    rows.append({"task": f"all {len(rows)}", "n_variants": ""} | total)
    for row in rows:
        row["ratio"] = f"{row['wall_s_by_itself'] / row['wall_s_once']:.2f}"
        row |= {key: f"{row[key]:.1f}" for key in ("wall_s_once", "wall_s_by_itself")}
        row |= {"threads": 1} | origin()
    write_csv(pd.DataFrame(rows), OUTPUT)


if __name__ == "__main__":
    main()
