"""Results of a study by model, task, probe and metric, for documents of other formats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.scores import EVALUATION, of_first


@dataclass(frozen=True)
class Result:
    """One metric of a model on a task in one evaluation.

    ``score`` is the mean over folds, then seeds; for a primary metric it equals that in
    `summary.csv`. It is NaN or infinite if one of them is. ``rows`` are rows of `scores.csv`, with
    its columns and their number as ``Index``. ``interval`` is the row of `estimates.csv` with the
    score's interval, if there is one.
    """

    model: str
    task: str
    probe: str
    train_fraction: float
    metric: str
    is_primary: bool
    score: float
    rows: tuple[Any, ...]
    interval: Mapping[str, Any] | None


def results(tidy: pd.DataFrame, summary: pd.DataFrame, estimates: pd.DataFrame) -> Iterator[Result]:
    """Yield the results of the models that were run, in the order of ``tidy``."""
    keys = ["model", "task", *EVALUATION]
    means = summary[summary["source"] == "run"].set_index(keys)["score"].to_dict()
    scores = estimates[(estimates["statistic"] == "score") & (estimates["source"] == "run")]
    scores = scores[scores["low"].notna()].set_index(["model", "task"])
    intervals = scores.to_dict("index")
    run = tidy[tidy["source"] == "run"]
    first = set(of_first(run).index)
    cells: dict[tuple, list[Any]] = {}
    for row in run.itertuples():
        key = (row.model, row.task, row.probe, row.train_fraction, row.metric)
        cells.setdefault(key, []).append(row)
    for key, rows in cells.items():
        is_primary = bool(rows[0].primary)
        score = means[key[:-1]] if is_primary else _mean(rows)
        interval = intervals.get(key[:2]) if is_primary and rows[0].Index in first else None
        yield Result(*key, is_primary, float(score), tuple(rows), interval)


def _mean(rows: Iterable[Any]) -> float:
    """Mean over folds, then seeds, missing where one is."""
    by_seed: dict[Any, list[float]] = {}
    for row in rows:
        by_seed.setdefault(row.seed, []).append(row.score)
    with np.errstate(invalid="ignore"):  # infinities of both signs
        return float(np.mean([np.mean(scores) for scores in by_seed.values()]))
