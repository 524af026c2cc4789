"""Bootstrap of test clips: scores of replicates, from which intervals follow.

The test clips of each fold are drawn with replacement, the same draws for all models of a task
(paired); every draw, a replicate, is scored on the primary metric of the task. What follows from
the replicates is for ``analysis`` to say.

- The clusters are the test clips; for event tasks the files, whose frames and events are not
  independent.
- Folds are strata: the score of a k-fold task is the mean over folds, so clips are drawn within
  each fold. Of the n clips of a fold n - 1 are drawn, which makes the variance of a mean unbiased
  (Rao and Wu, "Resampling inference with complex survey data", JASA 83, 1988); n draws would
  make it too small by 1/n, a third where a fold has three files. A fold of a single clip says
  nothing of its spread: the scores of its replicates are NaN.
- Draws of different tasks are independent, also where two tasks share recordings.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from hear.metrics.metric import Weights
from hear.metrics.registry import METRICS
from hear.scores.files import PredictedFold, load_predictions, predicted_folds
from hear.scores.score import metric_arguments


class BootstrapError(ValueError):
    """Predictions of one task that do not belong together, or whose clips cannot be drawn again."""


def bootstrap_study(
    predictions: Mapping[str, Iterable[str | Path]],
    n_replicates: int,
    seed: int,
    progress: bool = True,
) -> tuple[dict, dict[str, NDArray]]:
    """Bootstrap every task of a study.

    ``predictions`` are files by task, one per embedding and probe seed. ``seed`` and the name of a
    task determine its draws, whatever other tasks there are. BootstrapError names the file.

    Returns
    -------
    header : dict
        ``seed, n_replicates, tasks``; per task ``metric, embeddings, seeds, folds, n_clips`` (test
        clips per fold).
    arrays : dict of ndarray
        ``{task}/scores`` float64 (n_embeddings, n_seeds, n_folds) on the clips as they are, and
        ``{task}/replicates`` float32 (n_embeddings, n_seeds, n_folds, n_replicates).
    """
    header: dict = {"seed": seed, "n_replicates": n_replicates, "tasks": {}}
    arrays: dict[str, NDArray] = {}
    n_files = sum(len(list(paths)) for paths in predictions.values())
    with tqdm(total=n_files, desc="bootstrap", unit="file", disable=not progress) as bar:
        for task, paths in predictions.items():
            rng = np.random.default_rng([seed, zlib.crc32(task.encode())])
            entry, scores, replicates = bootstrap_task(paths, n_replicates, rng, bar.update)
            header["tasks"][task] = entry
            arrays |= {f"{task}/scores": scores, f"{task}/replicates": replicates}
    return header, arrays


def draw_weights(n_clips: int, n_replicates: int, rng: np.random.Generator) -> Weights:
    """Draw n - 1 of n clips with replacement; return how often each was drawn.

    Whole numbers (n_replicates, n_clips); NaN for a single clip.
    """
    if n_clips < 2:
        return np.full((n_replicates, n_clips), np.nan, np.float32)
    chances = np.full(n_clips, 1 / n_clips)
    return rng.multinomial(n_clips - 1, chances, size=n_replicates).astype(np.float32)


def bootstrap_task(
    paths: Iterable[str | Path],
    n_replicates: int,
    rng: np.random.Generator,
    tick: Callable[[], object] = lambda: None,
) -> tuple[dict, NDArray[np.float64], NDArray[np.float32]]:
    """Bootstrap one task; see :func:`bootstrap_study`, whose entry and arrays it returns."""
    cells: dict[tuple[str, int], tuple[list, list]] = {}
    first: tuple | None = None
    weights: list[Weights] = []
    for path in paths:
        header, arrays = load_predictions(path)
        predicted = list(predicted_folds(header, arrays))
        facts = _primary(predicted, path), [(one.name, one.fold["files"]) for one in predicted]
        if first is None:
            first = facts
            weights = [draw_weights(len(files), n_replicates, rng) for _, files in facts[1]]
        elif facts != first:
            raise BootstrapError(
                f"{path}: expected the same metric, folds and test clips as in the task's other "
                "predictions: the task has changed between them"
            )
        key = header["provenance"]["embedding"], header["seed"]
        if key in cells:
            raise BootstrapError(f"{path}: expected embedding and seed {key} once, found it twice")
        cells[key] = _score_folds(predicted, weights)
        tick()
    if first is None:
        raise BootstrapError("expected at least one file of predictions, found none")
    embeddings = list(dict.fromkeys(embedding for embedding, _ in cells))
    seeds = sorted({seed for _, seed in cells})
    missing = [(e, s) for e in embeddings for s in seeds if (e, s) not in cells]
    if missing:
        raise BootstrapError(f"expected every embedding with every seed, found none of {missing}")
    scores, replicates = (
        np.array([[cells[embedding, seed][i] for seed in seeds] for embedding in embeddings])
        for i in (0, 1)
    )
    metric, folds = first
    entry = {"metric": metric, "embeddings": embeddings, "seeds": seeds}
    entry |= {"folds": [n for n, _ in folds], "n_clips": [len(files) for _, files in folds]}
    return entry, scores, replicates.astype(np.float32)


def _primary(predicted: list[PredictedFold], path: str | Path) -> str:
    """The primary metric, the same in all folders and one that knows bootstrapped clips."""
    metrics = {one.folder["metrics"][0] for one in predicted}
    if len(metrics) != 1:
        raise BootstrapError(f"{path}: expected one primary metric, found {sorted(metrics)}")
    metric = metrics.pop()
    known = [slug for slug, record in METRICS.items() if record.weighted is not None]
    if metric not in known:
        raise BootstrapError(f"{path}: primary metric {metric}: expected one of {', '.join(known)}")
    return metric


def _score_folds(
    predicted: list[PredictedFold], weights: list[Weights]
) -> tuple[list[float], list[NDArray[np.float64]]]:
    """Score every fold as it is and on all its replicates."""
    scores, replicates = [], []
    for one, drawn in zip(predicted, weights, strict=True):
        metric, arguments = METRICS[one.folder["metrics"][0]], metric_arguments(one)
        once = np.ones((1, drawn.shape[1]), np.float32)
        scores.append(float(metric.bootstrap(*arguments, weights=once)[0]))
        if np.isnan(drawn).any():
            replicates.append(np.full(len(drawn), np.nan))
        else:
            replicates.append(metric.bootstrap(*arguments, weights=drawn))
    return scores, replicates
