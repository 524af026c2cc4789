"""How the models of a run stand: rank and normalized score, per task and per category.

Beside the real tasks among the HEAR 2021 entries and the later ones of the leaderboard, elsewhere
among the models of the run. A model without a score on a task is not ranked there; nothing is
imputed.
"""

from __future__ import annotations

import pandas as pd

from analysis.tables.words import ordered_categories

ALL_TASKS = "all"
STANDING_COLUMNS = (
    "model", "label", "scope", "name", "n_tasks", "of_tasks", "score", "normalized_score",
    "rank", "of_models", "best", "best_score", "against",
)  # fmt: skip
AGAINST = {True: "HEAR 2021 and later entries", False: "models of this run"}


def standing(summary: pd.DataFrame, labels: dict[str, str]) -> pd.DataFrame:
    """Rank every model of the run on every task and over every category.

    Parameters
    ----------
    summary : DataFrame
        One row per model and task.
    labels : dict
        Display names by model id; an absent one is shown as it is.

    Returns
    -------
    DataFrame
        Columns `STANDING_COLUMNS`, the models of the run only. ``scope`` is ``task`` or
        ``category``, ``name`` the task, the category or `ALL_TASKS`. Per task: the score and its
        rank, 1 the best, equal scores the same rank. Per category: the mean normalized score over
        its tasks; only models with a score on all of them are ranked. ``of_models``: how many are
        ranked, one model of the run at a time among all others it is compared ``against``.
    """
    official = bool((summary["source"] != "run").any())
    rows = []
    for task, group in summary.groupby("task"):
        rows += _ranked(group, "task", str(task), "score", official)
    groups = [(c, summary[summary["category"] == c]) for c in _categories(summary)]
    for category, group in [*groups, (ALL_TASKS, summary)]:
        means = _means(group)
        rows += _ranked(means, "category", category, "normalized_score", official)
    table = pd.DataFrame(rows).assign(against=AGAINST[official])
    names = table["model"].map(lambda model: labels.get(model, model))
    table = table.assign(label=names).sort_values("model", kind="stable", ignore_index=True)
    return table.reindex(columns=list(STANDING_COLUMNS))


def _categories(summary: pd.DataFrame) -> list[str]:
    return ordered_categories(summary["category"])


def _means(group: pd.DataFrame) -> pd.DataFrame:
    """Mean normalized score of each model over the tasks of a group, missing if one is missing."""
    of_tasks = group["task"].nunique()
    cells = group.groupby(["source", "model"])["normalized_score"]
    table = cells.agg(["mean", "count"]).reset_index()
    table = table.rename(columns={"mean": "normalized_score", "count": "n_tasks"})
    complete = table["n_tasks"] == of_tasks
    return table.assign(of_tasks=of_tasks, complete=complete, score=float("nan"))


def _ranked(
    group: pd.DataFrame, scope: str, name: str, by: str, official: bool
) -> list[dict[str, object]]:
    """Rows of the run's models in one group of comparable numbers."""
    group = group if "complete" in group else group.assign(n_tasks=1, of_tasks=1, complete=True)
    ranked = group[group["complete"] & group[by].notna()]
    rows = []
    for model in group[group["source"] == "run"].to_dict("records"):
        mine = ranked["model"].eq(model["model"]) & ranked["source"].eq("run")
        others = ranked[~mine & (ranked["source"].ne("run") if official else True)]
        field = {"scope": scope, "name": name, "of_models": len(others) + int(mine.any())}
        if mine.any():
            field["rank"] = 1 + int((others[by] > model[by]).sum())
        if len(others):
            best = others.sort_values([by, "model"], ascending=[False, True]).iloc[0]
            field |= {"best": best["model"], "best_score": best[by]}
        rows.append(model | field)
    return rows


def standing_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the ranks for reading: a row per model, a column ``rank of models`` per category.

    The best over all tasks comes first; models that are not ranked there come last, by label.

    Tasks follow the categories; an unranked cell is empty.
    """
    shown = table.assign(
        cell=[
            "" if pd.isna(rank) else f"{int(rank)} of {of} ({value:.2f})"
            for rank, of, value in zip(
                table["rank"], table["of_models"], table["normalized_score"], strict=True
            )
        ]
    )
    names = list(dict.fromkeys(shown.sort_values("scope", kind="stable")["name"]))
    wide = shown.pivot(index="label", columns="name", values="cell")[names]
    overall = shown[shown["name"] == ALL_TASKS].set_index("label")["rank"]
    wide = wide.loc[sorted(wide.index, key=lambda label: (overall.fillna(1e9)[label], label))]
    return wide.rename_axis(columns=None).rename_axis("model").reset_index().fillna("")
