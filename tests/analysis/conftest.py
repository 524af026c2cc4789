"""A small study as score files and tables, and the official scores as committed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from score_rows import EVENT_TASKS, METRICS, MODELS, TASKS, tidy_row, tidy_table

from analysis.exhibits.numbers import BASE
from analysis.exhibits.text import FigureText
from analysis.tables.normalize import best_of_run, normalize, summarize
from analysis.tables.official import challenge_maxima, load_official_scores, official_tidy
from analysis.tables.scores import combine
from hear.metrics.registry import METRICS as HEAR_METRICS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def run_tidy() -> pd.DataFrame:
    """Every model of the figures on four tasks; L only where it exists, on event tasks."""
    rng = np.random.default_rng(0)
    rows = []
    for task, (_, _, n_folds) in TASKS.items():
        folds = [f"fold{i:02d}" for i in range(n_folds)] if n_folds > 1 else ["test"]
        for model in MODELS:
            if model != "passt_l_hop10" or task in EVENT_TASKS:
                rows += [tidy_row(model, task, rng.uniform(0.2, 0.9), fold=f) for f in folds]
    return tidy_table(rows)


@pytest.fixture(scope="session")
def run_summary(run_tidy: pd.DataFrame) -> pd.DataFrame:
    return summarize(normalize(run_tidy, best_of_run(run_tidy, METRICS), METRICS), METRICS)


@pytest.fixture(scope="session")
def task_table() -> pd.DataFrame:
    path = ROOT / "config" / "tasks.tsv"
    return pd.read_csv(path, sep="\t", keep_default_na=False)


@pytest.fixture(scope="session")
def official(task_table: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The official scores as a normalized tidy table, and the maxima."""
    scores = load_official_scores(ROOT / "resources" / "hear2021_scores.csv", task_table)
    maxima = challenge_maxima(scores)
    return normalize(official_tidy(scores, task_table), maxima, METRICS), maxima


@pytest.fixture(scope="session")
def real_summary(run_tidy: pd.DataFrame, official: tuple[pd.DataFrame, pd.Series]) -> pd.DataFrame:
    tidy = normalize(combine(run_tidy, official[0]), official[1], METRICS)
    return summarize(tidy, METRICS)


@pytest.fixture(scope="session")
def official_summary(official: tuple[pd.DataFrame, pd.Series]) -> pd.DataFrame:
    return summarize(official[0], METRICS)


@pytest.fixture
def text() -> FigureText:
    return FigureText(
        study="test",
        label="study test - generated numbers, not HEAR 2021",
        normalization="best model of this run",
        models={model: f"PaSST {model[6:]} (random-init)" for model in MODELS}
        | {BASE: "PaSST base (random-init)"},
        metrics={slug: facts.label for slug, facts in METRICS.items()},
        event_tasks=EVENT_TASKS,
    )


@pytest.fixture
def score_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a score file, with changed top-level keys, and return its path."""

    def write(name: str = "a.json", **changes: object) -> Path:
        entry = {"metric": "top1_acc", "primary": True}
        entries = [entry | {"fold": f, "seed": 42, "score": s} for f, s in (("f0", 0.5), ("f1", 1))]
        document = {"study": "test", "model": "m", "label": "M", "task": "esc50"}
        document |= {"category": "general", "embedding": "m.scene.M", "scores": entries}
        document |= {"probe": "mlp", "train_fraction": 1.0}
        slugs = ("top1_acc", "mAP", "d_prime")
        document["metrics"] = {slug: HEAR_METRICS[slug].facts() for slug in slugs}
        path = tmp_path / name
        path.write_text(json.dumps(document | {"provenance": {}} | changes))
        return path

    return write
