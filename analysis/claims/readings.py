"""Sensitivity of a verdict: the same claim under other readings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from analysis.claims.claim import NOT_TESTED, VERDICTS, Claim, verdict_kind
from analysis.claims.decide import OTHER_AGGREGATE

FIRM = "firm"
ONE_READING = "no other reading"
MOVED = (0.5, 1.5)  # times a number that the reading chose
_WITHOUT = "without "

Judge = Callable[[Claim, str], str]  # verdict on a claim, without a task where one is named


def hangs_on(claim: Claim, verdict: str, tasks: tuple[str, ...], judge: Judge) -> str:
    """Other readings that change a claim's verdict, with the changed verdicts.

    Read otherwise are a number that the reading chose (half of it, half as much again), the mean
    for the median or the median for the mean, and, one at a time, each of `tasks` left out.

    Returns
    -------
    str
        As ``undecided: mean, without esc50 or fsd50k; holds: threshold 0.01``; `FIRM` if nothing
        changes the verdict, `ONE_READING` if there is no other reading, empty if it is not tested.
    """
    found = verdict_kind(verdict)
    if found == NOT_TESTED:
        return ""
    by_verdict: dict[str, list[str]] = {kind: [] for kind in VERDICTS}
    for words, reading, without in _readings(claim, tasks):
        by_verdict[verdict_kind(judge(reading, without))].append(words)
    del by_verdict[NOT_TESTED]  # too few tasks are left
    if not any(by_verdict.values()):
        return ONE_READING
    del by_verdict[found]
    return "; ".join(f"{kind}: {_joined(w)}" for kind, w in by_verdict.items() if w) or FIRM


def other_aggregate(claim: Claim) -> Claim | None:
    """Return the claim about the mean instead of the median, or the other way round, if it can."""
    if not claim.models or claim.tasks or claim.aggregate not in OTHER_AGGREGATE:
        return None
    return dataclasses.replace(claim, aggregate=OTHER_AGGREGATE[claim.aggregate])


def _readings(claim: Claim, tasks: tuple[str, ...]) -> Iterator[tuple[str, Claim, str]]:
    """Words, claim and left out task of every other reading."""
    for times in MOVED if claim.chosen else ():
        value = times * getattr(claim, claim.chosen)
        moved = dataclasses.replace(claim, **{claim.chosen: value})
        yield f"{claim.chosen} {value:g}", moved, ""
    other = other_aggregate(claim)
    if other is not None:
        yield other.aggregate, other, ""
    for task in tasks:
        yield f"{_WITHOUT}{task}", claim, task


def _joined(words: list[str]) -> str:
    tasks = [said.removeprefix(_WITHOUT) for said in words if said.startswith(_WITHOUT)]
    readings = words[: len(words) - len(tasks)]
    return ", ".join([*readings, *([_WITHOUT + " or ".join(tasks)] if tasks else [])])
