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

Replicates of a score spread too little in two cases, and are widened before anything follows from
them (`widen`): where few clips or files were drawn, and near the ends of a score's range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

LEVEL = 0.95
Z = float(norm.ppf((1 + LEVEL) / 2))  # an interval's half width in standard errors
N_PSEUDO_CLIPS = 4  # of Agresti and Coull; with 2, .98 of 100 clips would be covered at 86 % only
MIN_DEFINED = 0.9  # share of replicates that must be defined (a ROC area needs both classes)
UNBOUNDED = (-np.inf, np.inf)
_NO_VARIANCE = 1e-9  # of scores, which are rounded to float32


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
    `MIN_DEFINED` of the replicates are defined.
    """
    usable = replicates[np.isfinite(replicates)]
    if not np.isfinite(estimate) or len(usable) == 0 or len(usable) < MIN_DEFINED * len(replicates):
        return NO_INTERVAL
    tail = (1 - LEVEL) / 2
    ends = np.quantile(usable, [tail, 1 - tail]) + (estimate - usable.mean())
    low, high = np.clip(ends, *bounds)
    return Interval(float(min(low, estimate)), float(max(high, estimate)), len(usable))


def draw_pseudo_clips(n_replicates: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw how often pseudo-clips enter each replicate; the models of a task share it."""
    return rng.poisson(N_PSEUDO_CLIPS, n_replicates)


def widen(
    score: float,
    replicates: NDArray[np.floating],
    n_scored: int,
    degrees_of_freedom: float,
    bounds: tuple[float, float],
    pseudo_clips: NDArray[np.integer],
    rng: np.random.Generator,
) -> NDArray[np.floating]:
    """Return a score's replicates with the spread that few clips and the ends of its range hide.

    - The standard error itself is estimated from the drawn clips (files): replicates are spread by
      the ratio of Student's quantile to the normal one, 1.21 for eight files.
    - Where nearly all clips are right, the wrong ones that another test set would have may be in
      none that was drawn. As Agresti and Coull (The American Statistician 52, 1998) for a share and
      Agresti and Min (Statistics in Medicine 24, 2005) for a difference of paired shares, four
      pseudo-clips are added, on which each model tosses a coin (`rng`): of their variance as much
      as the share's grows when it is moved towards 1/2, which is nothing in the middle of the
      range. A metric that is no mean of clips is taken as a share of the number of clips that would
      have its variance, its effective sample size (Korn and Graubard, Survey Methodology 24, 1998).

    The mean stays. Without a range (d') there are no pseudo-clips. Undefined replicates stay so.

    Parameters
    ----------
    n_scored : int
        Number of test clips, or of events: the effective sample size is no smaller.
    pseudo_clips : ndarray of int
        As `draw_pseudo_clips` returns them, shape of ``replicates``.
    """
    variance, defined = variance_of(replicates), replicates[np.isfinite(replicates)]
    mean = defined.mean() if len(defined) else np.nan
    spread = t.ppf((1 + LEVEL) / 2, max(1.0, degrees_of_freedom)) / Z
    widened = mean + spread * (replicates - mean)
    low, high = bounds
    if not np.isfinite([low, high, score, variance]).all():
        return widened
    share = (score - low) / (high - low)
    expected = share * (1 - share) * (high - low) ** 2  # variance of a single clip
    n_effective = expected / variance if min(expected, variance) > _NO_VARIANCE else 0.0
    right = rng.binomial(pseudo_clips, 0.5)
    excess = right - pseudo_clips * share - N_PSEUDO_CLIPS * (0.5 - share)  # 0 on average
    nearness = abs(2 * share - 1)  # 0 in the middle of the range, where nothing hides
    return widened + (high - low) * nearness * excess / max(n_scored, n_effective)


def variance_of(replicates: NDArray[np.floating]) -> float:
    """Return the variance of the defined ones among replicates; NaN if there is none."""
    defined = replicates[np.isfinite(replicates)]
    return float(defined.var()) if len(defined) else np.nan


def combined_freedom(variances: Sequence[float], freedoms: Sequence[float]) -> float:
    """Return the degrees of freedom of a sum of estimated variances.

    Source: Satterthwaite, "An approximate distribution of estimates of variance components",
    Biometrics Bulletin 2, 1946. A variance of 0, or one that is unknown, has no part in it.
    """
    parts = [(v, f) for v, f in zip(variances, freedoms, strict=True) if v > 0]
    if not parts:
        return float(freedoms[0])
    return float(sum(v for v, _ in parts) ** 2 / sum(v**2 / max(1.0, f) for v, f in parts))


def over_seeds(
    scores: NDArray[np.floating],
    replicates: NDArray[np.floating],
    degrees_of_freedom: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.floating], float]:
    """Average bootstrapped scores over redrawn probe seeds, and say their degrees of freedom.

    Of n seeds n - 1 are drawn for each replicate, so that the variance of the mean is unbiased.
    Seeds also differ by the luck that each has with the test clips, which the drawn clips hold
    already: the spread over seeds is without it. A single seed is taken as it is: its interval
    knows nothing of the others.

    Parameters
    ----------
    scores : ndarray
        Of each seed on the clips as they are, (n_seeds,).
    replicates : ndarray
        (n_seeds, n_replicates).
    degrees_of_freedom : float
        Of the replicates of one seed.
    """
    n_seeds, n_replicates = replicates.shape
    if n_seeds == 1:
        return replicates[0], degrees_of_freedom
    noise, offsets = replicates - scores[:, None], scores - scores.mean()
    defined = noise[:, np.isfinite(noise).all(axis=0)]
    luck = float(defined.var(axis=0, ddof=1).mean()) if defined.size else 0.0
    if (spread := float(offsets.var(ddof=1))) > 0:
        offsets = offsets * np.sqrt(max(0.0, 1 - luck / spread))
    drawn = rng.multinomial(n_seeds - 1, np.full(n_seeds, 1 / n_seeds), size=n_replicates)
    of_clips = noise.mean(axis=0)
    freedom = combined_freedom(
        [variance_of(of_clips), float(offsets.var(ddof=1)) / n_seeds],
        [degrees_of_freedom, n_seeds - 1],
    )
    return scores.mean() + of_clips + drawn @ offsets / (n_seeds - 1), freedom
