"""Downstream evaluation of one task: search on the first fold, train on all, predict tests.

Source: ``heareval`` 2021.1.3, ``predictions/task_predictions.py``, function task_predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from hear.probe.data import ProbeData
from hear.probe.selection import maximizes
from hear.probe.training import Fit, FoldData, PointResult, ProbeError, fit, predict
from hear.protocol import GridPoint, Postprocessing, Protocol, grid_points

FitPoints = Callable[[FoldData, Sequence[GridPoint], Protocol, tqdm], Iterable[Fit]]


@dataclass(frozen=True)
class FoldResult:
    """The test predictions of one fold.

    ``probabilities`` are float32 (n_test_rows, n_labels) in the order of the test splits' rows.
    ``chosen`` is the probe that made them; its post-processing applies to its test events.
    ``reference_score`` is heareval's primary test score, if heareval made the predictions.
    """

    name: str
    probabilities: NDArray[np.float32]
    chosen: PointResult
    reference_score: float | None = None


@dataclass(frozen=True)
class ProbeResult:
    """Results of all folds, and of the search on the first fold, in the order of training."""

    folds: tuple[FoldResult, ...]
    grid: tuple[PointResult, ...]


def one_by_one(
    data: FoldData, points: Sequence[GridPoint], protocol: Protocol, bar: tqdm
) -> Iterator[Fit]:
    """Train the grid points of a fold in sequence, as the reference does."""
    for number, point in enumerate(points, start=1):
        grid = f", grid {number}/{len(points)}" if len(points) > 1 else ""
        bar.set_description(f"{data.where}{grid}", refresh=False)
        yield fit(data, point, protocol, bar)


def train_and_predict(
    data: ProbeData,
    protocol: Protocol,
    seed: int,
    progress: bool = False,
    fit_points: FitPoints = one_by_one,
) -> ProbeResult:
    """Run the downstream protocol on one task's embeddings.

    Parameters
    ----------
    protocol : Protocol
        As resolved by ``Protocol.for_task``.
    seed : int
        Determines the grid points, the initial weights and the dropout; all three equal the
        reference's for the same seed (which it fixes at 42).
    fit_points : callable
        Trains the grid points of one fold; `hear.probe.stacked` trains them together.

    Raises
    ------
    ProbeError
        If arrays do not fit together, a last batch has a single row (its batch norm is undefined),
        a metric lacks its events, or a loss becomes NaN.

    Notes
    -----
    With `one_by_one`, the probabilities equal the reference's bit for bit on the same machine with
    the same number of threads, which the caller sets. The state of torch's default generator is
    restored.
    """
    data.check()
    parts = [data.fold(fold, protocol) for fold in data.folds]
    only, points = _only_postprocessing(data, protocol), grid_points(protocol, seed)
    n_epochs = protocol.max_epochs * (len(points) + len(parts) - 1)
    with (
        torch.random.fork_rng(devices=[]),
        tqdm(total=n_epochs, unit="epoch", disable=not progress) as bar,
    ):
        torch.default_generator.manual_seed(seed)
        best, grid = _search(parts[0], fit_points(parts[0], points, protocol, bar), protocol)
        fits, point = [best], cast(GridPoint, best.result.point)
        for part in parts[1:]:
            fits += fit_points(part, [point], protocol, bar)
    folds = []
    for fold, part, (result, network) in zip(data.folds, parts, fits, strict=True):
        found = predict(network, part.test, data.prediction_type, protocol.batch_size)
        chosen = replace(result, postprocessing=only or result.postprocessing)
        folds.append(FoldResult(fold.name, found, chosen))
    return ProbeResult(tuple(folds), tuple(grid))


def _search(
    data: FoldData, fits: Iterable[Fit], protocol: Protocol
) -> tuple[Fit, list[PointResult]]:
    """Return the best fit (the first of equals) and the results of all grid points."""
    sign = 1 if maximizes(protocol, data.metric) else -1
    best: Fit | None = None
    grid = []
    for fitted in fits:
        grid.append(fitted.result)
        score = sign * fitted.result.validation_score
        if best is None or score > sign * best.result.validation_score:
            best = fitted
    assert best is not None, "a protocol has at least one grid point"
    return best, grid


def _only_postprocessing(data: ProbeData, protocol: Protocol) -> Postprocessing | None:
    """Return the post-processing of event tasks for which validation does not select one."""
    if data.events is None or protocol.use_scoring_for_early_stopping:
        return None
    postprocessings = protocol.postprocessings()
    if len(postprocessings) != 1:
        raise ProbeError(
            f"{data.task}: selection by loss cannot choose a post-processing; expected one, "
            f"found {len(postprocessings)}: {postprocessings}"
        )
    return postprocessings[0]
