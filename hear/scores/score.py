"""Scores from stored predictions alone: every metric of the task, per fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hear.metrics.clips import METRICS
from hear.metrics.frames import events_from_frames
from hear.protocol import Postprocessing


def score_predictions(
    header: dict,
    arrays: dict[str, np.ndarray],
    metrics: Sequence[str] | None = None,
    postprocessing: Postprocessing | None = None,
) -> list[dict]:
    """Score one file of predictions.

    Parameters
    ----------
    header, arrays
        As :func:`hear.scores.files.load_predictions` returns them.
    metrics : sequence of str or None
        Slugs; None for the task's own.
    postprocessing : Postprocessing or None
        Of event tasks, instead of the one that validation chose.

    Returns
    -------
    list of dict
        One row per folder, fold and number, with keys ``metric, primary, maximize, fold, seed,
        score`` (null for NaN, ``"inf"`` for infinity). A metric with several numbers (F-measure,
        precision, recall) has a row each; the first carries the metric's slug, the others
        ``slug.name``. A task with several folders prefixes the folder to the fold.
    """
    rows = []
    several = len(header["folders"]) > 1
    for i, folder in enumerate(header["folders"]):
        for j, fold in enumerate(folder["folds"]):
            part = {k.split("/")[2]: v for k, v in arrays.items() if k.startswith(f"{i}/{j}/")}
            name = f"{folder['name']}/{fold['name']}" if several else fold["name"]
            slugs = folder["metrics"] if metrics is None else metrics
            for metric, value in _fold_scores(folder, fold, part, slugs, postprocessing).items():
                slug = metric.split(".")[0]
                rows.append(
                    {
                        "metric": metric,
                        "primary": metric == folder["metrics"][0],
                        "maximize": METRICS[slug].maximize,
                        "fold": name,
                        "seed": header["seed"],
                        "score": _json_number(value),
                    }
                )
    return rows


def _json_number(value: float) -> float | str | None:
    """A number as strict JSON holds it: d' of a perfectly separated class is infinite."""
    if np.isnan(value):
        return None
    return float(value) if np.isfinite(value) else str(float(value))


def _fold_scores(
    folder: dict,
    fold: dict,
    part: dict[str, np.ndarray],
    metrics: Sequence[str],
    postprocessing: Postprocessing | None,
) -> dict[str, float]:
    if folder["embedding_type"] == "event":
        estimated = estimated_events(folder, fold, part, postprocessing)
        arguments = (fold["reference"], estimated, folder["labels"])
    else:
        arguments = (part["targets"].astype(np.float32), part["probabilities"])
    scores: dict[str, float] = {}
    for slug in metrics:
        value = METRICS[slug].function(*arguments)
        if isinstance(value, dict):
            first, *others = value
            scores |= {slug: value[first]} | {f"{slug}.{name}": value[name] for name in others}
        else:
            scores[slug] = value
    return scores


def estimated_events(
    folder: dict,
    fold: dict,
    part: dict[str, np.ndarray],
    postprocessing: Postprocessing | None = None,
) -> dict[str, list[dict]]:
    """Events of each test file.

    Parameters
    ----------
    folder, fold : dict
        Entries of the header.
    part : dict of ndarray
        The fold's ``probabilities`` (n_rows, n_labels), ``timestamps_ms`` (n_rows,) and
        ``n_rows`` (n_files,).
    postprocessing : Postprocessing or None
        None for the one chosen in validation.

    Returns
    -------
    dict
        Events ``{'label', 'start', 'end'}`` in ms by file.
    """
    cuts = np.cumsum(part["n_rows"])[:-1]
    frames = zip(
        fold["files"],
        np.split(part["probabilities"], cuts),
        np.split(part["timestamps_ms"], cuts),
        strict=True,
    )
    chosen = postprocessing or Postprocessing(**fold["chosen"]["postprocessing"])
    return {
        file: events_from_frames(
            probabilities,
            timestamps_ms,
            folder["labels"],
            chosen.median_filter_ms,
            chosen.min_duration_ms,
        )
        for file, probabilities, timestamps_ms in frames
    }
