"""Intervals from bootstrapped scores.

An interval is the central 95 % of the statistic's replicates, shifted so that their mean equals the
statistic, clipped to the statistic's range, and extended to contain the statistic.

Reason for the shift: a replicate repeats clips, which biases ranks, medians over tasks and average
precision (a label that no drawn clip has counts as 0). The interval should cover the score on
another test set of the same size from the same source, which has no such bias. The percentile
interval keeps the bias and can exclude the measured value; the reflected ("basic") interval
reverses it and leaves the range of a score near 1; BCa transforms the measured value's rank among
the replicates by a normal quantile, which is infinite if all replicates lie on one side. For a mean
over clips (accuracy), there is no bias, and the interval equals the percentile interval.

In two cases, the spread of the replicates is too small, and they are widened first (`widen`): if
few clips or files were drawn, and near the ends of a score's range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

CONFIDENCE = 0.95
Z = float(norm.ppf((1 + CONFIDENCE) / 2))  # an interval's half width in standard errors
N_PSEUDO_CLIPS = 4  # of Agresti and Coull; with 2, .98 of 100 clips would be covered at 86 % only
MIN_DEFINED = 0.9  # share of replicates that must be defined (a ROC area needs both classes)
Bounds = tuple[float, float]  # smallest and largest possible value of a statistic
UNBOUNDED: Bounds = (-np.inf, np.inf)
_NO_VARIANCE = 1e-9  # of scores, which are rounded to float32


class Interval(NamedTuple):
    """Ends of an interval and its number of replicates; NaN, NaN, 0 if there is none."""

    low: float
    high: float
    n_replicates: int


NO_INTERVAL = Interval(np.nan, np.nan, 0)


def interval(
    estimate: float, replicates: NDArray[np.floating], bounds: Bounds = UNBOUNDED
) -> Interval:
    """Return the interval of a statistic from its replicates, shape (n_replicates,).

    Undefined replicates (NaN, infinite) are ignored. ``low <= estimate <= high`` within `bounds`.
    There is no interval if the estimate is undefined or fewer than `MIN_DEFINED` of the replicates
    are defined.
    """
    usable = replicates[np.isfinite(replicates)]
    if not np.isfinite(estimate) or len(usable) == 0 or len(usable) < MIN_DEFINED * len(replicates):
        return NO_INTERVAL
    tail = (1 - CONFIDENCE) / 2
    ends = np.quantile(usable, [tail, 1 - tail]) + (estimate - usable.mean())
    low, high = np.clip(ends, *bounds)
    return Interval(float(min(low, estimate)), float(max(high, estimate)), len(usable))


def estimate_row(
    estimate: float, replicates: NDArray[np.floating], bounds: Bounds = UNBOUNDED, **key: Any
) -> dict[str, Any]:
    """Row of a table: the key, a statistic and its `interval`; no replicates are None."""
    low, high, n_replicates = interval(estimate, replicates, bounds)
    found = {"estimate": float(estimate), "low": low, "high": high}
    return key | found | {"n_replicates": n_replicates or None}


def draw_pseudo_clips(n_replicates: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the multiplicity of pseudo-clips in each replicate, shared by the models of a task."""
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
    """Widen a score's replicates for few clips and near the ends of the score's range.

    - The standard error itself is estimated from the drawn clips (files): the spread of the
      replicates is multiplied by the ratio of Student's quantile to the normal one, 1.21 for eight
      files.
    - If nearly all clips are correct, the errors that another test set would contain may be missing
      from the sample. Following Agresti and Coull (The American Statistician 52, 1998) for a
      proportion, and Agresti and Min (Statistics in Medicine 24, 2005) for a difference of paired
      proportions, four pseudo-clips are added, on which each model is correct with probability 1/2
      (`rng`). They add as much variance as the proportion's variance increases when it is moved
      towards 1/2: none in the middle of the range. A metric that is not a mean over clips is
      treated as a proportion with the number of clips that would give its variance, its effective
      sample size (Korn and Graubard, Survey Methodology 24, 1998).

    The mean is unchanged. Metrics without a range (d') get no pseudo-clips. Undefined replicates
    stay undefined.

    Parameters
    ----------
    n_scored : int
        Number of test clips or events, a lower bound of the effective sample size.
    pseudo_clips : ndarray of int
        Result of `draw_pseudo_clips`, with the shape of ``replicates``.
    """
    variance, defined = variance_of(replicates), replicates[np.isfinite(replicates)]
    mean = defined.mean() if len(defined) else np.nan
    spread = t.ppf((1 + CONFIDENCE) / 2, max(1.0, degrees_of_freedom)) / Z
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
    """Return the variance of the defined replicates; NaN if there are none."""
    defined = replicates[np.isfinite(replicates)]
    return float(defined.var()) if len(defined) else np.nan


def combined_freedom(variances: Sequence[float], freedoms: Sequence[float]) -> float:
    """Return the degrees of freedom of a sum of estimated variances.

    Source: Satterthwaite, "An approximate distribution of estimates of variance components",
    Biometrics Bulletin 2, 1946. Variances that are 0 or unknown are ignored.
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
    """Average bootstrapped scores over redrawn probe seeds; return them and degrees of freedom.

    From n seeds, n - 1 are drawn for each replicate, so that the variance of the mean is unbiased.
    Part of the differences between seeds is due to the test clips and already in the replicates; it
    is removed from the spread over seeds. With a single seed, the interval does not include the
    variation over seeds.

    Parameters
    ----------
    scores : ndarray
        Score of each seed on the actual clips, (n_seeds,).
    replicates : ndarray
        (n_seeds, n_replicates).
    degrees_of_freedom : float
        Degrees of freedom of one seed's replicates.
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
