"""Scores of a task in the format of MTEB's result files: one JSON object per model and task.

Keys are those of mteb 2 results (`task_name`, `dataset_revision`, `scores` by split, each with
`main_score`, `hf_subset` and `languages`); data without a key in MTEB are in `passt_hear`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.exhibits.text import FigureText
from analysis.formats.results import Result


def mteb_document(
    results: Iterable[Result], text: FigureText, revision: str, software: Mapping[str, str]
) -> dict[str, Any]:
    """Return the results of one model on one task as a document, an entry for each evaluation.

    ``revision`` is the task's version, the hash of its data.
    """
    found = list(results)
    evaluations: dict[tuple[str, float], list[Result]] = {}
    for result in found:
        evaluations.setdefault((result.probe, result.train_fraction), []).append(result)
    first = found[0]
    return {
        "task_name": text.tasks.get(first.task, first.task),
        "dataset_revision": revision,
        "mteb_version": None,
        "evaluation_time": None,
        "kg_co2_emissions": None,
        "scores": {"test": [_entry(part) for part in evaluations.values()]},
        "passt_hear": {
            "study": text.label,
            "model": first.model,
            "model_label": text.model(first.model),
            "task": first.task,
            "software": dict(software),
        },
    }


def _entry(results: list[Result]) -> dict[str, Any]:
    first = results[0]
    share = "" if first.train_fraction == 1 else f", {first.train_fraction:g} of training clips"
    entry: dict[str, Any] = {"hf_subset": f"{first.probe}{share}", "languages": []}
    entry |= {result.metric: result.score for result in results}
    parts: dict[tuple[str, int | None], dict[str, Any]] = {}
    for result in results:
        if result.is_primary:
            entry |= {"main_score": result.score, "main_metric": result.metric}
            if (interval := result.interval) is not None:
                entry["main_score_interval_95"] = [interval["low"], interval["high"]]
        for row in result.rows:
            seed = None if pd.isna(row.seed) else int(row.seed)
            part = parts.setdefault((row.fold, seed), {"fold": row.fold, "seed": seed})
            part[result.metric] = row.score
    return entry | {"scores_per_experiment": [*parts.values()]}
