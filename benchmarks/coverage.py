"""Coverage of the 95 % intervals on simulated test sets, computed as in a study.

    python -m benchmarks.coverage

Writes ``benchmarks/results/coverage.csv``, a row per case: ``coverage`` and mean ``width`` of this
software's 95 % intervals, and ``plain``, the coverage of the centered percentile interval of drawn
clips without widening, sources or correction. The truth is the models' value on an infinite test
set or, where ``truth`` says so, the mean over test sets of the same size, because average precision
depends on the number of clips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from tqdm import tqdm

from analysis.claims.numbers import AGGREGATES
from analysis.statistics.intervals import (
    draw_pseudo_clips,
    interval,
    over_seeds,
    widen,
)
from hear.metrics.metric import Weights
from hear.metrics.registry import METRICS
from hear.scores.bootstrap import Draws, draw_task

RESULTS = Path(__file__).parent / "results"
N_REPETITIONS, N_REPLICATES = 1000, 400
UNIT = (0.0, 1.0)
Matrix = NDArray[np.floating]
Score = Callable[[Any, Weights], NDArray[np.float64]]  # of a fold's data on drawn clips


class Cell(NamedTuple):
    """A score, its replicates as a study has them, and as drawn clips alone give them."""

    score: float
    drawn: NDArray[np.floating]
    plain: NDArray[np.floating]


class Number(NamedTuple):
    """A number that an interval is wanted of, likewise, and its range."""

    value: float
    drawn: NDArray[np.floating]
    plain_value: float
    plain: NDArray[np.floating]
    bounds: tuple[float, float] = (-np.inf, np.inf)


Case = Callable[[np.random.Generator], list[Number]]


def cells(
    score: Score,
    models: Sequence[Sequence[Any]],
    sizes: Sequence[int],
    rng: np.random.Generator,
    sources: Sequence[Sequence[int]] = (),
    n_events: int = 0,
) -> list[Cell]:
    """Bootstrap models on one task: data of each model and fold, clips and sources of each fold."""
    n_scored = n_events or sum(sizes)
    folds = {f"{j}": [f"{j} {i}" for i in range(n)] for j, n in enumerate(sizes)}
    known = {
        name: {clip: str(s) for clip, s in zip(folds[name], of_fold, strict=True)}
        for name, of_fold in zip(folds, sources, strict=False)
    }
    seed = int(rng.integers(2**31))
    draws = draw_task(folds, known, N_REPLICATES, seed)
    plain = draw_task(folds, {}, N_REPLICATES, seed) if known else draws
    pseudo_clips, found = draw_pseudo_clips(N_REPLICATES, rng), []
    for model in models:
        once = [np.ones((1, n), np.float32) for n in sizes]
        value = float(np.mean([score(data, w)[0] for data, w in zip(model, once, strict=True)]))
        replicates = replicates_of(score, model, draws)
        as_clips = replicates_of(score, model, plain) if known else replicates
        freedom = draws.degrees_of_freedom
        drawn = widen(value, replicates, n_scored, freedom, UNIT, pseudo_clips, rng)
        found.append(Cell(value, drawn, as_clips))
    return found


def replicates_of(score: Score, model: Sequence[Any], draws: Draws) -> NDArray[np.float64]:
    """Scores of one model on drawn clips, (n_replicates,)."""
    of_folds = [score(data, w) for data, w in zip(model, draws.clips, strict=True)]
    return draws.over_folds(of_folds)


def compared(found: Sequence[Cell]) -> list[Number]:
    """The score of one model, or the difference of two."""
    if len(found) == 1:
        return [Number(found[0].score, found[0].drawn, found[0].score, found[0].plain, UNIT)]
    one, two = found
    value = one.score - two.score
    return [Number(value, one.drawn - two.drawn, value, one.plain - two.plain)]


# Clips that are right or wrong


def right(clips: Matrix, weights: Weights) -> NDArray[np.float64]:
    """Mean over the drawn clips."""
    return (weights @ clips) / weights.sum(axis=1)


def answers(shares: Sequence[float], n: int, rho: float, rng: np.random.Generator) -> Matrix:
    """Whether models are right on the same n clips, correlated through the clips' difficulty."""
    difficulty = rng.normal(size=n)
    own = rng.normal(size=(len(shares), n))
    latent = np.sqrt(rho) * difficulty + np.sqrt(1 - rho) * own
    return (latent < norm.ppf(shares)[:, None]).astype(float)


