"""Scores of models on tasks as one array, with bootstrapped scores: the input of all statistics.

Missing cells are NaN and stay NaN. Official entries have no bootstrapped scores, because their
predictions are not available.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.statistics.intervals import draw_pseudo_clips, over_seeds, widen
from analysis.tables.metrics import MetricFacts, Metrics, find_metric
from analysis.tables.words import ALL, ordered_categories

REFERENCE = "mlp"  # the evaluation that heareval's is
_TOLERANCE = 1e-6  # between the score in the summary and the one beside the bootstrapped scores


class CellsError(ValueError):
    """Bootstrapped scores that contradict the summary."""


@dataclass(frozen=True)
class Cells:
    """Scores of all models on all tasks.

    ``score`` has shape (n_models, n_tasks), ``replicates`` (n_models, n_tasks, n_replicates), as
    returned by `widen`. ``source`` is ``run``, ``hear2021`` or ``later``, by model. By task:
    ``category``, the facts of the primary ``metric``, whose range is that of the scores here, also
    after they were normalized; for bootstrapped predictions also the numbers of test clips
    ``n_clips`` (files for event tasks), of probe seeds ``n_seeds`` (0: no seed), of the clips'
    sources ``n_sources`` (0 if unknown), and whether clips or sources were ``drawn``.
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    source: Mapping[str, str]
    category: Mapping[str, str]
    metric: Mapping[str, MetricFacts]
    n_clips: Mapping[str, int]
    n_seeds: Mapping[str, int]
    n_sources: Mapping[str, int]
    drawn: Mapping[str, str]
    score: NDArray[np.float64]
    replicates: NDArray[np.floating]

    @property
    def categories(self) -> list[str]:
        """Categories of the tasks, and ``all``."""
        return [*ordered_categories(self.category[task] for task in self.tasks), ALL]

    def inside(self, category: str) -> NDArray[np.bool_]:
        """Mask of the tasks of a category, shape (n_tasks,); ``all`` selects all."""
        return np.array([category in (ALL, self.category[t]) for t in self.tasks], bool)

    def select(self, sources: set[str]) -> Cells:
        """The models of the given sources; tasks without any of their scores are dropped."""
        rows = np.array([self.source[model] in sources for model in self.models], bool)
        columns = ~np.isnan(self.score[rows]).all(axis=0)
        return dataclasses.replace(
            self,
            models=tuple(np.array(self.models, object)[rows]),
            tasks=tuple(np.array(self.tasks, object)[columns]),
            score=self.score[np.ix_(rows, columns)],
            replicates=self.replicates[np.ix_(rows, columns)],
        )

    def without(self, task: str) -> Cells:
        """The same scores, with all scores on one task removed."""
        left_out = np.array([name == task for name in self.tasks], bool)
        return dataclasses.replace(self, score=np.where(left_out, np.nan, self.score))

    def normalized(self, maxima: Mapping[str, float]) -> Cells:
        """Scores divided by each task's maximum, which is treated as known (not bootstrapped).

        NaN if the maximum is missing, infinite or not above zero.
        """
        best = np.array([maxima.get(task, np.nan) for task in self.tasks], float)
        best = np.where((best > 0) & np.isfinite(best), best, np.nan)
        score = np.where(np.isfinite(self.score), self.score, np.nan) / best
        facts = [self.metric[task] for task in self.tasks]
        ranges = [
            f._replace(lower=f.lower / b, upper=f.upper / b)
            for f, b in zip(facts, best, strict=True)
        ]
        metric = dict(zip(self.tasks, ranges, strict=True))
        replicates = self.replicates / best[:, None]
        return dataclasses.replace(self, metric=metric, score=score, replicates=replicates)

    def headroom(self, baseline: str) -> Cells:
        """Scores rescaled so that 0 is the baseline's score and 1 the metric's best value.

        The baseline is bootstrapped with the same clips. NaN on tasks whose metric has no best
        value, on which the baseline has no score, or on which the baseline is perfect.
        """
        score, replicates = np.full_like(self.score, np.nan), np.full_like(self.replicates, np.nan)
        if baseline in self.models:
            row = self.models.index(baseline)
            best = np.array([self.metric[task].upper for task in self.tasks])
            usable = np.isfinite(best) & (self.score[row] < best)
            score[:, usable] = _share(self.score, self.score[row], best)[:, usable]
            drawn = _share(self.replicates, self.replicates[row], best[:, None])
            replicates[:, usable] = drawn[:, usable]
        metric = {t: f._replace(lower=-np.inf, upper=1.0) for t, f in self.metric.items()}
        return dataclasses.replace(self, metric=metric, score=score, replicates=replicates)

    def range_over(
        self, tasks: NDArray[np.bool_], aggregate: Callable[..., Any]
    ) -> tuple[float, float]:
        """Range of an aggregate of scores over tasks, such as their mean or median."""
        facts = [self.metric[task] for task, is_in in zip(self.tasks, tasks, strict=True) if is_in]
        lower, upper = [one.lower for one in facts], [one.upper for one in facts]
        return float(aggregate(lower)), float(aggregate(upper))


