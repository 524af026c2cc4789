"""Scores of a model in the schema of Every Eval Ever, and back.

``every_eval_ever.schema.json`` beside this module is `eval.schema.json` of the package
every-eval-ever 0.3.0 (github.com/evaleval/every_eval_ever; MIT, see ``every_eval_ever.LICENSE``).
A result is one metric of one task; its score is the mean over folds and seeds, with an interval for
the primary metric. Its rows of ``scores.csv`` are stored as text among its details. The schema does
not allow infinite or missing scores: rows with such a mean are stored as text in
``source_metadata``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.exhibits.text import FigureText
from analysis.formats.results import Result
from analysis.statistics.intervals import CONFIDENCE
from analysis.tables.metrics import Metrics, find_metric
from analysis.tables.scores import TIDY_COLUMNS

SCHEMA = Path(__file__).with_name("every_eval_ever.schema.json")
SCHEMA_VERSION = "0.3.0"
ROWS = "scores_csv"  # key of the details that hold rows


@dataclass(frozen=True)
class Origin:
    """Metadata of a document.

    ``software`` are versions, including `passt-hear`; ``tasks`` are facts as text, by task;
    ``time_s`` is the time of the scores in seconds since 1970.
    """

    software: Mapping[str, str]
    tasks: Mapping[str, Mapping[str, str]]
    time_s: int


def every_eval_ever_document(
    results: Iterable[Result], text: FigureText, metrics: Metrics, origin: Origin
) -> dict[str, Any]:
    """Return all results of one model as a document of the schema."""
    found = list(results)
    model = found[0].model
    others = [result for result in found if not math.isfinite(result.score)]
    versions = {key: value for key, value in origin.software.items() if key != "passt-hear"}
    details = {"study": text.label}
    if others:
        details[ROWS] = json.dumps([row for result in others for row in _rows(result)])
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"passt-hear-{text.study}/{model}/{origin.time_s}",
        "retrieved_timestamp": str(origin.time_s),
        "source_metadata": {
            "source_name": f"study {text.study} of passt-hear",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown (whoever ran passt-hear)",
            "evaluator_relationship": "other",
            "additional_details": details,
        },
        "eval_library": {
            "name": "passt-hear",
            "version": origin.software["passt-hear"],
            "additional_details": versions,
        },
        "model_info": {
            "name": text.model(model),
            "id": f"passt-hear-{text.study}/{model}",
            "additional_details": {
                "deployment_type": "self_deployed",
                "model_availability": "unknown",
                "study": text.label,
            },
        },
        "evaluation_results": [
            _result(result, text, metrics, origin.tasks[result.task])
            for result in found
            if math.isfinite(result.score)
        ],
    }


def _result(
    result: Result, text: FigureText, metrics: Metrics, task: Mapping[str, str]
) -> dict[str, Any]:
    slug, _, part = result.metric.partition(".")
    facts = find_metric(metrics, slug)
    name = text.tasks.get(result.task, result.task)
    score: dict[str, Any] = {"score": result.score, "details": {ROWS: json.dumps(_rows(result))}}
    if result.interval is not None:
        score["uncertainty"] = _uncertainty(result.interval)
    how = f"{text.probes.get(result.probe, result.probe)} probe"
    share = "" if result.train_fraction == 1 else f", {result.train_fraction:g} of training clips"
    parts = (result.task, result.metric, result.probe, f"{result.train_fraction:g}")
    return {
        "evaluation_result_id": "/".join(parts),
        "evaluation_name": name,
        "source_data": {
            "dataset_name": name,
            "source_type": "other",
            "additional_details": {"task": result.task, **task},
        },
        "metric_config": {
            "evaluation_description": f"{how}{share}; mean over folds and seeds",
            "metric_id": f"hear.{result.metric}",
            "metric_name": f"{facts.label}: {part}" if part else facts.label,
            "lower_is_better": not facts.maximize,
            "score_type": "continuous",
            "min_score": _end(facts.lower),
            "max_score": _end(facts.upper),
            "additional_details": {"primary": str(result.is_primary).lower()},
        },
        "score_details": score,
    }


def _end(value: float) -> float | str:
    """An end of a metric's range; the schema has words for no end."""
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def _uncertainty(interval: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "confidence_interval": {
            "lower": float(interval["low"]),
            "upper": float(interval["high"]),
            "confidence_level": CONFIDENCE,
            "method": f"bootstrap of test {interval['drawn']} within each fold",
        },
        "num_samples": int(interval["n_clips"]),
        "num_bootstrap_samples": int(interval["n_replicates"]),
    }


def _rows(result: Result) -> list[list[Any]]:
    """Number and values of each row in strict JSON: missing is null, infinite is a text."""
    return [[*map(_plain, row)] for row in result.rows]


def _plain(value: Any) -> Any:
    if value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and math.isinf(value):
        return str(float(value))
    return value.item() if hasattr(value, "item") else value


def read_every_eval_ever(documents: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the rows of `scores.csv` stored in documents, as read by `read_tidy`."""
    texts = [
        details[ROWS]
        for document in documents
        for details in (
            document["source_metadata"]["additional_details"],
            *(result["score_details"]["details"] for result in document["evaluation_results"]),
        )
        if ROWS in details
    ]
    rows = sorted(row for text in texts for row in json.loads(text))
    table = pd.DataFrame([row[1:] for row in rows], columns=list(TIDY_COLUMNS))
    kinds: dict[str, Any] = {"seed": "Int64", "primary": bool}
    kinds |= dict.fromkeys(("train_fraction", "score", "normalized_score"), float)
    return table.astype(kinds)