def accuracy(p: float, sizes: Sequence[int], rng: np.random.Generator) -> list[Number]:
    """Accuracy with true value ``p`` on folds of the given numbers of clips."""
    return compared(cells(right, [[answers([p], n, 0, rng)[0] for n in sizes]], sizes, rng))


def paired_accuracy(p: float, n: int, rho: float, rng: np.random.Generator) -> list[Number]:
    """Two models of equal true accuracy on ``n`` clips, with correlated answers."""
    models = answers([p, p], n, rho, rng)
    return compared(cells(right, [[model] for model in models], [n], rng))


def clustered(
    n: int, n_sources: int, correlation: float, p: float, n_models: int, rng: np.random.Generator
) -> list[Number]:
    """Accuracy p of clips whose source, drawn at random, makes them easy or hard."""
    sources = rng.integers(n_sources, size=n)
    effects = rng.normal(size=(n_models, n_sources))[:, sources]
    latent = np.sqrt(correlation) * effects
    latent += np.sqrt(1 - correlation) * rng.normal(size=(n_models, n))
    models = (latent < norm.ppf(p)).astype(float)
    found = cells(right, [[model] for model in models], [n], rng, [sources])
    return compared(found)


def whole_folds(n_folds: int, n: int, correlation: float, rng: np.random.Generator) -> list[Number]:
    """Accuracy .7 of folds of n clips, each of one source."""
    ease = np.sqrt(correlation) * rng.normal(size=(n_folds, 1))
    latent = ease + np.sqrt(1 - correlation) * rng.normal(size=(n_folds, n))
    folds = (latent < norm.ppf(0.7)).astype(float)
    sources = [[fold] * n for fold in range(n_folds)]
    return compared(cells(right, [list(folds)], [n] * n_folds, rng, sources))


def seeds(n_seeds: int, n: int, spread: float, rng: np.random.Generator) -> list[Number]:
    """Accuracy .7 over probe seeds that spread by a multiple of the standard error over clips."""
    standard_error = np.sqrt(0.7 * 0.3 / n)
    shares = np.clip(0.7 + spread * standard_error * rng.normal(size=n_seeds), 0.01, 0.99)
    hits = answers(list(shares), n, 0.7, rng)
    draws = draw_task({"test": [str(i) for i in range(n)]}, {}, N_REPLICATES, 0)
    by_seed = np.array([right(one, draws.clips[0]) for one in hits])
    value = float(hits.mean())
    averaged, freedom = over_seeds(hits.mean(axis=1), by_seed, n - 1, rng)
    pseudo_clips = draw_pseudo_clips(N_REPLICATES, rng)
    drawn = widen(value, averaged, n, freedom, UNIT, pseudo_clips, rng)
    return [Number(value, drawn, value, by_seed.mean(axis=0), UNIT)]


# Other metrics


def precision(
    n: int, n_labels: int, separation: float, sizes: int, one: bool, rng: np.random.Generator
) -> list[Number]:
    """mAP of `sizes` folds of n clips, each of one label or of one to three."""
    folds = [labeled(n, n_labels, separation, one, rng) for _ in range(sizes)]
    return compared(cells(partial(by_metric, "mAP"), [folds], [n] * sizes, rng))


def labeled(
    n: int, n_labels: int, separation: float, one: bool, rng: np.random.Generator
) -> tuple[Matrix, Matrix]:
    """Targets and predictions; a label's clips score higher by a normal `separation`.

    A clip has one label, in turn, or one to three at random.
    """
    target = np.zeros((n, n_labels), np.float32)
    for i, row in enumerate(target):
        labels = rng.choice(n_labels, rng.integers(1, 4), replace=False)
        row[i % n_labels if one else labels] = 1
    return target, (separation * target + rng.normal(size=target.shape)).astype(np.float32)


def infinite_precision(separation: float, prevalence: float) -> float:
    """Average precision on an infinite test set: the mean precision at the positive clips."""
    at = norm.ppf(np.linspace(0, 1, 20_001)[1:-1], loc=separation)
    hits, misses = prevalence * norm.sf(at, loc=separation), (1 - prevalence) * norm.sf(at)
    return float(np.mean(hits / (hits + misses)))


def roc_area(area: float, n: int, n_folds: int, rng: np.random.Generator) -> list[Number]:
    """ROC AUC of folds of n clips, half of them positive."""
    target = np.zeros((n, 1), np.float32)
    target[::2] = 1
    apart = np.sqrt(2) * norm.ppf(area)
    folds = [(target, apart * target + rng.normal(size=target.shape)) for _ in range(n_folds)]
    return compared(cells(partial(by_metric, "aucroc"), [folds], [n] * n_folds, rng))


