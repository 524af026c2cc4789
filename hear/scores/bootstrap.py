"""Bootstrap of test clips: scores of replicates, from which `analysis` computes intervals.

The independent units of a task's test part are drawn with replacement, with the same draws for all
models of a task (paired). Each draw, a replicate, is scored on the task's primary metric.

- The errors of clips that share a speaker, an instrument or a place are correlated; therefore
  *sources* are drawn, each with all its clips. Without sources, clips are drawn; in event tasks,
  files, because their frames and events are not independent.
- Folds are strata: the score of a k-fold task is the mean over folds, so sources are drawn within
  each fold. From the n sources of a fold, n - 1 are drawn, which makes the variance of a mean
  unbiased (Rao and Wu, "Resampling inference with complex survey data", JASA 83, 1988); n draws
  would underestimate it by 1/n, that is by a third for a fold of three files. The spread of a fold
  with a single clip is unknown: its replicates have score NaN.
- If every fold has a single source, whole folds are drawn, n - 1 of the n sources.
- With fewer than `MIN_FREEDOM` degrees of freedom, the spread over sources cannot be estimated:
  clips are drawn instead, and the replicates represent other clips of the same sources.
- Tasks with the same test clips, identified by name, get the same draws.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from hear.metrics.metric import Metric, Weights
from hear.metrics.registry import METRICS
from hear.scores.files import (
    PredictedFold,
    load_predictions,
    predicted_folds,
    without_left_out,
)
from hear.scores.score import metric_arguments

Sources = Mapping[str, Mapping[str, str]]  # of a task's test clips, by fold and clip
MIN_FREEDOM = 4  # chosen: below it Student's quantile is 3 and more, and clips are drawn


class BootstrapError(ValueError):
    """Predictions of one task that are inconsistent, or whose clips cannot be bootstrapped."""


def bootstrap_study(
    predictions: Mapping[str, Iterable[str | Path]],
    sources: Mapping[str, Sources],
    n_replicates: int,
    seed: int,
    progress: bool = True,
) -> tuple[dict, dict[str, NDArray]]:
    """Bootstrap every task of a study, except those left out (`hear.scores.files`).

    ``predictions`` are files by task, one per embedding and probe seed; ``sources`` are the sources
    of each task's clips. Draws depend only on ``seed`` and the names of the test clips, not on
    other tasks. BootstrapError names the file.

    Returns
    -------
    header : dict
        ``seed, n_replicates, tasks``; per task ``metric, embeddings, seeds, folds, n_clips,
        n_scored`` (clips, or reference events), and of the draws ``drawn`` (``clips`` or
        ``sources``), ``n_sources`` (0 if unknown), ``degrees_of_freedom``.
    arrays : dict of ndarray
        ``{task}/scores`` float64 (n_embeddings, n_seeds) on the actual test clips, and
        ``{task}/replicates`` float32 (n_embeddings, n_seeds, n_replicates). Both are means over
        folds; undefined scores are replaced by the metric's ``missing_score``.
    """
    header: dict = {"seed": seed, "n_replicates": n_replicates, "tasks": {}}
    arrays: dict[str, NDArray] = {}
    scored = {task: without_left_out(paths) for task, paths in predictions.items()}
    n_files = sum(map(len, scored.values()))
    with tqdm(total=n_files, desc="bootstrap", unit="file", disable=not progress) as bar:
        for task, paths in scored.items():
            if not paths:
                continue
            entry, scores, replicates = bootstrap_task(
                paths, sources[task], n_replicates, seed, bar.update
            )
            header["tasks"][task] = entry
            arrays |= {f"{task}/scores": scores, f"{task}/replicates": replicates}
    return header, arrays


@dataclass(frozen=True)
class Draws:
    """Draws of one task: multiplicity of each clip and each fold in each replicate.

    ``clips`` are (n_replicates, n_clips) per fold, ``folds`` (n_replicates, n_folds): whole
    numbers, or NaN if a fold has a single clip. Units that are not drawn have one row of ones.
    """

    clips: list[Weights]
    folds: NDArray[np.float32]
    drawn: str  # clips or sources
    n_sources: int  # 0 if unknown
    degrees_of_freedom: float

    def over_folds(self, scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Mean over folds of each replicate, from the scores of each fold on its drawn clips."""
        by_fold = np.stack(np.broadcast_arrays(*scores), axis=1)  # (n_replicates or 1, n_folds)
        return (by_fold * self.folds).sum(axis=1) / self.folds.sum(axis=1)

    def facts(self) -> dict[str, object]:
        """Facts for the header."""
        names = ("drawn", "n_sources", "degrees_of_freedom")
        return {name: getattr(self, name) for name in names}


