"""Numbers behind the claims about scores, computed from a study's scores."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.claims.claim import Claim
from analysis.claims.decide import NOT_TESTED_HERE, Number, Verdict, decide
from analysis.statistics.cells import Cells
from analysis.statistics.estimates import improvement
from analysis.statistics.intervals import NO_INTERVAL, UNBOUNDED, interval, variance_of
from analysis.tables.words import ordered_categories

Scores = NDArray[np.floating]
EACH = "each"  # not over tasks: every task has a number; as a category: every category has one
SHARE_ABOVE = "share_above"  # of tasks on which a model is above the other: of two at once
MIN_TASKS = {"sd": 2}  # tasks an aggregate needs; the others need one
BOUNDS = {SHARE_ABOVE: (0.0, 1.0)}  # of a number; the others have none, as differences


class NotTested(Exception):
    """A study lacks what a claim is about; the message says what."""


def _over_tasks(function: Callable[..., Any]) -> Callable[[Scores, Scores], tuple[float, Scores]]:
    return lambda score, replicates: (function(score, axis=0), function(replicates, axis=0))


def spread(score: Scores, replicates: Scores) -> tuple[float, Scores]:
    """Return the standard deviation of scores over tasks, without the noise of their test clips.

    Noise adds its mean variance over tasks to the variance of the scores, (n_tasks,), and twice
    to that of the replicates, (n_tasks, n_replicates), which scatter around the noisy scores. It is
    subtracted before the root; 0 where no more than noise is left.
    """
    bootstrapped = replicates[np.isfinite(replicates).any(axis=1)]
    noise = np.mean([variance_of(task) for task in bootstrapped]) if len(bootstrapped) else 0.0
    value = np.sqrt(np.maximum(0.0, np.var(score, ddof=1) - noise))
    return value, np.sqrt(np.maximum(0.0, np.var(replicates, axis=0, ddof=1) - 2 * noise))


AGGREGATES = {  # of a model's scores on some tasks and of their replicates
    "mean": _over_tasks(np.mean),
    "median": _over_tasks(np.median),
    "sd": spread,
}


def judge(claim: Claim, cells: Cells) -> Verdict:
    """Compare a claim with a study's scores in the claim's quantity.

    Not tested, and why, if the study lacks a model or the tasks.
    """
    try:
        numbers = list((_of_each_task if claim.aggregate == EACH else _numbers)(claim, cells))
    except NotTested as lacking:
        return Verdict(NOT_TESTED_HERE, str(lacking))
    return decide(claim, numbers)


def tasks_not_above(cells: Cells, model: str, baseline: str) -> frozenset[str]:
    """Return the tasks on which a model's score is not above the baseline's by its interval.

    None where a study has not both.
    """
    if not {model, baseline} <= set(cells.models):
        return frozenset()
    i, k = cells.models.index(model), cells.models.index(baseline)
    return frozenset(
        task
        for task, difference, drawn in zip(
            cells.tasks,
            cells.score[i] - cells.score[k],
            cells.replicates[i] - cells.replicates[k],
            strict=True,
        )
        if np.isfinite(difference) and not interval(difference, drawn).low > 0
    )


def find_model(ids: tuple[str, ...], cells: Cells) -> str:
    """Return the first of a model's ids that the study has; NotTested if it has none."""
    for model in ids:
        if model in cells.models:
            return model
    raise NotTested(f"no scores of {' or '.join(ids)}")


def _of_each_task(claim: Claim, cells: Cells) -> Iterator[Number]:
    """The numbers of a claim that is about each of its tasks: the least score over tasks would be
    low by noise alone.
    """
    rows = [cells.models.index(find_model(ids, cells)) for ids in (*claim.models, *claim.others)]
    inside = _inside(cells, claim.tasks or claim.category)
    scored = inside & ~np.isnan(cells.score[rows]).any(axis=0)
    tasks = [task for task, counts in zip(cells.tasks, scored, strict=True) if counts]
    if not tasks:
        raise NotTested(f"no task of {claim.category} with scores")
    for task in tasks:
        of_task = dataclasses.replace(claim, tasks=(task,), aggregate="mean")
        for number in _numbers(of_task, cells):
            yield dataclasses.replace(number, n_tasks=len(tasks))