def build_cells(
    summary: pd.DataFrame,
    replicates: str | Path | None,
    embeddings: Mapping[str, Mapping[str, str]],
    metrics: Metrics,
) -> Cells:
    """Combine a summary with its bootstrapped scores.

    Parameters
    ----------
    summary : DataFrame
        If a run's model and an official entry have the same name, the run's rows are used.
    replicates : path or None
        File of bootstrapped scores; None if there are no predictions (official scores).
    embeddings : mapping
        Embedding of each model, by task; bootstrapped scores are stored under this name.

    Raises
    ------
    CellsError
        If a run's score differs from that of the bootstrapped predictions; names task and model.
    """
    of_run = set(summary.loc[summary["source"] == "run", "model"])
    rows = summary[(summary["source"] == "run") | ~summary["model"].isin(of_run)]
    models, tasks = tuple(rows["model"].unique()), tuple(rows["task"].unique())
    table = rows.pivot(index="model", columns="task", values="score").loc[list(models), list(tasks)]
    header, arrays = read_replicates(replicates) if replicates else ({"tasks": {}}, {})
    cells = Cells(
        models=models,
        tasks=tasks,
        source=dict(zip(rows["model"], rows["source"], strict=True)),
        category=dict(zip(rows["task"], rows["category"], strict=True)),
        metric={
            task: find_metric(metrics, metric)
            for task, metric in zip(rows["task"], rows["metric"], strict=True)
        },
        n_clips={task: entry["n_clips"] for task, entry in header["tasks"].items()},
        n_seeds={t: len(set(e["seeds"]) - {None}) for t, e in header["tasks"].items()},
        drawn={task: entry["drawn"] for task, entry in header["tasks"].items()},
        n_sources={task: entry["n_sources"] for task, entry in header["tasks"].items()},
        score=table.to_numpy(float),
        replicates=np.full((*table.shape, header.get("n_replicates", 0)), np.nan, np.float32),
    )
    for task, models_of_task in embeddings.items():
        _fill(cells, task, models_of_task, header, arrays)
    return cells


def read_replicates(path: str | Path) -> tuple[dict, dict[str, NDArray]]:
    """Read a file of bootstrapped scores: its header, and per task ``scores`` and ``replicates``.

    CellsError, naming the file, if it is not one.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        header = json.loads(str(arrays.pop("header")))
        if not isinstance(header, dict):
            raise ValueError(f"expected an object as header, found {type(header).__name__}")
        return header, arrays
    except Exception as error:  # of numpy, zipfile and what unpacks there, of many classes
        raise CellsError(
            f"{path}: not a readable file of bootstrapped scores ({error}); remove it and start "
            "again, so that it is made again"
        ) from error


def _fill(
    cells: Cells, task: str, embeddings: Mapping[str, str], header: dict, arrays: dict
) -> None:
    """Fill in one task: the mean over seeds, and its replicates."""
    if task not in header["tasks"]:
        raise CellsError(f"{task}: no bootstrapped scores of this task")
    entry, column, metric = header["tasks"][task], cells.tasks.index(task), cells.metric[task]
    pseudo_clips = draw_pseudo_clips(header["n_replicates"], _generator(header, task))
    n_scored, bounds, means = entry["n_scored"], (metric.lower, metric.upper), {}
    for embedding, scores, drawn in zip(
        entry["embeddings"], arrays[f"{task}/scores"], arrays[f"{task}/replicates"], strict=True
    ):
        # Another probe on the same embedding tosses other coins.
        other = header.get("evaluation", REFERENCE).removeprefix(REFERENCE)
        rng, score = _generator(header, f"{task} {embedding}{other}"), scores.mean()
        drawn, freedom = over_seeds(scores, drawn, entry["degrees_of_freedom"], rng)
        drawn = widen(score, drawn, n_scored, freedom, bounds, pseudo_clips, rng)
        means[embedding] = score, drawn
    for model, embedding in embeddings.items():
        row = cells.models.index(model)
        score, drawn = means[embedding]
        found = cells.score[row, column]
        if not np.isclose(score, found, rtol=0, atol=_TOLERANCE, equal_nan=True):
            raise CellsError(
                f"{task}, {model}: the summary says {found}, the bootstrapped predictions {score}: "
                "expected equal scores from the same predictions; one of the files is outdated"
            )
        cells.replicates[row, column] = drawn


def _generator(header: dict, key: str) -> np.random.Generator:
    return np.random.default_rng([header["seed"], zlib.crc32(key.encode())])


def _share(
    score: NDArray[np.floating], baseline: NDArray[np.floating], best: NDArray[np.floating]
) -> NDArray[np.floating]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return (score - baseline) / (best.astype(baseline.dtype) - baseline)
