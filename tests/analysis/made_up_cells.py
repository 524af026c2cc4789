"""Made-up scores and bootstrapped scores for the tests of statistics and claims."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from score_rows import METRICS

from analysis.statistics.cells import Cells
from analysis.tables.normalize import SUMMARY_COLUMNS

CATEGORY = {"esc50": "general", "fsd50k": "general", "maestro": "music", "libricount": "speech"}
METRIC = {"esc50": "top1_acc", "fsd50k": "mAP", "maestro": "event_onset_50ms_fms"}


def make_cells(
    scores: dict[str, dict[str, float]],
    source: dict[str, str] | None = None,
    spread: float = 0.0,
    n_replicates: int = 400,
    seed: int = 0,
    n_seeds: int = 3,
) -> Cells:
    """Cells of {model: {task: score}}; bootstrapped scores are normal around the score."""
    models = tuple(scores)
    tasks = tuple(dict.fromkeys(task for of_model in scores.values() for task in of_model))
    score = np.array([[scores[m].get(t, np.nan) for t in tasks] for m in models], float)
    noise = np.random.default_rng(seed).normal(0, spread, (*score.shape, n_replicates))
    return Cells(
        models=models,
        tasks=tasks,
        source=dict.fromkeys(models, "run") | (source or {}),
        category={task: CATEGORY[task] for task in tasks},
        metric={task: METRICS[METRIC.get(task, "top1_acc")] for task in tasks},
        n_clips=dict.fromkeys(tasks, 50),
        n_seeds=dict.fromkeys(tasks, n_seeds),
        n_sources=dict.fromkeys(tasks, 0),
        drawn=dict.fromkeys(tasks, "clips"),
        score=score,
        replicates=score[..., None] + noise,
    )


def write_replicates(
    path: Path, task: str, metric: str, scores: np.ndarray, replicates: np.ndarray, n_clips: int
) -> Path:
    """File of bootstrapped scores of embeddings e0, e1, …; arrays (embeddings, seeds, …)."""
    n_embeddings, n_seeds, n_replicates = replicates.shape
    entry = {"metric": metric, "embeddings": [f"e{i}" for i in range(n_embeddings)]}
    entry |= {"seeds": list(range(n_seeds)), "n_clips": n_clips, "n_scored": n_clips}
    entry |= {"folds": ["test"], "drawn": "clips", "n_sources": 0}
    entry |= {"degrees_of_freedom": n_clips - 1}
    header = {"seed": 0, "n_replicates": n_replicates, "tasks": {task: entry}}
    arrays = {f"{task}/scores": scores, f"{task}/replicates": replicates.astype(np.float32)}
    with open(path, "wb") as stream:
        np.savez(stream, header=np.array(json.dumps(header)), **arrays)
    return path


def summary_of(scores: dict[str, float], task: str, metric: str) -> pd.DataFrame:
    """Summary of a run's models on one task."""
    rows = [
        dict.fromkeys(SUMMARY_COLUMNS, np.nan)
        | {"model": model, "task": task, "category": CATEGORY[task], "metric": metric}
        | {"score": score, "source": "run"}
        for model, score in scores.items()
    ]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
