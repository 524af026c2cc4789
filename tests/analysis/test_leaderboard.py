"""The leaderboard row: the public file's columns in order, or every reason why there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.tables.leaderboard import LEADERBOARD_COLUMNS, LeaderboardError, leaderboard_row

# The first line of docs/leaderboard.csv in github.com/hearbenchmark/hearbenchmark.com.
HEADER = (
    "Model,URL,Beehive,Beijing Opera,CREMA-D,DCASE 2016,ESC-50,FSD50K,GTZAN Genre,"
    "GTZAN Music/Speech,Gunshot,Libricount,Maestro 5h,Mridangam Stroke,Mridangam Tonic,"
    "NSynth Pitch 50h,NSynth Pitch 5h,Speech commands 5h,Speech commands full,Vocal Imitation,"
    "VoxLingua107 top 10"
)
TASKS = list(LEADERBOARD_COLUMNS)


@pytest.fixture
def summary() -> pd.DataFrame:
    """All scores of a run's model, in another order, beside an official entry."""
    run = pd.DataFrame({"task": TASKS[::-1], "model": "m", "source": "run"})
    run["score"] = np.linspace(0.9, 0.1, len(TASKS))
    return pd.concat([run, run.assign(source="hear2021", score=0.5)], ignore_index=True)


def row(summary: pd.DataFrame, **changes: object) -> pd.DataFrame:
    arguments = {"model": "m", "name": "Team M", "url": "https://example.org", "deviations": ()}
    return leaderboard_row(summary, **arguments | {"real_tasks": TASKS} | changes)


def test_columns_and_scores(summary: pd.DataFrame) -> None:
    table = row(summary)
    assert ",".join(table.columns) == HEADER
    assert len(table) == 1
    assert table.loc[0, "Beehive"] == pytest.approx(0.1)
    assert table.loc[0, "VoxLingua107 top 10"] == pytest.approx(0.9)


def test_columns_are_the_papers_task_names(task_table: pd.DataFrame) -> None:
    assert LEADERBOARD_COLUMNS == dict(zip(task_table["task"], task_table["name"], strict=True))


def test_every_reason_is_listed(summary: pd.DataFrame) -> None:
    summary = summary[summary["task"] != "esc50"]
    summary.loc[summary["task"] == "maestro", "score"] = np.nan
    real = [task for task in TASKS if task != "crema_d"]
    with pytest.raises(LeaderboardError) as error:
        row(summary, real_tasks=real, deviations=("patience",), url=" ")
    assert str(error.value).splitlines() == [
        "no leaderboard row for m, for 5 reasons:",
        "  leaderboard: url: expected a text, found nothing",
        "  protocol: patience is not heareval's",
        "  crema_d: not HEAR 2021's task in its official version",
        "  esc50: no score of m",
        "  maestro: expected a finite score of m, found nan",
    ]


def test_a_mini_study_has_none(summary: pd.DataFrame) -> None:
    with pytest.raises(LeaderboardError, match="for 19 reasons"):
        row(summary, real_tasks=())
