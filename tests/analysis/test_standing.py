"""Standing of a run's models among the leaderboard's entries or among themselves."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.exhibits.ranks import ALL_TASKS, STANDING_COLUMNS, standing, standing_table

TASKS = {"a": "music", "b": "music", "c": "speech"}


def summary(scores: dict[tuple[str, str], tuple[float | None, ...]]) -> pd.DataFrame:
    rows = [
        {"source": source, "model": model, "task": task, "category": TASKS[task],
         "score": score, "normalized_score": score}
        for (source, model), values in scores.items()
        for task, score in zip(TASKS, values, strict=True) if score is not None
    ]  # fmt: skip
    return pd.DataFrame(rows)


def cell(table: pd.DataFrame, model: str, name: str) -> dict:
    return table[(table["model"] == model) & (table["name"] == name)].iloc[0].to_dict()


def test_the_best_is_first_and_equal_scores_share_a_rank():
    table = standing(summary({("run", "x"): (0.9, 0.8, 0.7), ("run", "y"): (0.9, 0.5, 0.6),
                              ("run", "z"): (0.1, 0.6, 0.6)}), {"x": "mine"})  # fmt: skip
    assert tuple(table.columns) == STANDING_COLUMNS
    assert [cell(table, m, "a")["rank"] for m in "xyz"] == [1, 1, 3]
    assert [cell(table, m, "c")["rank"] for m in "xyz"] == [1, 2, 2]
    assert cell(table, "x", "music")["normalized_score"] == pytest.approx(0.85)
    assert cell(table, "y", ALL_TASKS)["best"] == "x" and cell(table, "y", "a")["of_models"] == 3
    assert (
        set(table["against"]) == {"models of this run"} and cell(table, "x", "a")["label"] == "mine"
    )


def test_beside_official_scores_every_model_is_ranked_among_them_and_not_among_the_run():
    table = standing(summary({("run", "x"): (0.5, 0.5, 0.5), ("run", "y"): (0.9, 0.9, 0.9),
                              ("hear2021", "p"): (0.6, 0.4, 0.4), ("later", "q"): (0.7, 0.7, 0.7),
                              ("hear2021", "x"): (0.1, 0.1, 0.1)}), {})  # fmt: skip
    assert set(table["model"]) == {"x", "y"} and len(table) == 2 * (3 + 2 + 1)
    assert cell(table, "x", "a")["rank"] == 3 and cell(table, "x", "a")["of_models"] == 4
    assert cell(table, "x", "b")["rank"] == 2 and cell(table, "y", "a")["rank"] == 1
    assert cell(table, "x", "a")["best"] == "q"
    assert set(table["against"]) == {"HEAR 2021 and later entries"}


def test_no_rank_over_missing_cells():
    table = standing(summary({("run", "x"): (0.9, None, 0.7), ("run", "y"): (0.1, 0.2, 0.3)}), {})
    assert pd.isna(cell(table, "x", "music")["rank"]) and pd.isna(cell(table, "x", "all")["rank"])
    assert cell(table, "x", "music")["n_tasks"] == 1 and cell(table, "x", "music")["of_tasks"] == 2
    assert cell(table, "y", "music")["rank"] == 1 and cell(table, "y", "music")["of_models"] == 1
    assert cell(table, "x", "speech")["rank"] == 1
    assert not len(table[(table["model"] == "x") & (table["name"] == "b")])


def test_official_entries_that_were_not_run_rank_as_on_the_leaderboard(real_summary):
    official = real_summary[real_summary["source"] == "hear2021"]
    best = official[official["task"] == "libricount"].nlargest(1, "score").iloc[0]
    mine = official.loc[[best.name]].assign(source="run", model="mine")
    table = standing(pd.concat([official, mine]), {})
    assert cell(table, "mine", "libricount")["rank"] == 1
    assert cell(table, "mine", "libricount")["best_score"] == best["score"]


def test_table_for_reading_has_a_row_per_model_and_empty_cells_for_no_rank():
    table = standing(summary({("run", "x"): (0.9, None, 0.7), ("run", "y"): (0.1, 0.2, 0.3)}), {})
    shown = standing_table(table).set_index("model")
    assert list(shown.columns)[:3] == ["music", "speech", ALL_TASKS]
    assert shown.loc["x", "music"] == "" and shown.loc["x", "a"] == "1 of 2 (0.90)"
