"""Tables of single labels: written and read back, and what the best models confuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.exhibits.labels import best_models, table_confusions, table_labels
from analysis.exhibits.text import FigureText
from analysis.tables.labels import (
    LABEL_COLUMNS,
    LABEL_SCORES,
    confusion_table,
    label_table,
    read_confusions,
    read_labels,
)
from analysis.tables.scores import ScoresError, write_csv

LABELS = ["NA", "1", "c"]
SUMMARY = pd.DataFrame(
    [("m2", "t", 0.8), ("m1", "t", 0.8), ("m3", "t", 0.5), ("m1", "events", 0.1)],
    columns=["model", "task", "score"],
).assign(source="run")
TEXT = FigureText("test", "label", "best", models={"m1": "Model 1", "m2": "Model 2"})
COUNTS = {
    "m1": np.array([[5, 3, 0], [1, 6, 1], [0, 0, 4]]),
    "m3": np.array([[8, 0, 0], [0, 0, 8], [4, 0, 0]]),
}


@pytest.fixture
def confusions(tmp_path: Path) -> pd.DataFrame:
    other = confusion_table("only m3", LABELS, {"m3": COUNTS["m3"] / 2})
    write_csv(pd.concat([confusion_table("t", LABELS, COUNTS), other]), tmp_path / "c.csv")
    return read_confusions(tmp_path / "c.csv")


def test_confusions_are_read_back_as_they_were(confusions: pd.DataFrame, tmp_path: Path) -> None:
    whole = confusions[confusions["task"] == "t"].set_index(["true", "predicted"])
    for model, counts in COUNTS.items():
        for i, j in np.ndindex(counts.shape):
            pair = LABELS[i], LABELS[j]
            assert whole[model].get(pair, 0) == counts[i, j]
    assert confusions.loc[confusions["task"] == "only m3", "m1"].isna().all()
    (tmp_path / "bad.csv").write_text("task,predicted,true,m1\n")
    with pytest.raises(ScoresError, match="bad.csv: expected the columns task, true, predicted"):
        read_confusions(tmp_path / "bad.csv")


def test_the_best_models_confusions_come_first(confusions: pd.DataFrame) -> None:
    assert best_models(SUMMARY, TEXT)["t"] == "m1"  # as good as m2, and before it in the config
    mine = confusions[confusions["task"] == "t"]
    _, table = table_confusions(mine, SUMMARY, TEXT)
    rows = table[["best_model", "true", "predicted", "clips", "of", "share", "models"]]
    assert rows.to_numpy().tolist() == [
        ["Model 1", "NA", "1", 3, 8, 0.375, 1],
        ["Model 1", "1", "c", 1, 8, 0.125, 2],
        ["Model 1", "1", "NA", 1, 8, 0.125, 1],
    ]
    assert table_confusions(mine.iloc[:0], SUMMARY, TEXT)[1].empty


def test_the_labels_known_least_are_by_what_the_task_has(tmp_path: Path) -> None:
    scores = {name: np.full(3, np.nan) for name in LABEL_SCORES}
    tables = [
        label_table(
            "t", "m1", LABELS, [8, 8, 4], scores | {"f_measure": np.array([0.7, 0.6, 0.9])}
        ),
        label_table("t", "m3", LABELS, [8, 8, 4], scores | {"f_measure": np.zeros(3)}),
        label_table(
            "events", "m1", LABELS, [2, 0, 2],
            scores | {"average_precision": np.array([0.3, 0.0, 0.21])},
        ),
    ]  # fmt: skip
    write_csv(pd.concat(tables), tmp_path / "labels.csv")
    labels = read_labels(tmp_path / "labels.csv")
    assert tuple(labels.columns) == LABEL_COLUMNS and len(labels) == 9
    _, table = table_labels(labels, SUMMARY, TEXT)
    found = table[["task", "label", "n"]].to_numpy().tolist()
    assert found == [["t", "1", 8], ["t", "NA", 8], ["t", "c", 4], ["events", "c", 2],
                     ["events", "NA", 2]]  # fmt: skip
