"""Estimates of a study with intervals: scores, category means, ranks, pairs of models.

Tasks are treated as fixed; the test clips of each task are bootstrapped, and so are the probe seeds
if there are several. All models of a task are scored on the same draws, so differences are paired.
A model's aggregate covers the tasks on which it has a score, that of a pair the tasks on which both
have one; nothing is imputed, and every row gives its number of tasks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from analysis.statistics.cells import Cells
from analysis.statistics.intervals import estimate_row
from analysis.tables.scores import read_table

ESTIMATE_COLUMNS = (
    "statistic", "model", "other_model", "category", "task", "estimate", "low", "high", "n_tasks",
    "n_replicates", "n_clips", "n_sources", "drawn", "n_seeds", "source", "study",
)  # fmt: skip
_INTEGERS = dict.fromkeys(("n_tasks", "n_replicates", "n_clips", "n_sources", "n_seeds"), "Int64")
SCENES, EVENTS = "scene tasks", "event tasks"  # of what is over the tasks of one kind
Aggregate = Callable[..., Any]  # over tasks, axis 0


def estimate(
    cells: Cells,
    maxima: Mapping[str, float],
    baseline: str,
    study: str,
    event_tasks: Collection[str] = (),
) -> pd.DataFrame:
    """Estimate every statistic of a study.

    Scores are normalized by `maxima`; headroom is relative to the model `baseline`.

    Returns
    -------
    DataFrame
        Columns `ESTIMATE_COLUMNS`. ``statistic`` is

        - per model and task: ``score``, ``normalized_score``, ``headroom`` (0 for the baseline, 1
          for a perfect score; none for d', which has no best value);
        - per model and category: ``mean_`` and ``median_`` of ``normalized_score`` and of
          ``headroom``, ``mean_rank`` (1 is best, ties share their mean rank); the first two also
          over `SCENES` and `EVENTS`, the tasks of each kind of embedding;
        - per pair of the run's models: ``score_difference`` per task, and per category over the
          tasks that both have ``difference_of_means``, ``difference_of_medians`` (normalized) and
          ``probability_of_improvement`` (fraction of tasks on which ``model`` scores above
          ``other_model``; ties count half).

        ``low`` and ``high`` are empty for official entries, which cannot be bootstrapped. So are
        ``n_seeds`` and, for a single task, ``n_clips``, ``n_sources`` and the unit that was
        ``drawn``: ``clips`` or ``sources``.
    """
    normalized, headroom = cells.normalized(maxima), cells.headroom(baseline)
    categories, run = _categories(cells), cells.select({"run"})
    ranked = run if run.models else cells.select({"hear2021"})
    rows = [
        *_cell_rows("score", cells),
        *_cell_rows("normalized_score", normalized),
        *_cell_rows("headroom", headroom),
        *_category_rows("normalized_score", normalized, categories),
        *_category_rows("normalized_score", normalized, _kinds(normalized, event_tasks)),
        *_category_rows("headroom", headroom, categories),
        *_rank_rows(ranked),
        *_pair_rows(run, run.normalized(maxima)),
    ]
    table = pd.DataFrame(rows).assign(study=study).reindex(columns=list(ESTIMATE_COLUMNS))
    n_seeds = min(cells.n_seeds.values(), default=0)
    table["n_seeds"] = table["n_replicates"].notna().map({True: n_seeds})
    table["drawn"] = table["drawn"].fillna("")
    return table[table["estimate"].notna()].astype(_INTEGERS).reset_index(drop=True)


def read_estimates(path: str | Path) -> pd.DataFrame:
    """Read estimates written as CSV; ScoresError for other columns than `ESTIMATE_COLUMNS`."""
    kinds: dict[str, Any] = dict.fromkeys(("estimate", "low", "high"), float)
    return read_table(path, ESTIMATE_COLUMNS, kinds | _INTEGERS)


def ranks(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rank models (axis 0): 1 for the highest score, the mean rank for ties, NaN for NaN."""
    return rankdata(-scores, axis=0, method="average", nan_policy="omit")


def improvement(scores: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the fraction of tasks (axis 0) on which scores exceed the others; ties count half."""
    ahead = np.where(scores > others, 1.0, np.where(scores == others, 0.5, 0.0))
    return np.where(np.isnan(scores) | np.isnan(others), np.nan, ahead).mean(axis=0)


AGGREGATES: dict[str, Aggregate] = {"mean": np.mean, "median": np.median}


def _drawn(cells: Cells, task: str) -> dict[str, Any]:
    """Unit that was drawn for the replicates of a task, with its numbers."""
    n_sources, drawn = cells.n_sources.get(task) or None, cells.drawn.get(task, "")
    return {"n_clips": cells.n_clips.get(task), "n_sources": n_sources, "drawn": drawn}


def _cell_rows(statistic: str, cells: Cells) -> Iterator[dict[str, object]]:
    for i, j in itertools.product(range(len(cells.models)), range(len(cells.tasks))):
        model, task = cells.models[i], cells.tasks[j]
        yield estimate_row(
            cells.score[i, j],
            cells.replicates[i, j],
            (cells.metric[task].lower, cells.metric[task].upper),
            statistic=statistic,
            model=model,
            category=cells.category[task],
            task=task,
            n_tasks=1,
            **_drawn(cells, task),
            source=cells.source[model],
        )


def _categories(cells: Cells) -> list[tuple[str, NDArray[np.bool_]]]:
    """Every category of the tasks, and all of them, with which tasks are inside."""
    return [(category, cells.inside(category)) for category in cells.categories]


def _kinds(cells: Cells, event_tasks: Collection[str]) -> list[tuple[str, NDArray[np.bool_]]]:
    """The tasks of each kind of embedding, with which tasks are inside."""
    is_event = np.array([task in event_tasks for task in cells.tasks], bool)
    return [(SCENES, ~is_event), (EVENTS, is_event)]


def _category_rows(
    quantity: str, cells: Cells, categories: list[tuple[str, NDArray[np.bool_]]]
) -> Iterator[dict[str, object]]:
    for (category, inside), i in itertools.product(categories, range(len(cells.models))):
        mine = inside & ~np.isnan(cells.score[i])
        if not mine.any():
            continue
        for name, aggregate in AGGREGATES.items():
            yield estimate_row(
                aggregate(cells.score[i, mine], axis=0),
                aggregate(cells.replicates[i, mine], axis=0),
                cells.range_over(mine, aggregate),
                statistic=f"{name}_{quantity}",
                model=cells.models[i],
                category=category,
                n_tasks=int(mine.sum()),
                source=cells.source[cells.models[i]],
            )


def _rank_rows(cells: Cells) -> Iterator[dict[str, object]]:
    """Ranks within each task among the models that have a score there, averaged over tasks."""
    rank, drawn = ranks(cells.score), ranks(cells.replicates)
    for (category, inside), i in itertools.product(_categories(cells), range(len(cells.models))):
        mine = inside & ~np.isnan(cells.score[i])
        if mine.any():
            yield estimate_row(
                rank[i, mine].mean(),
                drawn[i, mine].mean(axis=0),
                (1.0, float(len(cells.models))),
                statistic="mean_rank",
                model=cells.models[i],
                category=category,
                n_tasks=int(mine.sum()),
                source=cells.source[cells.models[i]],
            )


def _pair_rows(cells: Cells, normalized: Cells) -> Iterator[dict[str, object]]:
    for i, k in itertools.combinations(range(len(cells.models)), 2):
        pair: dict[str, Any] = {"model": cells.models[i], "other_model": cells.models[k]}
        pair["source"] = "run"
        shared = ~np.isnan(cells.score[i]) & ~np.isnan(cells.score[k])
        for j in np.flatnonzero(shared):
            task = cells.tasks[j]
            yield estimate_row(
                cells.score[i, j] - cells.score[k, j],
                cells.replicates[i, j] - cells.replicates[k, j],
                statistic="score_difference",
                category=cells.category[task],
                task=task,
                n_tasks=1,
                **_drawn(cells, task),
                **pair,
            )
        both = ~np.isnan(normalized.score[i]) & ~np.isnan(normalized.score[k])
        for category, inside in _categories(cells):
            if (inside & both).any():
                yield from _pair_in_category(normalized, i, k, inside & both, category, pair)


def _pair_in_category(
    cells: Cells, i: int, k: int, tasks: NDArray[np.bool_], category: str, pair: dict[str, Any]
) -> Iterator[dict[str, object]]:
    key = pair | {"category": category, "n_tasks": int(tasks.sum())}
    mine, others = cells.score[i, tasks], cells.score[k, tasks]
    my_draws, other_draws = cells.replicates[i, tasks], cells.replicates[k, tasks]
    for name, aggregate in AGGREGATES.items():
        yield estimate_row(
            aggregate(mine, axis=0) - aggregate(others, axis=0),
            aggregate(my_draws, axis=0) - aggregate(other_draws, axis=0),
            statistic=f"difference_of_{name}s",
            **key,
        )
    yield estimate_row(
        float(improvement(mine, others)),
        improvement(my_draws, other_draws),
        (0.0, 1.0),
        statistic="probability_of_improvement",
        **key,
    )
