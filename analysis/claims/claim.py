"""Claims of the paper as plain data; imports the standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

VERDICTS = ("holds", "does not hold", "undecided", "not tested")  # how a verdict begins


def verdict_kind(verdict: str) -> str:
    """Return which of `VERDICTS` a verdict is, whatever else it says."""
    return next(kind for kind in VERDICTS if verdict.startswith(kind))


class Measurand(NamedTuple):
    """What is measured: quantity, the paper's hop in ms, and Patchout (``none`` without)."""

    quantity: str
    hop_ms: int
    patchout: str


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes
    ----------
    claim_id, section, statement : str
        Id, the paper's section, and its words in other words.
    topic, short : str
        What its section is about, and the claim in a few words, for figures.
    reading : str
        How the words became a number, where that is not plain.
    chosen : str
        Which number the reading chose as the paper has none: ``threshold``, ``factor`` or none.
    models : tuple of tuple of str
        The models it is about: for each the ids it can have; the first that a study has counts.
    others : tuple of tuple of str
        What they are compared with, each with each; empty if the numbers themselves are meant.
    others_of_study : bool
        Whether those of the others that a study has suffice; else the claim is not tested there.
    others_source : str
        ``hear2021``: all its entries that have a score there are the others.
    factor : float
        What the others' numbers are multiplied by.
    tasks : tuple of str
        Which tasks; empty: those of ``category``.
    category : str
        ``all``: every task; ``each``: a number for each category, all on the claimed side.
    than_categories : tuple of str
        The number is a difference to the same number in each of these categories.
    shared : bool
        Whether two models are compared on the tasks that both have, or each on its own.
    maxima : str
        ``hear2021``: it is about shares of the best HEAR 2021 entry, and of no other maximum.
    quantity, aggregate, direction : str
        Of `QUANTITIES` and `DIRECTIONS` in `analysis.claims.decide`, `AGGREGATES` in
        `analysis.claims.numbers`.
    threshold : float
        ``above`` or ``below`` it, or ``within`` plus and minus it.
    ratio, than_ratio : tuple of Measurand
        For a claim about measurements: two measured values whose ratio is the number, and two
        whose ratio is subtracted from it.
    untested : str
        Why no study can test it; nothing is compared then.
    stands_for : str
        Id of the claim that this one is nearest evidence for.
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