def _numbers(claim: Claim, cells: Cells) -> Iterator[Number]:
    if claim.category == EACH:
        for category in ordered_categories(cells.category.values()):
            yield from _numbers(dataclasses.replace(claim, category=category), cells)
        return
    if claim.maxima and claim.maxima not in cells.source.values():
        raise NotTested("scores are not normalized by the best HEAR 2021 entry")
    models = [find_model(ids, cells) for ids in claim.models]
    known = [ids for ids in claim.others if {*ids} & {*cells.models}]
    wanted = known if claim.others_of_study and known else claim.others
    others: list[str | None] = [find_model(ids, cells) for ids in wanted]
    if claim.others_source:
        scores = cells.score[:, _inside(cells, claim.tasks or claim.category)]
        scored = np.array(cells.models, object)[~np.isnan(scores).all(axis=1)]
        of_source = [model for model in scored if cells.source[model] == claim.others_source]
        others = [model for model in of_source if model not in models]
        if not others:
            raise NotTested(f"no entries of source {claim.others_source}")
    for model, other in itertools.product(models, others or [None]):
        for than in claim.than_categories or (None,):
            yield _number(claim, cells, model, other, than)


def _number(claim: Claim, cells: Cells, model: str, other: str | None, than: str | None) -> Number:
    place = claim.tasks or claim.category
    part = _aggregate(claim, cells, model, other, place)
    estimate, draws, n_tasks = part.value - part.other_value, part.draws, part.n_tasks
    tasks = part.tasks
    where = place if isinstance(place, str) else "; ".join(place)
    if than is not None:
        less = _aggregate(claim, cells, model, other, than)
        estimate, draws = estimate - (less.value - less.other_value), draws - less.draws
        n_tasks, where = min(n_tasks, less.n_tasks), f"{where} against {than}"
        tasks = tuple(dict.fromkeys((*tasks, *less.tasks)))
    sources = {cells.source[m] for m in (model, other) if m}
    of_run = sources == {"run"}
    found = interval(estimate, draws, _bounds(claim, than)) if of_run else NO_INTERVAL
    n_seeds = min(cells.n_seeds.get(task, 0) for task in tasks) if "run" in sources else 0
    other_value = part.other_value if other and claim.aggregate != SHARE_ABOVE else np.nan
    return Number(
        estimate, found.low, found.high, n_tasks, of_run, model, other or "", where, part.value,
        other_value, tasks, n_seeds,
    )  # fmt: skip


def _bounds(claim: Claim, than: str | None) -> tuple[float, float]:
    """Least and largest possible value of a number, or of a difference of two."""
    low, high = BOUNDS.get(claim.aggregate, UNBOUNDED)
    return (low, high) if than is None else (low - high, high - low)


class _Part(NamedTuple):
    """Aggregates of a model and of the other (0 if none), draws of their difference, tasks.

    ``n_tasks`` is the fewer of the two models', ``tasks`` are those of either.
    """

    value: float
    other_value: float
    draws: NDArray[np.floating]
    n_tasks: int
    tasks: tuple[str, ...]


def _aggregate(
    claim: Claim, cells: Cells, model: str, other: str | None, place: str | tuple[str, ...]
) -> _Part:
    inside = _inside(cells, place)
    chosen = [cells.models.index(name) for name in (model, other) if name]
    present = [inside & ~np.isnan(cells.score[row]) for row in chosen]
    if claim.shared:
        present = [np.logical_and.reduce(present)] * len(chosen)
    n_tasks = min(int(tasks.sum()) for tasks in present)
    if n_tasks < MIN_TASKS.get(claim.aggregate, 1):
        names = " and ".join(cells.models[row] for row in chosen)
        where = place if isinstance(place, str) else "; ".join(place)
        raise NotTested(f"{n_tasks} tasks of {where} with a score of {names}")
    over = np.logical_or.reduce(present)
    tasks = tuple(task for task, counts in zip(cells.tasks, over, strict=True) if counts)
    if claim.aggregate == SHARE_ABOVE:
        shared = np.logical_and.reduce(present)
        scores, drawn = cells.score[chosen][:, shared], cells.replicates[chosen][:, shared]
        return _Part(float(improvement(*scores)), 0.0, improvement(*drawn), n_tasks, tasks)
    found = [
        AGGREGATES[claim.aggregate](cells.score[row, counted], cells.replicates[row, counted])
        for row, counted in zip(chosen, present, strict=True)
    ]
    values, draws = [float(value) for value, _ in found], [drawn for _, drawn in found]
    if other is None:
        return _Part(values[0], 0.0, draws[0], n_tasks, tasks)
    factor = claim.factor
    return _Part(values[0], factor * values[1], draws[0] - factor * draws[1], n_tasks, tasks)


def _inside(cells: Cells, place: str | tuple[str, ...]) -> NDArray[np.bool_]:
    if isinstance(place, str):
        return cells.inside(place)
    missing = [task for task in place if task not in cells.tasks]
    if missing:
        raise NotTested(f"no task {' or '.join(missing)}")
    return np.isin(cells.tasks, place)
