"""Captions of the tables that rules of their own make: estimates, claims, leaderboard row."""

from __future__ import annotations

import pandas as pd

from analysis.claims.claim import MAX_P
from analysis.exhibits.numbers import count
from analysis.exhibits.text import FigureText


def estimates_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return f"Every estimate with its interval, {count(len(numbers), 'row')}."


def claims_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    counts = numbers["verdict"].value_counts()
    verdicts = ", ".join(f"{verdict}: {n}" for verdict, n in counts.items())
    nearest = (numbers["stands_for"].fillna("") != "").sum()
    confounds = "; ".join(f"{topic}: {words}" for topic, words in text.confounds.items())
    return (
        "The paper's claims, paraphrased, each with its verdict from this study's numbers. "
        f"{count(len(numbers), 'claim')}: {verdicts}. An estimate without an interval is a point "
        "value. On tasks where PaSST's features (M) are not above log-mel by their interval, a "
        "verdict is weak evidence about PaSST; the reason gives their number, the CSV their names."
        f"{_corrected(numbers)}{_of_one_seed(numbers)} {nearest} of them are the closest available "
        "evidence for another claim of the paper."
        + (f" Confounded in this study, where a claim says so: {confounds}." if confounds else "")
    )


def _corrected(claims: pd.DataFrame) -> str:
    """Sentence on how many verdicts remain if all claims are tested together."""
    n, decided = claims["p"].notna().sum(), (claims["p"] < MAX_P).sum()
    if not n:
        return ""
    stand = (claims["p_holm"] < MAX_P).sum()
    return (
        f" {count(n, 'claim')} {'has' if n == 1 else 'have'} an interval, which decides {decided} "
        f"at 5 % each; {stand} stand when all are tested together (p_holm, Holm 1979). "
        "detectable: the distance from the threshold that this sample decides in four of five "
        "cases."
    )


def _of_one_seed(claims: pd.DataFrame) -> str:
    if not (claims["n_seeds"] == 1).any():
        return ""
    return (
        " At this seed: the study has one probe seed, so no interval covers the spread over seeds."
    )


def leaderboard_row_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return "Scores in the public leaderboard's column names and order."
