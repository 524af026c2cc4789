"""Decision of the paper's claims from a study's numbers: holds, does not hold, undecided.

A claim is data (see `Claim`) about one number, or several that must all lie on the claimed side:
"M is above H" is one difference, "M is above H and M+H" are two. Each number has an interval if its
models were bootstrapped; official entries have point values only.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from analysis.claims.claim import FAILS, HOLDS, NOT_TESTED, UNDECIDED, VIT_B, Claim, Measurand
from analysis.statistics.intervals import CONFIDENCE, Z

AT_THIS_SEED = " at this seed"  # added where the interval knows of a single probe seed
UNDECIDED_HERE, NOT_TESTED_HERE = f"{UNDECIDED} at this sample", f"{NOT_TESTED} in this study"
BY_VALUE = "decided by point values: official entries have no predictions to bootstrap"
BY_MEASUREMENT = "decided by point values, measured once on this machine"
TOO_FEW_CLIPS = "too few test clips for an interval"

POWER = 0.8  # probability with which a detectable difference is decided, a convention
OTHER_AGGREGATE = {"mean": "median", "median": "mean"}


class Measured(NamedTuple):
    """Values measured on this machine, and the measured network."""

    values: Mapping[Measurand, float]
    network: str


@dataclass(frozen=True)
class Number:
    """One number of a claim.

    ``low`` and ``high`` are NaN without bootstrapped scores; ``n_tasks`` is the smallest number of
    tasks of its parts, ``tasks`` are all of them, ``n_seeds`` the smallest number of probe seeds on
    one of them (0 if unknown); ``of_run`` tells whether all parts come from models of the run;
    ``value`` and ``other_value`` are the two models' aggregates, the latter NaN without another
    model.
    """

    estimate: float
    low: float = np.nan
    high: float = np.nan
    n_tasks: int = 0
    of_run: bool = True
    model: str = ""
    other_model: str = ""
    where: str = ""
    value: float = np.nan
    other_value: float = np.nan
    tasks: tuple[str, ...] = ()
    n_seeds: int = 0


@dataclass(frozen=True)
class Verdict:
    """Verdict of a study on a claim, with its reason, the deciding number, and its two-sided p.

    ``p`` is NaN if the verdict is not based on an interval.
    """

    verdict: str
    reason: str = ""
    number: Number = field(default_factory=lambda: Number(np.nan))
    p: float = np.nan


def decide(claim: Claim, numbers: list[Number]) -> Verdict:
    """Decide a claim by its numbers, which must all lie on the claimed side.

    The claim holds if the intervals of all numbers lie entirely on the claimed side. It does not
    hold if the interval of any number lies entirely on the other side, at a level divided by the
    number of tests (Bonferroni). Otherwise it is undecided. The deciding number is the one closest
    to the other side, or furthest beyond it, in standard errors. Official entries have no intervals
    and are decided by value; a tie does not count as above.
    """
    margins = [_margin(claim, number) for number in numbers]
    beyond = [_distance(claim, number) for number in numbers]  # where margins are infinite
    margin, _, number = min(zip(margins, beyond, numbers, strict=True), key=itemgetter(0, 1))
    p = min(1.0, 2 * norm.sf(abs(margin)) * (len(numbers) if margin < 0 else 1))
    reason, p_shown = _reason(number), np.nan if np.isnan(number.low) else p
    if p >= 1 - CONFIDENCE:
        return Verdict(UNDECIDED_HERE, reason or _size_of_equality(claim, number), number, p_shown)
    at = AT_THIS_SEED * any(one.n_seeds == 1 for one in numbers)
    return Verdict((HOLDS if margin > 0 else FAILS) + at, reason, number, p_shown)


def distances(
    direction: str, threshold: float, estimate: float, low: float = np.nan, high: float = np.nan
) -> tuple[float, float, float]:
    """Return an estimate and its interval as distances from a threshold.

    They are positive on the claimed side; for ``within``, they are the distance inside the range.
    """
    if direction == "above":
        return estimate - threshold, low - threshold, high - threshold
    if direction == "below":
        return threshold - estimate, threshold - high, threshold - low
    far = max(abs(low), abs(high))
    near = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return threshold - abs(estimate), threshold - far, threshold - near


def detectable(number: Number) -> float:
    """Distance from the threshold that would be detected with a probability of `POWER`."""
    return float((Z + norm.ppf(POWER)) * _standard_error(number))


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Adjust the p of claims that are tested together, to control the family-wise error.

    NaN is not tested and stays NaN. Source: Holm, "A simple sequentially rejective multiple test
    procedure", Scandinavian Journal of Statistics 6, 1979.
    """
    adjusted = np.asarray(p, float).copy()
    tested = np.flatnonzero(~np.isnan(adjusted))
    order = tested[np.argsort(adjusted[tested])]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * adjusted[order]))
    return adjusted


