"""The paper's claims, each compared with a study's numbers: holds, does not hold, undecided.

A claim is data (see `Claim`). It says something of one number, or of several that must all lie on
the claimed side: "M is above H" is one difference, "M is above H and M+H" are two. Each number
has an interval where its models were bootstrapped; official entries have point values alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from analysis.claims.claim import Claim, Measurand

HOLDS, FAILS = "holds", "does not hold"
AT_THIS_SEED = " at this seed"  # added where the interval knows of a single probe seed
UNDECIDED, NOT_TESTED = "undecided at this sample", "not tested in this study"
BY_VALUE = "decided by point values: official entries have no predictions to resample"
BY_MEASUREMENT = "decided by point values, measured once on this machine"
VIT_B = "768 wide, 12 blocks, 12 heads"  # the paper's network, as the measurements name it
NO_INTERVAL = "too few test clips for an interval"

OTHER_AGGREGATE = {"mean": "median", "median": "mean"}
QUANTITIES = ("normalized_score", "score", "headroom")
DIRECTIONS = ("above", "below", "within")


class Measured(NamedTuple):
    """Measured values of this machine, and the network that they were measured with."""

    values: Mapping[Measurand, float]
    network: str


@dataclass(frozen=True)
class Number:
    """One number that a claim is about.

    ``low`` and ``high`` are NaN without bootstrapped scores; ``n_tasks`` is the fewest tasks that
    any part of it is over, ``tasks`` are all of them, ``n_seeds`` the fewest probe seeds on one of
    them (0 if unknown); ``of_run``: whether all of it comes from
    models of the run; ``value`` and ``other_value`` are the two models' aggregates, the latter NaN
    without another model.
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
    """What a study says of a claim: verdict, why, and the number that decides."""

    verdict: str
    reason: str = ""
    number: Number = field(default_factory=lambda: Number(np.nan))


def decide(claim: Claim, numbers: list[Number]) -> Verdict:
    """Decide a claim by its numbers, which must all lie on the claimed side.

    It holds if all lie there with their whole intervals, does not hold if one lies on the other
    side with all of its own, else it is undecided. Of several numbers the deciding one is shown:
    the one nearest to the other side, or furthest beyond it. Official entries have no intervals and
    are decided by value; a tie is not above.
    """
    margins = [_margins(claim, number) for number in numbers]  # how far on the claimed side
    surest = min(range(len(numbers)), key=lambda i: margins[i][1])
    weakest = min(range(len(numbers)), key=lambda i: margins[i][0])
    if margins[surest][1] < 0 or (not numbers[surest].of_run and margins[surest][1] <= 0):
        return Verdict(_said(FAILS, numbers), _reason(numbers[surest]), numbers[surest])
    if margins[weakest][0] > 0:
        return Verdict(_said(HOLDS, numbers), _reason(numbers[weakest]), numbers[weakest])
    return Verdict(UNDECIDED, _reason(numbers[weakest]), numbers[weakest])


def judge_measured(claim: Claim, measured: Measured) -> Verdict:
    """Compare a claim with ``ratio`` with measurements of this machine, by point value.

    Not tested if a value was not measured, or with another network than the paper's; the number of
    the other network is shown all the same.
    """
    pairs = [pair for pair in (claim.ratio, claim.than_ratio) if pair]
    values = measured.values
    lacking = dict.fromkeys(key for pair in pairs for key in pair if key not in values)
    if lacking:
        names = ", ".join(f"{m.quantity} at hop {m.hop_ms}, Patchout {m.patchout}" for m in lacking)
        return Verdict(NOT_TESTED, f"not measured: {names}")
    ratios = [values[top] / values[bottom] for top, bottom in pairs]
    number = Number(ratios[0] - (ratios[1] if claim.than_ratio else 0), of_run=False)
    if measured.network != VIT_B:
        reason = f"measured with a network {measured.network}; the claim is about {VIT_B}"
        return Verdict(NOT_TESTED, reason, number)
    return dataclasses.replace(decide(claim, [number]), reason=BY_MEASUREMENT)


def _said(verdict: str, numbers: list[Number]) -> str:
    """Say that a verdict of a single seed is about that seed: its interval knows no other."""
    return verdict + AT_THIS_SEED * any(number.n_seeds == 1 for number in numbers)


def _reason(number: Number) -> str:
    if not number.of_run:
        return BY_VALUE
    return NO_INTERVAL if np.isnan(number.low) else ""


def _margins(claim: Claim, number: Number) -> tuple[float, float]:
    """Distances of an interval's two ends from the threshold, positive on the claimed side.

    A run's number without an interval could be anywhere.
    """
    low, high = number.low, number.high
    if not number.of_run:
        low = high = number.estimate
    elif np.isnan(low):
        return -np.inf, np.inf
    if claim.direction == "above":
        return low - claim.threshold, high - claim.threshold
    if claim.direction == "below":
        return claim.threshold - high, claim.threshold - low
    furthest = max(abs(low), abs(high))
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return claim.threshold - furthest, claim.threshold - nearest
