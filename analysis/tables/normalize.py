"""Normalized scores and the summary over folds and seeds.

A score is divided by the best score on its task: 1 is as good as the best HEAR 2021 entry (real
tasks, the paper's section 5.2) or as the best model of the run that is not a control (all other
tasks). Normalized scores can exceed 1.

A missing F-measure of events counts as 0 (its metric's ``missing_score``): the reference divides by
the number of predicted events, so that a model without any gets NaN, and would otherwise benefit
from being excluded from medians. Any other missing score stays missing and makes its model's
summary score on that task missing, because means over different folds are not comparable.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.tables.metrics import Metrics, find_metric
from analysis.tables.scores import EVALUATION, ScoresError, of_first, read_table

SUMMARY_COLUMNS = (
    "model", "task", "category", "probe", "train_fraction", "metric", "score", "score_sd",
    "n_folds", "n_seeds", "normalized_score", "source",
)  # fmt: skip


def normalize(tidy: pd.DataFrame, maxima: pd.Series, metrics: Metrics) -> pd.DataFrame:
    """Divide primary scores by their task's maximum (`maxima`, indexed by task).

    Returns a copy with ``normalized_score`` set for primary metrics and missing for the others.
    Missing scores are replaced by their metric's ``missing_score`` in ``normalized_score`` only. It
    is missing if the score is missing without such a value or infinite, or if the task's maximum is
    missing, infinite (d' of a separated class) or not above zero.

    Raises
    ------
    ValueError
        If a task has no entry in `maxima`, or a primary metric none in `metrics`.
    """
    unknown = sorted(set(tidy.loc[tidy["primary"], "task"]) - set(maxima.index))
    if unknown:
        raise ValueError(f"maxima: expected one for every task; found none for {unknown}")
    usable = maxima.where((maxima > 0) & (maxima < np.inf))
    counted = _counted_scores(tidy, metrics)
    normalized = counted / tidy["task"].map(usable).astype(float)
    return tidy.assign(normalized_score=normalized.where(tidy["primary"] & np.isfinite(counted)))


def best_of_run(tidy: pd.DataFrame, metrics: Metrics, controls: Collection[str] = ()) -> pd.Series:
    """Return the best primary score on each task among the run's models, without `controls`.

    This is the maximum over models of the mean over folds, then seeds, in the run's first
    evaluation; indexed by task in alphabetical order, missing if no model has a score.
    """
    run = summarize(of_first(tidy[tidy["source"] == "run"]), metrics)
    of_models = run[~run["model"].isin(list(controls))].groupby("task")["score"].max()
    return of_models.reindex(pd.Index(sorted(run["task"].unique()), name="task")).rename("maximum")


def summarize(tidy: pd.DataFrame, metrics: Metrics) -> pd.DataFrame:
    """Reduce the tidy table, normalized or not, to a row per evaluation, model and task.

    Returns
    -------
    DataFrame
        Columns `SUMMARY_COLUMNS` of the primary metric, evaluations in the table's order, within
        each sorted by source, model and task. ``score``: mean over folds within a seed, then over
        seeds. ``score_sd``: with two or more folds, the standard deviation over folds (ddof=1, as
        the reference reports it) within a seed, then its mean over seeds; with one fold and two or
        more seeds, the standard deviation over seeds (ddof=1); missing otherwise. ``n_folds`` and
        ``n_seeds``: numbers of folds and seeds with a score, including missing scores replaced by
        their metric's ``missing_score``; 0 for official scores, published as means only.
    """
    primary = tidy.assign(score=_counted_scores(tidy, metrics))[tidy["primary"]]
    keys = ["source", "model", "task", "category", *EVALUATION, "metric"]
    with np.errstate(invalid="ignore"):  # an infinite d' has no spread: missing, and no warning
        rows = [
            dict(zip(keys, key, strict=True)) | _summary(cell)
            for _, of_evaluation in primary.groupby(EVALUATION, sort=False)
            for key, cell in of_evaluation.groupby(keys, sort=True)
        ]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def read_summary(path: str | Path) -> pd.DataFrame:
    """Read a summary of the run's first evaluation and of official scores.

    ScoresError for other columns than `SUMMARY_COLUMNS`.
    """
    return of_first(read_evaluations(path))


def read_evaluations(path: str | Path) -> pd.DataFrame:
    """Read a summary of every evaluation; errors as for `read_summary`."""
    kinds = dict.fromkeys(("train_fraction", "score", "score_sd", "normalized_score"), float)
    return read_table(path, SUMMARY_COLUMNS, kinds | dict.fromkeys(("n_folds", "n_seeds"), int))


def read_maxima(path: str | Path) -> pd.Series:
    """Read the best score of each task; ScoresError for other columns or a task with two maxima."""
    table = read_table(path, ("task", "maximum"), {"maximum": float})
    repeated = sorted(set(table.loc[table["task"].duplicated(), "task"]))
    if repeated:
        raise ScoresError(f"{path}: expected one maximum per task; found more for {repeated}")
    return table.set_index("task")["maximum"]


def _counted_scores(tidy: pd.DataFrame, metrics: Metrics) -> pd.Series:
    """Return the scores for aggregates, with missing ones replaced by ``missing_score``."""
    counts = {m: find_metric(metrics, m).missing_score for m in tidy.loc[tidy["primary"], "metric"]}
    missing = tidy["metric"].map(counts).astype(float)
    return tidy["score"].mask(tidy["primary"] & tidy["score"].isna(), missing)


def _summary(cell: pd.DataFrame) -> dict[str, float | int]:
    """Aggregate one model's rows on one task."""
    scored = cell[cell["score"].notna()]
    by_seed = cell.groupby("seed", dropna=False)
    seed_means = by_seed["score"].mean(skipna=False)
    if cell["fold"].nunique() > 1:
        score_sd = by_seed["score"].std(ddof=1, skipna=False).mean(skipna=False)
    else:
        score_sd = seed_means.std(ddof=1, skipna=False)
    return {
        "score": seed_means.mean(skipna=False),
        "score_sd": score_sd,
        "n_folds": scored.loc[scored["fold"] != "", "fold"].nunique(),
        "n_seeds": scored["seed"].nunique(),
        "normalized_score": by_seed["normalized_score"].mean(skipna=False).mean(skipna=False),
    }
