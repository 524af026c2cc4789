"""Rows of made-up score tables for the tests of the analysis."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.exhibits import boxes
from analysis.exhibits.event_bars import LEVELS, RECEPTIVE_FIELDS
from analysis.exhibits.numbers import IMPROVED
from analysis.tables.metrics import metric_facts
from analysis.tables.scores import TIDY_COLUMNS
from hear.metrics.registry import METRICS as HEAR_METRICS

METRICS = {slug: metric_facts(slug, m.facts(), "hear") for slug, m in HEAR_METRICS.items()}
EVENT_TASKS = ("dcase2016_task2", "maestro")
TASKS = {  # task: category, primary metric, number of folds
    "libricount": ("speech", "top1_acc", 5),
    "nsynth_pitch_5h": ("music", "pitch_acc", 1),
    "dcase2016_task2": ("general", "event_onset_200ms_fms", 1),
    "maestro": ("music", "event_onset_50ms_fms", 5),
}
MODELS = sorted({"logmel", IMPROVED, *LEVELS, *RECEPTIVE_FIELDS, *boxes.LEVELS, *boxes.HOPS})


def tidy_row(model: str, task: str, score: float, **more: object) -> dict[str, object]:
    """One row of a tidy table, a primary score of a run unless said otherwise."""
    category, metric, _ = TASKS[task]
    row = dict.fromkeys(TIDY_COLUMNS, np.nan) | {"study": "test", "fold": "test", "seed": 42}
    row |= {"model": model, "task": task, "category": category, "metric": metric}
    row |= {"probe": "mlp", "train_fraction": 1.0}
    return row | {"primary": True, "score": score, "source": "run"} | more


def tidy_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows as a tidy table."""
    return pd.DataFrame(rows, columns=list(TIDY_COLUMNS)).astype(
        {"seed": "Int64", "score": float, "normalized_score": float}
    )
