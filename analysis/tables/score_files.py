"""Score files, one JSON per model and task: reading, checking, and merging into one table.

A file's ``metrics`` are the facts of every metric in its ``scores``, by slug. A metric with several
numbers (F-measure, precision, recall) has its slug on the first, ``slug.name`` on the others.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.tables.metrics import MetricFacts, metric_facts
from analysis.tables.scores import EVALUATION, TIDY_COLUMNS, ScoresError, read_object

_TEXT_FIELDS = ("study", "model", "label", "task", "category", "embedding", "probe")
_SCORE_FIELDS = ("metric", "primary", "fold", "seed", "score")
_ENTRY_KINDS = (
    ("metric", str, "a text"),
    ("fold", str, "a text"),
    ("primary", bool, "true or false"),
)


def read_scores(paths: Iterable[str | Path]) -> tuple[pd.DataFrame, dict[str, MetricFacts]]:
    """Read one study's score files into one tidy table, and the facts of its metrics by slug.

    Evaluations (a probe and its fraction of the training clips) are in the order of the files;
    rows are then sorted by model, task, metric, fold and seed. ``null`` and NaN scores are missing,
    and so is the ``seed`` of evaluations without random draws; ``normalized_score`` is missing
    until it is computed; ``source`` is ``run``. A file whose fraction was too small has no row.

    Raises
    ------
    ScoresError
        If a file is malformed (names file and key), or files disagree on the study, on a metric's
        facts, on a task's category, primary metric or folds, or hold the same evaluation of a model
        on a task.
    """
    documents = [(Path(path), _read_document(Path(path))) for path in paths]
    if not documents:
        raise ScoresError("expected at least one score file, found none")
    _check_together(documents)
    rows = [
        {
            **{key: document[key] for key in ("study", "model", "task", "category", *EVALUATION)},
            **{key: entry[key] for key in ("metric", "primary", "fold", "seed")},
            "score": math.nan if entry["score"] is None else float(entry["score"]),
            "normalized_score": math.nan,
            "source": "run",
        }
        for _, document in documents
        for entry in document["scores"]
    ]
    tidy = pd.DataFrame(rows, columns=list(TIDY_COLUMNS)).astype({"seed": "Int64"})
    order = tidy.groupby(EVALUATION, sort=False).ngroup()
    by = ["order", "model", "task", "metric", "fold", "seed"]
    tidy = tidy.assign(order=order).sort_values(by, ignore_index=True).drop(columns="order")
    return tidy, {m: f for _, document in documents for m, f in document["metrics"].items()}


def _read_document(path: Path) -> dict[str, Any]:
    document = read_object(path)
    for key in _TEXT_FIELDS:
        value = document.get(key)
        if not isinstance(value, str) or not value:
            raise ScoresError(f"{path}: {key}: expected a text, found {value!r}")
    fraction: Any = document.get("train_fraction")
    if type(fraction) not in (int, float) or not 0 < fraction <= 1:
        raise ScoresError(f"{path}: train_fraction: expected a share in (0, 1], found {fraction!r}")
    entries = document.get("scores")
    if entries == [] and document.get("left_out") and fraction < 1:
        return document | {"metrics": {}}
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
    for key, kind, expected in _ENTRY_KINDS:
        if type(entry[key]) is not kind or entry[key] == "":  # a bool is an int, too
            raise ScoresError(f"{where}.{key}: expected {expected}, found {entry[key]!r}")
    seed = entry["seed"]
    if seed is not None and not (type(seed) is int and -(2**63) <= seed < 2**63):
        raise ScoresError(f"{where}.seed: expected a whole number or null, found {seed!r}")
    score = entry["score"]
    is_number = type(score) in (int, float) and not abs(score) > sys.float_info.max
    if not is_number and score not in (None, "inf", "-inf"):  # d' of a separated class
        raise ScoresError(
            f"{where}.score: expected a finite number, null, 'inf' or '-inf'; found {score!r}"
        )


def _check_entries(entries: list[dict[str, Any]], path: Path) -> None:
    primary = sorted({entry["metric"] for entry in entries if entry["primary"]})
    if len(primary) != 1:
        raise ScoresError(f"{path}: scores: expected one primary metric, found {primary}")
    keys = [(entry["metric"], entry["fold"], entry["seed"]) for entry in entries]
    repeated = sorted((key for key, n in Counter(keys).items() if n > 1), key=str)
    if repeated:
        raise ScoresError(
            f"{path}: scores: expected one score per metric, fold and seed; found {repeated} again"
        )
    for metric in dict.fromkeys(key[0] for key in keys):
        found = {key[1:] for key in keys if key[0] == metric}
        expected = {fold for fold, _ in found}, {seed for _, seed in found}
        if len(found) != len(expected[0]) * len(expected[1]):
            pairs = sorted(found, key=str)
            raise ScoresError(
                f"{path}: {metric}: expected every fold with every seed, found {pairs}"
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


def _check_together(documents: list[tuple[Path, dict[str, Any]]]) -> None:
    """Raise ScoresError if the files of one study contradict each other."""
    seen: dict[object, tuple[Path, Any]] = {}
    for path, document in documents:
        task = document["task"]
        key = (document["model"], task, *(document[column] for column in EVALUATION))
        if key in seen:
            raise ScoresError(f"{path}: expected {key} once, found it in {seen[key][0]} too")
        seen[key] = path, None
        if not document["scores"]:
            continue
        primary = [entry for entry in document["scores"] if entry["primary"]]
        facts = {
            "study": document["study"],
            f"category of {task}": document["category"],
            f"primary metric of {task}": primary[0]["metric"],
            f"folds of {task}": sorted({entry["fold"] for entry in primary}),
            **{f"metrics: {metric}": found for metric, found in document["metrics"].items()},
        }
        for name, value in facts.items():
            first_path, first = seen.setdefault(name, (path, value))
            if value != first:
                raise ScoresError(
                    f"{path}: {name}: expected {first!r} as in {first_path}, found {value!r}"
                )
