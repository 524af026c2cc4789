"""Captions of the tables that rules of their own make: estimates, claims, leaderboard row."""

from __future__ import annotations

import pandas as pd

from analysis.exhibits.numbers import count
from analysis.exhibits.text import FigureText


def estimates_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return f"Every estimate with its interval, {count(len(numbers), 'row')}."


def claims_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    counts = numbers["verdict"].value_counts()
    verdicts = ", ".join(f"{verdict}: {n}" for verdict, n in counts.items())
    seeds = " At this seed: the study has one probe seed, and no interval knows what others change."
    return (
        f"The paper's claims, paraphrased, each with its verdict on this study's numbers. "
        f"{count(len(numbers), 'claim')}: {verdicts}. An estimate without an interval is a point "
        "value. Where PaSST's features (M) are not above log-mel by their interval, a verdict says "
        "little of PaSST: the reason counts these tasks, the CSV names them."
        + seeds
        * bool((numbers["n_seeds"] == 1).any())
    )


def leaderboard_row_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return "Scores in the public leaderboard's column names and order."
