"""Rankings by the mini protocol and by the reference protocol, on stored features.

    python -m benchmarks.mini_protocol speech_commands_5h gunshot_triangulation vocal_imitation

Reads the features of the default study, so run that first. Writes
``benchmarks/results/mini_protocol.csv``, one row per task and embedding, and
``mini_protocol_summary.csv``, one row per task. The reference protocol also runs with a second
seed: its agreement with itself is an upper bound for any other protocol.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from tqdm import tqdm

from benchmarks.machine import origin
from hear.features.store import read_stored
from hear.probe.predict import predict_task
from hear.protocol import Protocol
from hear.scores.score import score_predictions
from hear.tasks.manifest import read_manifest
from workflow.process import configure
from workflow.study import paths
from workflow.study.study import Study, read_study

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
SEED, OTHER_SEED = 42, 43  # the first is the reference's


def compare(study: Study, task: str, bar: tqdm) -> list[dict]:
    """Score every distinct embedding of a task under both protocols.

    Returns
    -------
    list of dict
        ``task, embedding, protocol, seed, score, cpu_s``.
    """
    _, folders = read_manifest(paths.manifest(study, task))
    embeddings = dict.fromkeys(study.embeddings_of(study.tasks[task].embedding_type).values())
    rows = []
    for embedding in embeddings:
        parts = paths.components(study, embedding, task)
        for protocol, seed in (
            (study.protocol, SEED),
            (Protocol(), SEED),
            (Protocol(), OTHER_SEED),
        ):
            start = time.process_time()
            predictions = predict_task(folders, read_stored(parts), protocol, seed, {}, False)
            scores = [r["score"] for r in score_predictions(*predictions) if r["primary"]]
            row = {"task": task, "embedding": embedding, "protocol": protocol.name, "seed": seed}
            cpu_s = round(time.process_time() - start, 2)
            rows.append(row | {"score": float(np.mean(scores)), "cpu_s": cpu_s})
            bar.update()
    return rows


def correlation(one: pd.Series, other: pd.Series) -> float:
    """Spearman's rank correlation."""
    return round(float(spearmanr(one, other)[0]), 3)


def summarize(table: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation of both protocols' scores over the embeddings of each task."""
    rows = []
    for task, group in table.groupby("task", sort=False):
        scores = group.pivot(index="embedding", columns=["protocol", "seed"], values="score")
        mini, reference = scores["mini", SEED], scores["reference", SEED]
        again = scores["reference", OTHER_SEED]
        seconds = group[group["seed"] == SEED].groupby("protocol")["cpu_s"].sum()
        rows.append(
            {
                "task": task,
                "n_embeddings": len(scores),
                "spearman": correlation(mini, reference),
                "spearman_reference_seeds": correlation(reference, again),
                "same_best": mini.idxmax() == reference.idxmax(),
                "same_best_reference_seeds": reference.idxmax() == again.idxmax(),
                "mini_mean_score": round(mini.mean(), 4),
                "reference_mean_score": round(reference.mean(), 4),
                "mini_cpu_s": round(seconds["mini"], 1),
                "reference_cpu_s": round(seconds["reference"], 1),
                **origin(),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    """Compare the protocols on the tasks named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+", help="scene tasks of the default study")
    tasks = parser.parse_args().tasks
    configure(1, mkl_fast_path=True)
    study = read_study({})
    if unknown := sorted(set(tasks) - set(study.tasks_of("scene"))):
        sys.exit(f"expected scene tasks of study {study.name}, found {', '.join(unknown)}")
    n_embeddings = len(set(study.embeddings_of("scene").values()))
    with tqdm(total=3 * n_embeddings * len(tasks), unit="probe", desc="protocols") as bar:
        rows = [row for task in tasks for row in compare(study, task, bar)]
    RESULTS.mkdir(exist_ok=True)
    table = pd.DataFrame(rows)
    table.to_csv(RESULTS / "mini_protocol.csv", index=False)
    summarize(table).to_csv(RESULTS / "mini_protocol_summary.csv", index=False)


if __name__ == "__main__":
    main()