def judge_measured(claim: Claim, measured: Measured) -> Verdict:
    """Compare a claim with ``ratio`` with measurements of this machine, by point value.

    Not tested if a value was not measured, or with another network than the paper's; the number of
    the other network is shown all the same.
    """
    pairs = [pair for pair in (claim.ratio, claim.than_ratio) if pair]
    values = measured.values
    if not values:
        return Verdict(NOT_TESTED_HERE, "this study has no such measurement")
    lacking = dict.fromkeys(key for pair in pairs for key in pair if key not in values)
    if lacking:
        names = ", ".join(f"{m.quantity} at hop {m.hop_ms}, Patchout {m.patchout}" for m in lacking)
        return Verdict(NOT_TESTED_HERE, f"not measured: {names}")
    ratios = [values[top] / values[bottom] for top, bottom in pairs]
    number = Number(ratios[0] - (ratios[1] if claim.than_ratio else 0), of_run=False)
    if measured.network != VIT_B:
        reason = f"measured with a network {measured.network}; the claim is about {VIT_B}"
        return Verdict(NOT_TESTED_HERE, reason, number)
    return dataclasses.replace(decide(claim, [number]), reason=BY_MEASUREMENT)


def _reason(number: Number) -> str:
    if not number.of_run:
        return BY_VALUE
    return TOO_FEW_CLIPS if np.isnan(number.low) else ""


def _size_of_equality(claim: Claim, number: Number) -> str:
    """Text on how many times as many clips would confirm a claim if both models were equal."""
    two_sided, threshold = claim.direction == "within", abs(claim.threshold)
    holds_at_0 = two_sided or (claim.threshold > 0) == (claim.direction == "below")
    if (
        not claim.others
        or not threshold
        or not holds_at_0
        or claim.aggregate not in OTHER_AGGREGATE
    ):
        return ""
    power = (1 + POWER) / 2 if two_sided else POWER  # both ends must be inside
    times = ((Z + norm.ppf(power)) * _standard_error(number) / threshold) ** 2
    if times <= 1:
        return ""
    times = math.ceil(10 * times) / 10 if times < 10 else math.ceil(times)
    return f"if both were equal, {times:g} times as many test clips and sources would show it"


def _standard_error(number: Number) -> float:
    return (number.high - number.low) / (2 * Z)


def _margin(claim: Claim, number: Number) -> float:
    """Distance of a number from the threshold in standard errors, positive on the claimed side.

    The standard error is that of the interval's side towards the threshold, so that the interval
    ends at the threshold where the distance is `Z`. A run's number without an interval could be
    anywhere.
    """
    if number.of_run and np.isnan(number.low):
        return 0.0
    if claim.direction == "above":
        return _above(number, claim.threshold)
    if claim.direction == "below":
        return -_above(number, claim.threshold)
    return min(_above(number, -claim.threshold), -_above(number, claim.threshold))


def _distance(claim: Claim, number: Number) -> float:
    return distances(claim.direction, claim.threshold, number.estimate)[0]


def _above(number: Number, threshold: float) -> float:
    distance = number.estimate - threshold
    if number.of_run:
        side = number.estimate - number.low if distance > 0 else number.high - number.estimate
        return Z * distance / side if side > 0 else np.inf * np.sign(distance) if distance else 0.0
    return np.inf if distance > 0 else -np.inf
