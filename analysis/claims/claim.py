"""Claims of the paper as plain data; imports the standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

HOLDS, FAILS, UNDECIDED, NOT_TESTED = "holds", "does not hold", "undecided", "not tested"
VERDICTS = (HOLDS, FAILS, UNDECIDED, NOT_TESTED)  # kinds: how a verdict begins
MAX_P = 0.05  # of a decided claim
VIT_B = "768 wide, 12 blocks, 12 heads"  # the paper's network, as measurements name it
LEVELS_TOPIC, FIELDS_TOPIC, HOPS_TOPIC = "levels", "receptive fields", "hops"  # 5.1.1 to 5.3
TRAININGS_TOPIC = "trainings"  # models differ in it if their trained networks do


def verdict_kind(verdict: str) -> str:
    """Return which of `VERDICTS` a verdict is, whatever else it says."""
    return next(kind for kind in VERDICTS if verdict.startswith(kind))


def verdicts_in_words(
    verdicts: Iterable[str], p_holm: Iterable[float], weak_tasks: Iterable[str] | None = None
) -> str:
    """Count verdicts, and those that stand when all claims are tested together.

    ``p_holm`` are the adjusted p (`analysis.claims.decide.holm`), NaN without an interval. Decided
    verdicts keep what is said behind them (``holds at this seed``); ``weak_tasks`` as for
    `weak_in_words`, whose sentence follows.
    """
    kinds = {said: verdict_kind(said) for said in verdicts}
    said = [kinds[v] if VERDICTS.index(kinds[v]) > 1 else v for v in verdicts]
    order = sorted(dict.fromkeys(said), key=lambda v: VERDICTS.index(verdict_kind(v)))
    counts = ", ".join(f"{verdict}: {said.count(verdict)}" for verdict in order)
    known = [p for p in p_holm if p == p]
    stand = sum(p < MAX_P for p in known)
    counts += f"; {stand} stand when all are tested together (Holm)" * bool(known)
    weak = "" if weak_tasks is None else weak_in_words(verdicts, weak_tasks)
    return f"{counts}. {weak}" if weak else counts


def weak_in_words(verdicts: Iterable[str], weak_tasks: Iterable[str]) -> str:
    """Count decided verdicts that rest on tasks where M is not above log-mel; empty if none does.

    ``weak_tasks`` names these tasks for each verdict.
    """
    decided = [
        bool(tasks)
        for verdict, tasks in zip(verdicts, weak_tasks, strict=True)
        if verdict_kind(verdict) in (HOLDS, FAILS)
    ]
    if not any(decided):
        return ""
    return (
        f"{sum(decided)} of {len(decided)} decided verdicts rest at least in part on weak "
        "evidence: tasks where M is not above log-mel"
    )


class Measurand(NamedTuple):
    """A measured quantity: its name, the paper's hop in ms, and Patchout (or ``none``)."""

    quantity: str
    hop_ms: int
    patchout: str


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes
    ----------
    claim_id, section, statement : str
        Id, the paper's section, and a paraphrase of the claim.
    topic, short : str
        Topic of the section, and the claim in a few words, for figures.
    reading : str
        Interpretation of the claim as a number, if it is not obvious.
    chosen : str
        Number chosen by the interpretation because the paper gives none: ``threshold``, ``factor``
        or none.
    models : tuple of tuple of str
        The models concerned: for each, its possible ids; the first that a study has is used.
    others : tuple of tuple of str
        Models to compare with, all pairs; empty if the claim is about the numbers themselves.
    others_of_study : bool
        If true, the others that a study has are sufficient; else all are required for a test.
    others_source : str
        ``hear2021``: the others are all HEAR 2021 entries with a score.
    factor : float
        Factor applied to the others' numbers.
    tasks : tuple of str
        Tasks concerned; if empty, those of ``category``.
    category : str
        ``all``: all tasks; ``each``: one number per category, all of which must be on the claimed
        side.
    than_categories : tuple of str
        If given, the claim is about the difference to the same number in each of these categories.
    shared : bool
        Whether two models are compared on their common tasks, or each on its own tasks.
    maxima : str
        ``hear2021``: the claim is about scores relative to the best HEAR 2021 entry, and to no
        other maximum.
    quantity, aggregate, direction : str
        What is compared, how it is aggregated over tasks, and the claimed side of ``threshold``;
        the values are those of workflow/schemas/claims.schema.yaml.
    threshold : float
        ``above`` or ``below`` it, or ``within`` plus and minus it.
    ratio, than_ratio : tuple of Measurand
        For a claim about measurements: two measured values whose ratio is the number, and two
        whose ratio is subtracted from it.
    untested : str
        Reason why no study can test the claim; then nothing is compared.
    stands_for : str
        Id of another claim for which this one is the closest available evidence.
    """

    claim_id: str
    section: str
    statement: str
    direction: str = ""
    topic: str = ""
    short: str = ""
    reading: str = ""
    chosen: str = ""
    models: tuple[tuple[str, ...], ...] = ()
    others: tuple[tuple[str, ...], ...] = ()
    others_of_study: bool = False
    others_source: str = ""
    factor: float = 1.0
    tasks: tuple[str, ...] = ()
    category: str = "all"
    than_categories: tuple[str, ...] = ()
    shared: bool = True
    maxima: str = ""
    quantity: str = "normalized_score"
    aggregate: str = "median"
    threshold: float = 0.0
    ratio: tuple[Measurand, ...] = ()
    than_ratio: tuple[Measurand, ...] = ()
    untested: str = ""
    stands_for: str = ""
