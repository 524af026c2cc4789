"""Estimates for all probes and fractions of training clips, and rank correlations of probes.

All are scored on the same draws of the test clips, so that comparisons are paired.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.statistics.cells import Cells
from analysis.statistics.estimates import ranks
from analysis.statistics.intervals import estimate_row
from analysis.tables.scores import read_table
from analysis.tables.words import ALL

PROBE_COLUMNS = (
    "statistic", "probe", "other_probe", "train_fraction", "model", "category", "task", "estimate",
    "low", "high", "n_tasks", "n_models", "n_replicates", "study",
)  # fmt: skip
_INTEGERS = dict.fromkeys(("n_tasks", "n_models", "n_replicates"), "Int64")
Embeddings = Mapping[str, Mapping[str, str]]  # of each model, by task


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """Scores of one probe with a fraction of the training clips."""

    probe: str
    train_fraction: float
    cells: Cells


def estimate_probes(
    evaluated: Sequence[Evaluated], maxima: Mapping[str, float], embeddings: Embeddings, study: str
) -> pd.DataFrame:
    """Estimate the scores of every evaluation, and compare probes and fractions.

    Returns
    -------
    DataFrame
        Columns `PROBE_COLUMNS`, of the run's models. ``statistic`` is

        - per evaluation, model and task: ``score``, ``normalized_score``;
        - per evaluation, model and category, for probes with several fractions:
          ``mean_over_shares``, the mean normalized score over the tasks on which every model that
          has a score with all clips also has one with each fraction (the same tasks for all
          fractions);
        - per pair of probes, with all training clips: ``rank_correlation``, Spearman's, of the
          embeddings' scores per task, and of their mean normalized scores over the tasks that both
          probes have (``category`` all). Models with the same embedding count once; ``n_models`` is
          the number of distinct embeddings.
    """
    shares = [dataclasses.replace(e, cells=e.cells.normalized(maxima)) for e in evaluated]
    rows = [
        row for one, share in zip(evaluated, shares, strict=True) for row in _of_tasks(one, share)
    ]
    for _, of_probe in itertools.groupby(shares, lambda one: one.probe):
        rows += _over_shares(list(of_probe))
    whole = [one for one in shares if one.train_fraction == 1]
    for one, other in itertools.combinations(whole, 2):
        rows += _correlations(one, other, embeddings)
    table = pd.DataFrame(rows, columns=list(PROBE_COLUMNS)).assign(study=study).fillna(
        dict.fromkeys(("other_probe", "model", "task"), "")
    )  # fmt: skip
    return table[table["estimate"].notna()].astype(_INTEGERS).reset_index(drop=True)


def read_probes(path: str | Path) -> pd.DataFrame:
    """Read estimates of probes written as CSV; ScoresError for other columns."""
    kinds = dict.fromkeys(("train_fraction", "estimate", "low", "high"), float)
    return read_table(path, PROBE_COLUMNS, kinds | _INTEGERS)


def rank_correlation(scores: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray:
    """Spearman's correlation of two columns of scores (axis 0); ties share their mean rank.

    NaN if all scores of a column are equal.
    """
    a, b = (r - r.mean(axis=0) for r in (ranks(scores), ranks(others)))
    with np.errstate(invalid="ignore"):
        return (a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))


def _of_tasks(one: Evaluated, normalized: Evaluated) -> Iterator[dict[str, object]]:
    """Scores of every model on every task."""
    cells = one.cells
    for i, j in itertools.product(range(len(cells.models)), range(len(cells.tasks))):
        task = cells.tasks[j]
        key = _key(one) | {"model": cells.models[i], "task": task, "n_tasks": 1}
        key["category"] = cells.category[task]
        for name, of in (("score", cells), ("normalized_score", normalized.cells)):
            bounds = (of.metric[task].lower, of.metric[task].upper)
            yield estimate_row(of.score[i, j], of.replicates[i, j], bounds, statistic=name, **key)


def _over_shares(shares: Sequence[Evaluated]) -> Iterator[dict[str, object]]:
    """Mean normalized scores of one probe, over the tasks that all its shares have."""
    if len(shares) < 2:
        return
    scored = [_scored(one.cells) for one in shares]
    for one in shares:
        cells, key = one.cells, _key(one)
        same = np.array([all(of.get(t) == scored[0].get(t) for of in scored) for t in cells.tasks])
        for category, i in itertools.product(cells.categories, range(len(cells.models))):
            mine = same & cells.inside(category) & ~np.isnan(cells.score[i])
            if mine.any():
                key |= {"model": cells.models[i], "category": category, "n_tasks": int(mine.sum())}
                yield estimate_row(
                    cells.score[i, mine].mean(),
                    cells.replicates[i, mine].mean(axis=0),
                    cells.range_over(mine, np.mean),
                    statistic="mean_over_shares",
                    **key,
                )


def _correlations(
    one: Evaluated, other: Evaluated, embeddings: Embeddings
) -> Iterator[dict[str, object]]:
    """Rank correlation of the embeddings between two probes, per task and over all tasks."""
    scored, others = _scored(one.cells), _scored(other.cells)
    tasks = [task for task in one.cells.tasks if scored.get(task, set()) & others.get(task, set())]
    groups = [([task], one.cells.category[task], task) for task in tasks]
    for of, category, task in [*groups, (tasks, ALL, "")]:
        models = set[str].intersection(*(scored[t] & others[t] for t in of)) if of else set()
        distinct = {tuple(embeddings[t][m] for t in of): m for m in sorted(models)}
        if len(distinct) < 2:
            continue
        means = [_means(each.cells, list(distinct.values()), of) for each in (one, other)]
        (a, drawn_a), (b, drawn_b) = means
        key = _key(one) | {"other_probe": other.probe, "category": category, "task": task}
        key |= {"n_tasks": len(of), "n_models": len(distinct), "statistic": "rank_correlation"}
        yield estimate_row(
            float(rank_correlation(a, b)), rank_correlation(drawn_a, drawn_b), (-1, 1), **key
        )


def _key(one: Evaluated) -> dict[str, Any]:
    return {"probe": one.probe, "train_fraction": one.train_fraction}


def _scored(cells: Cells) -> dict[str, set[str]]:
    """Models that have a score, by task."""
    names = np.array(cells.models, object)
    columns = zip(cells.tasks, cells.score.T, strict=True)
    return {task: set(names[np.isfinite(scores)]) for task, scores in columns}


def _means(
    cells: Cells, models: Sequence[str], tasks: Sequence[str]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Mean score of models over tasks, (n_models,), and its replicates."""
    cell = np.ix_([cells.models.index(m) for m in models], [cells.tasks.index(t) for t in tasks])
    return cells.score[cell].mean(axis=1), cells.replicates[cell].mean(axis=1)
