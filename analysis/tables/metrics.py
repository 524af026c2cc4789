"""Facts of the metrics in a score table: label, direction, range, value of missing scores.

They are read with the scores (see `analysis.tables.score_files`) and stored beside them in
``metrics.csv``, one row per metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.tables.scores import ScoresError, check_columns, read_csv


class MetricFacts(NamedTuple):
    """Facts of a metric.

    ``metric`` is its slug in score tables, ``label`` its name on axes and in tables; ``lower`` and
    ``upper`` are its range, possibly infinite. ``missing_score`` replaces a missing primary score
    in aggregates; with None it stays missing.
    """

    metric: str
    label: str
    maximize: bool
    lower: float
    upper: float
    missing_score: float | None


METRIC_COLUMNS = MetricFacts._fields
Metrics = Mapping[str, MetricFacts]  # by slug


def metric_facts(metric: str, facts: Any, where: str) -> MetricFacts:
    """Check one metric's facts from a score file; ScoresError names ``where``."""
    where, expected = f"{where}: {metric}", METRIC_COLUMNS[1:]
    if not isinstance(facts, Mapping) or sorted(facts) != sorted(expected):
        raise ScoresError(f"{where}: expected the keys {', '.join(expected)}; found {facts!r}")
    if not isinstance(facts["label"], str) or not facts["label"]:
        raise ScoresError(f"{where}: label: expected a text, found {facts['label']!r}")
    if not isinstance(facts["maximize"], bool):
        raise ScoresError(f"{where}: maximize: expected true or false, found {facts['maximize']!r}")
    try:
        lower, upper = float(facts["lower"]), float(facts["upper"])
        missing = None if facts["missing_score"] is None else float(facts["missing_score"])
    except (TypeError, ValueError, OverflowError) as error:
        raise ScoresError(f"{where}: expected numbers, found {facts!r}") from error
    if not lower < upper or not (missing is None or lower <= missing <= upper):
        raise ScoresError(
            f"{where}: expected lower < upper and missing_score between; found {facts!r}"
        )
    return MetricFacts(metric, facts["label"], facts["maximize"], lower, upper, missing)


def find_metric(metrics: Metrics, metric: str) -> MetricFacts:
    """Return a metric's facts; ScoresError if the study's scores do not have the metric."""
    if metric not in metrics:
        raise ScoresError(f"metric {metric!r}: expected one of {', '.join(sorted(metrics))}")
    return metrics[metric]


def metrics_table(metrics: Metrics) -> pd.DataFrame:
    """Return the facts as a table, one row per metric; no ``missing_score`` is NaN."""
    rows = [metrics[metric] for metric in sorted(metrics)]
    return pd.DataFrame(rows, columns=list(METRIC_COLUMNS)).astype({"missing_score": float})


def read_metrics(path: str | Path) -> dict[str, MetricFacts]:
    """Read the facts from ``metrics.csv``, by slug.

    ScoresError for other columns, a duplicate metric, or malformed facts.
    """
    texts = {"metric": str, "label": str}
    table = read_csv(path, dtype=texts, na_values={"missing_score": [""]})
    check_columns(table, METRIC_COLUMNS, path)
    repeated = sorted(set(table.loc[table["metric"].duplicated(), "metric"]))
    if repeated:
        raise ScoresError(f"{path}: expected every metric once; found {repeated} again")
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    slugs = [row.pop("metric") for row in rows]
    pairs = zip(slugs, rows, strict=True)
    return {slug: metric_facts(slug, facts, str(path)) for slug, facts in pairs}


def read_metric_labels(path: str | Path) -> dict[str, str]:
    """Read each metric's label, by slug; errors as for `read_metrics`."""
    return {slug: facts.label for slug, facts in read_metrics(path).items()}
