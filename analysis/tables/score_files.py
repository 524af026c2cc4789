"""Score files, one JSON per model and task: read, checked alone and together, made one table.

A file's ``metrics`` are the facts of every metric in its ``scores``, by slug. A metric with several
numbers (F-measure, precision, recall) has its slug on the first, ``slug.name`` on the others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.tables.metrics import MetricFacts, metric_facts
from analysis.tables.scores import TIDY_COLUMNS, ScoresError

_TEXT_FIELDS = ("study", "model", "label", "task", "category", "embedding")
_SCORE_FIELDS = ("metric", "primary", "fold", "seed", "score")


def read_scores(paths: Iterable[str | Path]) -> tuple[pd.DataFrame, dict[str, MetricFacts]]:
    """Read score files into one tidy table, and the facts of its metrics.

    Parameters
    ----------
    paths : iterable of str or Path
        JSON files, one per model and task, all of one study.

    Returns
    -------
    tidy : DataFrame
        Columns `TIDY_COLUMNS`, sorted by model, task, metric, fold and seed, so that the order of
        the files does not matter. ``null`` and NaN scores are missing; ``normalized_score`` is
        missing until it is computed; ``source`` is ``run``.
    metrics : dict
        Facts by slug.

    Raises
    ------
    ScoresError
        If a file is malformed (names file and key), or files disagree on the study, on a metric's
        facts, on a task's category, primary metric or folds, or hold the same model and task.
    """
    documents = [(Path(path), _read_document(Path(path))) for path in paths]
    if not documents:
        raise ScoresError("expected at least one score file, found none")
    _check_together(documents)
    rows = [
        {
            **{key: document[key] for key in ("study", "model", "task", "category")},
            **{key: entry[key] for key in ("metric", "primary", "fold", "seed")},
            "score": math.nan if entry["score"] is None else float(entry["score"]),
            "normalized_score": math.nan,
            "source": "run",
        }
        for _, document in documents
        for entry in document["scores"]
    ]
    tidy = pd.DataFrame(rows, columns=list(TIDY_COLUMNS)).astype({"seed": "Int64"})
    tidy = tidy.sort_values(["model", "task", "metric", "fold", "seed"], ignore_index=True)
    return tidy, _metrics(documents)


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ScoresError(f"{path}: expected a JSON score file; {error}") from error
    if not isinstance(document, dict):
        raise ScoresError(f"{path}: expected a JSON object, found {type(document).__name__}")
    for key in _TEXT_FIELDS:
        value = document.get(key)
        if not isinstance(value, str) or not value:
            raise ScoresError(f"{path}: {key}: expected a text, found {value!r}")
    entries = document.get("scores")
    if not isinstance(entries, list) or not entries:
        raise ScoresError(f"{path}: scores: expected a list of scores, found {entries!r}")
    for number, entry in enumerate(entries):
        _check_entry(entry, f"{path}: scores[{number}]")
    _check_entries(entries, path)
    _check_metrics(document, path)
    return document


def _check_entry(entry: Any, where: str) -> None:
    if not isinstance(entry, dict) or sorted(entry) != sorted(_SCORE_FIELDS):
        raise ScoresError(f"{where}: expected the keys {', '.join(_SCORE_FIELDS)}; found {entry!r}")
    for key in ("metric", "fold"):
        if not isinstance(entry[key], str) or not entry[key]:
            raise ScoresError(f"{where}.{key}: expected a text, found {entry[key]!r}")
    if not isinstance(entry["primary"], bool):
        raise ScoresError(f"{where}.primary: expected true or false, found {entry['primary']!r}")
    if not isinstance(entry["seed"], int) or isinstance(entry["seed"], bool):
        raise ScoresError(f"{where}.seed: expected a whole number, found {entry['seed']!r}")
    score = entry["score"]
    number = isinstance(score, int | float) and not isinstance(score, bool)
    infinite = score in ("inf", "-inf")  # d' of a separated class
    if score is not None and not infinite and (not number or math.isinf(score)):
        raise ScoresError(
            f"{where}.score: expected a finite number, null, 'inf' or '-inf'; found {score!r}"
        )


def _check_entries(entries: list[dict[str, Any]], path: Path) -> None:
    primary = sorted({entry["metric"] for entry in entries if entry["primary"]})
    if len(primary) != 1:
        raise ScoresError(f"{path}: scores: expected one primary metric, found {primary}")
    keys = [(entry["metric"], entry["fold"], entry["seed"]) for entry in entries]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        raise ScoresError(
            f"{path}: scores: expected one score per metric, fold and seed; found {repeated} again"
        )
    for metric in {key[0] for key in keys}:
        found = {key[1:] for key in keys if key[0] == metric}
        expected = {fold for fold, _ in found}, {seed for _, seed in found}
        if len(found) != len(expected[0]) * len(expected[1]):
            raise ScoresError(
                f"{path}: {metric}: expected every fold with every seed, found {sorted(found)}"
            )


def _check_metrics(document: dict[str, Any], path: Path) -> None:
    """Check the facts of the metrics in place, and that none is missing."""
    found = document.get("metrics")
    if not isinstance(found, dict):
        raise ScoresError(f"{path}: metrics: expected facts by metric, found {found!r}")
    document["metrics"] = {m: metric_facts(m, f, f"{path}: metrics") for m, f in found.items()}
    for entry in document["scores"]:
        facts = document["metrics"].get(entry["metric"].split(".")[0])
        if facts is None:
            raise ScoresError(f"{path}: metrics: expected facts of {entry['metric']}, found none")
        if entry["primary"] and not facts.maximize:
            raise ScoresError(f"{path}: expected a primary metric to be maximized; found {facts}")


def _metrics(documents: list[tuple[Path, dict[str, Any]]]) -> dict[str, MetricFacts]:
    """Merge the facts of all files, which must agree."""
    metrics: dict[str, tuple[Path, MetricFacts]] = {}
    for path, document in documents:
        for metric, facts in document["metrics"].items():
            first_path, first = metrics.setdefault(metric, (path, facts))
            if facts != first:
                raise ScoresError(
                    f"{path}: metrics: expected {first} as in {first_path}, found {facts}"
                )
    return {metric: facts for metric, (_, facts) in metrics.items()}


def _check_together(documents: list[tuple[Path, dict[str, Any]]]) -> None:
    """Files of one study must agree, or aggregates over them would compare unlike things."""
    first_path, first = documents[0]
    seen: dict[tuple[str, str], Path] = {}
    facts: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path, document in documents:
        if document["study"] != first["study"]:
            raise ScoresError(
                f"{path}: study: expected {first['study']!r} as in {first_path}, "
                f"found {document['study']!r}"
            )
        key = document["model"], document["task"]
        if key in seen:
            raise ScoresError(f"{path}: expected {key} once, found it in {seen[key]} too")
        seen[key] = path
        primary = [entry for entry in document["scores"] if entry["primary"]]
        fact = {
            "category": document["category"],
            "primary metric": primary[0]["metric"],
            "folds": sorted({entry["fold"] for entry in primary}),
        }
        other_path, other = facts.setdefault(document["task"], (path, fact))
        for name, value in fact.items():
            if value != other[name]:
                raise ScoresError(
                    f"{path}: {name} of {document['task']}: expected {other[name]!r} as in "
                    f"{other_path}, found {value!r}"
                )
