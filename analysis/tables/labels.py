"""Tables of labels: scores of each label, and clips by true and predicted label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.tables.scores import ScoresError, read_csv, read_table

LABEL_SCORES = ("recall", "precision", "f_measure", "average_precision", "roc_auc")
LABEL_COLUMNS = ("task", "model", "label", "n", *LABEL_SCORES)
PAIR_COLUMNS = ("task", "true", "predicted")  # a column per model follows
_DECIMALS = 4


def label_table(
    task: str, model: str, labels: Sequence[str], n: NDArray, scores: Mapping[str, NDArray]
) -> pd.DataFrame:
    """Return a row per label, with `LABEL_COLUMNS`; ``n`` and each score are (n_labels,)."""
    table = pd.DataFrame({"label": labels, "n": n, **scores}).round(_DECIMALS)
    return table.assign(task=task, model=model)[list(LABEL_COLUMNS)]


def confusion_table(
    task: str, labels: Sequence[str], by_model: Mapping[str, NDArray]
) -> pd.DataFrame:
    """Return a row per pair of labels with a clip of any model, and a column per model.

    ``by_model`` has each model's number of clips by true and predicted label, (n_labels, n_labels).
    Columns are `PAIR_COLUMNS` and the models.
    """
    counts = np.stack(list(by_model.values()))
    true, predicted = np.nonzero(counts.any(axis=0))
    names = np.array(labels, object)
    pairs = pd.DataFrame({"task": task, "true": names[true], "predicted": names[predicted]})
    of_pairs = counts[:, true, predicted].T.round(_DECIMALS)
    whole = (of_pairs % 1 == 0).all()  # of one seed
    values = pd.DataFrame(of_pairs, columns=list(by_model)).astype("Int64" if whole else float)
    return pd.concat([pairs, values], axis=1)


def read_labels(path: str | Path) -> pd.DataFrame:
    """Read scores of labels; ScoresError for other columns than `LABEL_COLUMNS`."""
    return read_table(path, LABEL_COLUMNS, dict.fromkeys(LABEL_SCORES, float) | {"n": int})


def read_confusions(path: str | Path) -> pd.DataFrame:
    """Read numbers of clips by true and predicted label, with a column per model.

    ScoresError if the first columns are not `PAIR_COLUMNS`. Models without the task are missing.
    """
    columns = read_csv(path, nrows=0).columns
    if tuple(columns[: len(PAIR_COLUMNS)]) != PAIR_COLUMNS:
        expected, found = ", ".join(PAIR_COLUMNS), ", ".join(columns)
        raise ScoresError(f"{path}: expected the columns {expected}, models; found {found}")
    return read_table(path, columns, dict.fromkeys(columns[len(PAIR_COLUMNS) :], float))
