"""Chance level of a task: what a constant or a random prediction scores on its primary metric."""

from __future__ import annotations

import numpy as np

from hear.metrics.clips import METRICS, N_CHROMA
from hear.tasks.folder import TaskFolder


def chance_level(folder: TaskFolder) -> float | None:
    """Score of a prediction that ignores the audio.

    Parameters
    ----------
    folder : TaskFolder

    Returns
    -------
    float or None
        Accuracies: share of the most frequent class among all clips. mAP: mean share of clips per
        label, the expected average precision of random scores. AUC 0.5, d' 0. None for event
        metrics, where predicting nothing has no F-measure and random events come near 0.
    """
    metric = folder.evaluation[0]
    if METRICS[metric].kind == "event":
        return None
    index = {label: i for i, label in enumerate(folder.labels)}
    clips = [labels for files in folder.clips.values() for labels in files.values()]
    counts = np.bincount([index[x] for labels in clips for x in labels], minlength=len(index))
    if metric == "chroma_acc":
        counts = np.bincount(np.arange(len(index)) % N_CHROMA, weights=counts)
    levels = {"mAP": counts.mean() / len(clips), "aucroc": 0.5, "d_prime": 0.0}
    return float(levels.get(metric, counts.max() / len(clips)))
