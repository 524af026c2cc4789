"""Scores from stored predictions alone: every metric of the task, per fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hear.files import json_value
from hear.metrics.frames import events_from_frames
from hear.metrics.registry import METRICS
from hear.protocol import Postprocessing
from hear.scores.files import PredictedFold, predicted_folds


def score_predictions(header: dict, arrays: dict[str, np.ndarray]) -> list[dict]:
    """Score one file of predictions, as `hear.scores.files.load_predictions` returns it.

    Events are made of frames by the postprocessing that was selected in validation.

    Returns
    -------
    list of dict
        One row per folder, fold and number, with keys ``metric, primary, fold, seed, score`` (null
        for NaN, ``"inf"`` for infinity). A metric with several numbers (F-measure, precision,
        recall) has one row for each; the first is named by the metric's slug, the others
        ``slug.name``. If a task has several folders, the folder precedes the name of the fold.
    """
    return [
        {
            "metric": metric,
            "primary": metric == predicted.folder["metrics"][0],
            "fold": predicted.name,
            "seed": header["seed"],
            "score": json_value(float(value)),
        }
        for predicted in predicted_folds(header, arrays)
        for metric, value in _fold_scores(predicted).items()
    ]


def metrics_of(header: dict) -> dict[str, dict]:
    """Facts of the metrics of a file of predictions, by slug, for its score file."""
    slugs = dict.fromkeys(slug for folder in header["folders"] for slug in folder["metrics"])
    return {slug: METRICS[slug].facts() for slug in slugs}


def metric_arguments(predicted: PredictedFold) -> tuple[Any, ...]:
    """Arguments of a metric for a fold's predictions (see `hear.metrics.metric.Metric`)."""
    folder, fold, arrays = predicted.folder, predicted.fold, predicted.arrays
    if folder["embedding_type"] != "event":
        return arrays["targets"].astype(np.float32), arrays["probabilities"]
    cuts = np.cumsum(arrays["n_rows"])[:-1]
    frames = zip(
        fold["files"],
        np.split(arrays["probabilities"], cuts),
        np.split(arrays["timestamps_ms"], cuts),
        strict=True,
    )
    chosen = Postprocessing(**fold["chosen"]["postprocessing"])
    estimated = {
        file: events_from_frames(probabilities, timestamps_ms, folder["labels"], *chosen)
        for file, probabilities, timestamps_ms in frames
    }
    return fold["reference"], estimated, folder["labels"]


def _fold_scores(predicted: PredictedFold) -> dict[str, float]:
    arguments = metric_arguments(predicted)
    scores: dict[str, float] = {}
    for slug in predicted.folder["metrics"]:
        value = METRICS[slug].function(*arguments)
        if isinstance(value, Mapping):
            first, *others = value
            scores |= {slug: value[first]} | {f"{slug}.{name}": value[name] for name in others}
        else:
            scores[slug] = value
    return scores