def by_metric(slug: str, data: tuple[Matrix, Matrix], weights: Weights) -> NDArray[np.float64]:
    """Metric of drawn clips; data are target and prediction, (n_clips, n_labels) each."""
    return METRICS[slug].bootstrap(*data, weights=weights)


def f_measure(counts: Matrix, weights: Weights) -> NDArray[np.float64]:
    """F-measure of drawn files; counts (n_files, 3) of hits, reference and estimated events."""
    hits, reference, estimated = (weights @ counts).T
    return 2 * hits / np.maximum(reference + estimated, 1)


def event_files(
    n: int,
    n_folds: int,
    events: tuple[int, int],
    spread: float,
    n_models: int,
    rng: np.random.Generator,
) -> list[Number]:
    """F-measure of files that hold `events` and differ in difficulty, in logits by `spread`."""
    models: list[list[Matrix]] = [[] for _ in range(n_models)]
    n_all = 0
    for _ in range(n_folds):
        n_events = rng.integers(events[0], events[1] + 1, size=n)
        n_all += int(n_events.sum())
        difficulty = 0.3 + spread * rng.normal(size=n)
        for folds in models:
            hits = rng.binomial(n_events, 1 / (1 + np.exp(-difficulty - 0.3 * rng.normal(size=n))))
            false = rng.poisson(0.4 * n_events)
            folds.append(np.stack([hits, n_events, hits + false], axis=1).astype(float))
    found = cells(f_measure, models, [n] * n_folds, rng, n_events=n_all)
    return compared(found)


# Over tasks

OVER_TASKS = {"median": "median", "mean": "mean", "sd": "standard deviation"}
SHARES = {
    "spread": np.linspace(0.3, 0.9, 7), "near": np.linspace(0.66, 0.74, 7), "equal": np.full(7, 0.7)
}  # fmt: skip


def over_tasks(shares: str, n_models: int, rng: np.random.Generator) -> list[Number]:
    """Aggregates over seven tasks of 100 clips, or differences of two equal models."""
    of_tasks = [
        cells(right, [[model] for model in answers([p] * n_models, 100, 0.7, rng)], [100], rng)
        for p in SHARES[shares]
    ]
    models = [[found[model] for found in of_tasks] for model in range(n_models)]
    scores, drawn, plain = (
        [np.array([cell[i] for cell in mine]) for mine in models] for i in range(3)
    )
    numbers = []
    for aggregate in OVER_TASKS:
        pairs = zip(scores, drawn, strict=True)
        value, replicates = map(
            _less, zip(*(AGGREGATES[aggregate](*p) for p in pairs), strict=True)
        )
        as_is = (_less([uncorrected(aggregate, one) for one in of]) for of in (scores, plain))
        numbers.append(Number(value, replicates, *as_is))
    return numbers


def _less(values: Sequence[Any]) -> Any:
    """The value of one model, or the first's less the second's."""
    return values[0] - values[1] if len(values) > 1 else values[0]


def uncorrected(aggregate: str, scores: Matrix) -> Any:
    """Aggregate scores as they are: a standard deviation holds the noise of the clips."""
    if aggregate == "sd":
        return np.std(scores, axis=0, ddof=1)
    return AGGREGATES[aggregate](scores, scores)[0]


