"""Intervals from bootstrapped scores.

An interval is the middle 95 % of the statistic's replicates, moved so that their mean lies on the
statistic itself, cut at the statistic's range, and widened to hold the statistic.

Why moved: a replicate repeats clips, which pushes ranks, medians over tasks and average precision
to one side (a label that no drawn clip has counts 0). The question here is where the score would
lie on another test set of the same size, drawn from the same source, and that knows no such push.
The plain percentile interval keeps it and can leave the measured value outside; the reflected
("basic") one turns it around and leaves the range of a score near 1; BCa puts the measured value's
place among the replicates through a normal quantile, which is infinite once all of them lie on one
side. For a mean of clips (accuracy) there is no push, and this is the percentile interval.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
MIN_DEFINED = 0.9  # share of replicates that must be defined (a ROC area needs both classes)
UNBOUNDED = (-np.inf, np.inf)


class Interval(NamedTuple):
    """Ends of an interval and the number of replicates behind it; NaN, NaN, 0 if there is none."""

    low: float
    high: float
    n_replicates: int


NO_INTERVAL = Interval(np.nan, np.nan, 0)


def interval(
    estimate: float, replicates: NDArray[np.floating], bounds: tuple[float, float] = UNBOUNDED
) -> Interval:
    """Return the interval of a statistic from its replicates, shape (n_replicates,).

    Undefined replicates (NaN, infinite) are left out. ``low <= estimate <= high`` within `bounds`,
    the least and largest possible value; none if the estimate is undefined or fewer than
    `MIN_DEFINED` of the replicates are defined. All replicates alike (every clip right) give a
    width of 0: the bootstrap knows of no clip that was not there.
    """
    usable = replicates[np.isfinite(replicates)]
    if not np.isfinite(estimate) or len(usable) == 0 or len(usable) < MIN_DEFINED * len(replicates):
        return NO_INTERVAL
    tail = (1 - LEVEL) / 2
    ends = np.quantile(usable, [tail, 1 - tail]) + (estimate - usable.mean())
    low, high = np.clip(ends, *bounds)
    return Interval(float(min(low, estimate)), float(max(high, estimate)), len(usable))


def average_seeds(
    replicates: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.floating]:
    """Average bootstrapped scores, shape (n_seeds, n_replicates), over redrawn probe seeds.

    Of n seeds n - 1 are drawn for each replicate, so that the variance of the mean is unbiased. A
    single seed is taken as it is: its interval knows nothing of the spread over seeds.
    """
    n_seeds, n_replicates = replicates.shape
    if n_seeds == 1:
        return replicates[0]
    chances = np.full(n_seeds, 1 / n_seeds)
    drawn = rng.multinomial(n_seeds - 1, chances, size=n_replicates).T
    return (drawn * replicates).sum(axis=0) / (n_seeds - 1)
