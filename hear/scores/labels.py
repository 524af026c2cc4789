"""Scores and confusions of each label, from stored predictions.

The test parts of all folds are pooled, because a single fold has few clips of a label; average
precision and ROC area therefore compare probabilities of several probes. Seeds are averaged.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hear.metrics.curves import average_precision, roc_area
from hear.metrics.events import FMeasure
from hear.metrics.registry import METRICS
from hear.scores.files import PredictedFold, load_predictions, predicted_folds
from hear.scores.score import metric_arguments

ONSETS = METRICS["event_onset_200ms_fms"].function  # for tasks without an F-measure
LABEL_SCORES = ("recall", "precision", "f_measure", "average_precision", "roc_auc")


@dataclass(frozen=True)
class LabelScores:
    """Scores of the labels of a task by one embedding.

    ``n`` (n_labels,) is the number of test clips, or reference events, of each label. ``scores``
    has an array (n_labels,) for each of `LABEL_SCORES`, NaN if undefined: the precision of a label
    that was never predicted, and scores that the task's kind does not have. ``confusions``
    (n_labels, n_labels) counts clips by true and predicted label if every clip has one label, else
    it is None.
    """

    labels: list[str]
    n: NDArray[np.intp]
    scores: dict[str, NDArray[np.float64]]
    confusions: NDArray[np.float64] | None = None


def score_labels(paths: Iterable[str | Path]) -> dict[str, LabelScores]:
    """Score the labels of one task by embedding; ``paths`` are its predictions for all seeds.

    Scene tasks have average precision and ROC area; if clips have one label each, also recall,
    precision and F-measure of the most probable label. Event tasks have recall, precision and
    F-measure, according to the first F-measure among the task's metrics, or with onsets within
    200 ms. Scores are means over the seeds for which they are defined, confusions over all seeds.
    ValueError names an invalid file of predictions.
    """
    found: dict[str, list[LabelScores]] = {}
    for path in paths:
        header, arrays = load_predictions(path)
        folds = list(predicted_folds(header, arrays))
        is_event = folds[0].folder["embedding_type"] == "event"
        scored = _events(folds) if is_event else _clips(folds)
        found.setdefault(header["provenance"]["embedding"], []).append(scored)
    return {embedding: _over_seeds(seeds) for embedding, seeds in found.items()}


def _over_seeds(seeds: list[LabelScores]) -> LabelScores:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")
        scores = {
            name: np.nanmean([one.scores[name] for one in seeds], axis=0) for name in LABEL_SCORES
        }
    counts = [one.confusions for one in seeds if one.confusions is not None]
    confusions = np.mean(counts, axis=0) if counts else None
    return LabelScores(seeds[0].labels, seeds[0].n, scores, confusions)


def _vocabulary(folds: Sequence[PredictedFold]) -> dict[str, int]:
    """Index of every label in the task's folders."""
    labels = dict.fromkeys(label for one in folds for label in one.folder["labels"])
    return {label: i for i, label in enumerate(labels)}


def _clips(folds: Sequence[PredictedFold]) -> LabelScores:
    index = _vocabulary(folds)
    true: list[list[NDArray]] = [[] for _ in index]
    value: list[list[NDArray]] = [[] for _ in index]
    confusions = np.zeros((len(index), len(index)))
    has_one_label = True
    for one in folds:
        targets, probabilities = one.arrays["targets"], one.arrays["probabilities"]
        places = np.array([index[label] for label in one.folder["labels"]])
        for i, place in enumerate(places):
            true[place].append(targets[:, i].astype(bool))
            value[place].append(probabilities[:, i])
        has_one_label &= bool((targets.sum(axis=1) == 1).all())
        pairs = places[targets.argmax(axis=1)], places[probabilities.argmax(axis=1)]
        np.add.at(confusions, pairs, 1)
    columns = [(np.concatenate(t), np.concatenate(v)) for t, v in zip(true, value, strict=True)]
    n = np.array([t.sum() for t, _ in columns])
    scores = dict.fromkeys(LABEL_SCORES, np.full(len(index), np.nan))
    if has_one_label:
        counts = np.stack([confusions.diagonal(), confusions.sum(axis=1), confusions.sum(axis=0)])
        scores |= _of_counts(counts)
    precision = [average_precision(t, v) if t.any() else np.nan for t, v in columns]
    scores["average_precision"] = np.array(precision)
    scores["roc_auc"] = np.array([roc_area(t, v) for t, v in columns])
    return LabelScores(list(index), n, scores, confusions if has_one_label else None)


def _events(folds: Sequence[PredictedFold]) -> LabelScores:
    index = _vocabulary(folds)
    counts = np.zeros((3, len(index)))
    for one in folds:
        places = [index[label] for label in one.folder["labels"]]
        measures = [METRICS[slug].function for slug in one.folder["metrics"]]
        measure = next(m for m in (*measures, ONSETS) if isinstance(m, FMeasure))
        reference, estimated, labels = metric_arguments(one)
        counts[:, places] += measure.counts(reference, estimated, labels, by="label").T
    scores = dict.fromkeys(LABEL_SCORES, np.full(len(index), np.nan)) | _of_counts(counts)
    return LabelScores(list(index), counts[1].astype(np.intp), scores)


def _of_counts(counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Scores from matched, true and predicted counts, shape (3, n_labels); 0 / 0 is NaN."""
    matched, n_true, n_predicted = counts
    with np.errstate(invalid="ignore"):
        return {
            "recall": matched / n_true,
            "precision": matched / n_predicted,
            "f_measure": 2 * matched / (n_true + n_predicted),
        }