def rows() -> Iterator[tuple[dict[str, float], str, Case]]:
    """Every case: its numbers with their truth, NaN for the mean over test sets of this size."""
    for p in (0.5, 0.8, 0.95, 0.98, 0.99):
        yield {"accuracy": p}, f"100 clips, p {p}", partial(accuracy, p, [100])
    for sizes, p in (([10] * 10, 0.7), ([24] * 5, 0.7), ([12] * 7, 0.7), ([6] * 10, 0.95)):
        setting = f"{len(sizes)} folds of {sizes[0]} clips, p {p}"
        yield {"accuracy": p}, setting, partial(accuracy, p, sizes)
    for p, n, rho in ((0.7, 108, 0.5), (0.7, 108, 0.9), (0.96, 60, 0.5), (0.96, 60, 0.9)):
        case = partial(paired_accuracy, p, n, rho)
        yield {"difference of accuracies": 0.0}, f"{n} clips, p {p}, rho {rho}", case
    for n, n_sources in ((108, 7), (108, 28), (88, 16)):
        for correlation in (0.0, 0.05, 0.1, 0.2):
            setting = f"{n} clips of {n_sources} sources, correlation {correlation}"
            yield {"accuracy": 0.7}, setting, partial(clustered, n, n_sources, correlation, 0.7, 1)
    case = partial(clustered, 108, 7, 0.2, 0.95, 1)
    yield {"accuracy": 0.95}, "108 clips of 7 sources, correlation 0.2, p 0.95", case
    case = partial(clustered, 108, 7, 0.1, 0.7, 2)
    yield {"difference of accuracies": 0.0}, "108 clips of 7 sources, correlation 0.1", case
    for correlation in (0.0, 0.1):
        setting = f"7 folds of 12 clips, a source each, correlation {correlation}"
        yield {"accuracy": 0.7}, setting, partial(whole_folds, 7, 12, correlation)
    for n_seeds in (1, 2, 3, 5):
        setting = f"100 clips, {n_seeds} probe seeds that spread by .74 standard errors"
        yield {"accuracy": 0.7}, setting, partial(seeds, n_seeds, 100, 0.74)
    for separation, kind in ((2.5, "easy"), (1.2, "hard")):
        for n in (160, 60):
            case = partial(precision, n, 20, separation, 1, False)
            yield {"mAP": np.nan}, f"{n} clips of 1 to 3 of 20 labels, {kind}", case
    case = partial(precision, 60, 20, 1.2, 3, True)
    yield {"mAP": np.nan}, "3 folds of 60 clips of 20 labels", case
    for area in (0.8, 0.95):
        yield {"ROC AUC": area}, f"2 folds of 20 clips, {area}", partial(roc_area, area, 20, 2)
        yield {"ROC AUC": area}, f"40 clips, {area}", partial(roc_area, area, 40, 1)
    for n, n_folds, events in ((8, 1, (5, 11)), (8, 1, (1, 5)), (3, 5, (5, 11)), (24, 1, (5, 11))):
        for spread in (0.3, 0.8):
            folds = f"{n_folds} folds of " if n_folds > 1 else ""
            setting = f"{folds}{n} files of {events[0]} to {events[1]} events, spread {spread}"
            case = partial(event_files, n, n_folds, events, spread)
            yield {"event F-measure": np.nan}, setting, partial(case, 1)
            yield {"difference of event F-measures": 0.0}, setting, partial(case, 2)
    for shares, p in SHARES.items():
        setting = f"7 tasks of 100 clips, {shares}"
        names = {words: float(uncorrected(a, p)) for a, words in OVER_TASKS.items()}
        yield names, setting, partial(over_tasks, shares, 1)
        yield {f"difference of {n}s": 0.0 for n in names}, setting, partial(over_tasks, shares, 2)
    for separation, kind in ((2.5, "easy"), (1.2, "hard")):
        case = partial(precision, 160, 20, separation, 1, False)
        truth = infinite_precision(separation, 2 / 20)
        yield {"mAP": truth}, f"160 clips of 1 to 3 of 20 labels, {kind}", case


def run_case(
    truths: Mapping[str, float], setting: str, case: Case, n_repetitions: int, seed: int
) -> list[dict[str, object]]:
    """Rows of a case: coverage in per cent and mean width of each of its numbers."""
    rng = np.random.default_rng(seed)
    repetitions = [case(rng) for _ in range(n_repetitions)]
    table = []
    for (name, truth), numbers in zip(truths.items(), zip(*repetitions, strict=True), strict=True):
        of_this_size = bool(np.isnan(truth))
        if of_this_size:
            truth = float(np.mean([number.plain_value for number in numbers]))
        found = [interval(n.value, n.drawn, n.bounds) for n in numbers]
        plain = [interval(n.plain_value, n.plain, n.bounds) for n in numbers]
        covered, of_plain = (
            100 * np.mean([one.low <= truth <= one.high for one in ends]) for ends in (found, plain)
        )
        row = {"number": name, "setting": setting}
        row |= {"truth": "mean of this size" if of_this_size else "infinite test set"}
        row |= {"coverage": covered, "plain": of_plain}
        row |= {"width": np.mean([one.high - one.low for one in found])}
        table.append(row | {"n_repetitions": n_repetitions, "n_replicates": N_REPLICATES})
    return table


def main() -> None:
    """Write the table."""
    table = [
        row
        for seed, case in enumerate(tqdm(list(rows()), unit="case"))
        for row in run_case(*case, N_REPETITIONS, seed)
    ]
    frame = pd.DataFrame(table).round({"coverage": 1, "plain": 1, "width": 4})
    frame.to_csv(RESULTS / "coverage.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