def draw_task(
    folds: Mapping[str, Sequence[str]], sources: Sources, n_replicates: int, seed: int
) -> Draws:
    """Draw the sources of a task's test clips, or the clips; ``folds`` has the clips by fold.

    Degrees of freedom are the number of sources minus one per fold. For sources of unequal size,
    the effective number is (sum n)**2 / sum n**2 (Kish, "Survey sampling", 1965).
    """
    units = [
        [known.get(clip, f"\0{clip}") for clip in clips]
        for clips, known in ((clips, sources.get(name, {})) for name, clips in folds.items())
    ]
    n_sources = len({unit for fold in units for unit in fold})
    n_clips = sum(len(fold) for fold in units)
    are_known = n_sources < n_clips
    if are_known and all(len(set(fold)) == 1 for fold in units):
        of_folds = [fold[0] for fold in units]
        freedom = _freedom([of_folds])
        if freedom >= MIN_FREEDOM:
            rng = _generator(seed, sorted(clip for clips in folds.values() for clip in clips))
            once = [np.ones((1, len(clips)), np.float32) for clips in folds.values()]
            return Draws(once, _draw(of_folds, n_replicates, rng), "sources", n_sources, freedom)
    freedom = _freedom(units)
    by_source = are_known and freedom >= MIN_FREEDOM and min(map(_n_effective, units)) > 1
    if not by_source:
        units = [list(clips) for clips in folds.values()]
        freedom = _freedom(units)
    drawn = []
    for clips, fold in zip(folds.values(), units, strict=True):
        order = sorted(range(len(clips)), key=clips.__getitem__)  # tasks store them in any order
        weights = np.empty((n_replicates, len(clips)), np.float32)
        rng = _generator(seed, [clips[i] for i in order])
        weights[:, order] = _draw([fold[i] for i in order], n_replicates, rng)
        drawn.append(weights)
    whole = np.ones((1, len(units)), np.float32)
    what = "sources" if by_source else "clips"
    return Draws(drawn, whole, what, n_sources if are_known else 0, freedom)


def _generator(seed: int, clips: list[str]) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32("\n".join(clips).encode())])


def _draw(units: Sequence[str], n_replicates: int, rng: np.random.Generator) -> Weights:
    """Draw units as `draw_weights` does; return weights of their clips."""
    places = {unit: i for i, unit in enumerate(dict.fromkeys(units))}
    return draw_weights(len(places), n_replicates, rng)[:, [places[unit] for unit in units]]


def _n_effective(units: Sequence[str]) -> float:
    sizes = np.array(list(Counter(units).values()))
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def _freedom(folds: Sequence[Sequence[str]]) -> float:
    return sum(_n_effective(units) - 1 for units in folds)


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
    sources: Sources,
    n_replicates: int,
    seed: int,
    tick: Callable[[], object] = lambda: None,
) -> tuple[dict, NDArray[np.float64], NDArray[np.float32]]:
    """Bootstrap one task; returns the header entry and arrays described in `bootstrap_study`."""
    cells: dict[tuple[str, int | None], tuple[float, NDArray[np.float64]]] = {}
    first: tuple | None = None
    for path in paths:
        header, arrays = load_predictions(path)
        predicted = list(predicted_folds(header, arrays))
        facts = _primary(predicted, path), {one.name: one.fold["files"] for one in predicted}
        if first is None:
            first = facts
            draws = draw_task(facts[1], sources, n_replicates, seed)
            n_scored = sum(map(_n_scored, predicted))
        elif facts != first:
            raise BootstrapError(
                f"{path}: expected the same metric, folds and test clips as in the task's other "
                "predictions: the task has changed between them"
            )
        key = header["provenance"]["embedding"], header["seed"]
        if key in cells:
            raise BootstrapError(f"{path}: expected embedding and seed {key} once, found it twice")
        cells[key] = _score(predicted, draws)
        tick()
    if first is None:
        raise BootstrapError("expected at least one file of predictions, found none")
    embeddings = list(dict.fromkeys(embedding for embedding, _ in cells))
    seeds = sorted({seed for _, seed in cells}, key=lambda seed: seed or 0)  # None: no seed
    missing = [(e, s) for e in embeddings for s in seeds if (e, s) not in cells]
    if missing:
        raise BootstrapError(f"expected every embedding with every seed, found none of {missing}")
    scores, replicates = (
        np.array([[cells[embedding, seed][i] for seed in seeds] for embedding in embeddings])
        for i in (0, 1)
    )
    metric, folds = first
    entry = {"metric": metric, "embeddings": embeddings, "seeds": seeds, "folds": list(folds)}
    entry |= {"n_clips": sum(map(len, folds.values())), "n_scored": n_scored} | draws.facts()
    return entry, scores, replicates.astype(np.float32)


def _primary(predicted: list[PredictedFold], path: str | Path) -> str:
    """The primary metric, which must be the same in all folders and support weights."""
    metrics = {one.folder["metrics"][0] for one in predicted}
    if len(metrics) != 1:
        raise BootstrapError(f"{path}: expected one primary metric, found {sorted(metrics)}")
    metric = metrics.pop()
    known = [slug for slug, record in METRICS.items() if record.weighted is not None]
    if metric not in known:
        raise BootstrapError(f"{path}: primary metric {metric}: expected one of {', '.join(known)}")
    return metric


def _n_scored(one: PredictedFold) -> int:
    """Number of clips of a fold, or of reference events."""
    if one.folder["embedding_type"] == "event":
        return sum(map(len, one.fold["reference"].values()))
    return len(one.fold["files"])


def _score(predicted: list[PredictedFold], draws: Draws) -> tuple[float, NDArray[np.float64]]:
    """Score all folds on the actual clips and on all replicates; return means over folds."""
    scores, replicates = [], []
    for one, weights in zip(predicted, draws.clips, strict=True):
        metric, arguments = METRICS[one.folder["metrics"][0]], metric_arguments(one)
        once = np.ones((1, weights.shape[1]), np.float32)
        scores.append(_counted(metric, metric.bootstrap(*arguments, weights=once)))
        if np.isnan(weights).any():
            replicates.append(np.full(len(weights), np.nan))
        else:
            replicates.append(_counted(metric, metric.bootstrap(*arguments, weights=weights)))
    return float(np.mean(scores)), draws.over_folds(replicates)


def _counted(metric: Metric, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores for aggregates, with NaN replaced by the metric's ``missing_score``."""
    if metric.missing_score is None:
        return scores
    return np.where(np.isnan(scores), metric.missing_score, scores)
