"""Registry of the HEAR 2021 metrics, by official slug."""

from __future__ import annotations

from hear.metrics import accuracy, curves, events
from hear.metrics.metric import Metric

METRICS: dict[str, Metric] = {
    metric.slug: metric for family in (accuracy, curves, events) for metric in family.METRICS
}
