"""Costs of embeddings: what a model is charged for, and the front of scores over costs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from figure_parts import words

from analysis.exhibits.cost_scores import figure_costs, figure_costs_caption
from analysis.exhibits.style import save_figure
from analysis.exhibits.text import FigureText
from analysis.statistics.estimates import ESTIMATE_COLUMNS, EVENTS, SCENES
from analysis.tables.embedding_costs import (
    EMBEDDING_COST_COLUMNS,
    WHERE,
    cost_row,
    read_embedding_costs,
)
from analysis.tables.scores import write_csv

HERE = {"machine": "AMD x2", "device": "cpu", "threads": 1, "mkl": "fast"}
SCORES = {"cheap": 0.5, "same": 0.5, "worse": 0.4, "dear": 0.9, "unknown": 0.7}


def spent(seconds: float, audio_s: float = 10.0, **more: object) -> dict:
    return {**HERE, "audio_s": audio_s, "seconds": seconds, **more}


def test_a_model_is_charged_all_its_passes() -> None:
    passes = {
        "p.rf160": [spent(1.0), spent(2.0, 5.0, machine="Xeon x8")],
        "p.mel": [spent(0.5, 15)],
    }
    row = cost_row("t", "event", "m", passes)
    assert row["seconds_per_s"] == pytest.approx(3 / 15 + 0.5 / 15) and row["audio_s"] == 15
    assert row["passes"] == "p.rf160 p.mel" and row["machine"] == "AMD x2; Xeon x8"
    assert row["threads"] == "1"
    unknown = cost_row("t", "event", "m", passes | {"p.rf640": []})
    assert "seconds_per_s" not in unknown and unknown["machine"] == "AMD x2; Xeon x8"


def costs(path: Path, **where: object) -> pd.DataFrame:
    """Costs on two scene tasks and an event task; one model's were not measured."""
    of = {"cheap": 1.0, "same": 1.0, "worse": 2.0, "dear": 4.0}
    rows = [
        cost_row(task, kind, model, {"p.scene": [spent(s * n, 10 * n) | where] if s else []})
        for task, kind, n in (("a", "scene", 1), ("b", "scene", 3), ("c", "event", 1))
        for model, s in (of | {"unknown": 0.0}).items()
    ]
    write_csv(pd.DataFrame(rows, columns=list(EMBEDDING_COST_COLUMNS)), path)
    return read_embedding_costs(path)


@pytest.fixture
def estimates() -> pd.DataFrame:
    rows = [
        {"statistic": "mean_normalized_score", "model": model, "category": panel, "estimate": score}
        for panel in (SCENES, EVENTS, "all")
        for model, score in SCORES.items()
    ]
    table = pd.DataFrame(rows).assign(source="run", n_tasks=2, n_replicates=100)
    table = table.assign(low=table["estimate"] - 0.1, high=table["estimate"] + 0.1)
    return table.reindex(columns=list(ESTIMATE_COLUMNS))


def test_the_front_is_what_no_cheaper_model_reaches(tmp_path, estimates) -> None:
    labels = {model: f"Model {model}" for model in SCORES}
    embeddings = {"cheap": "e", "same": "e"}
    text = FigureText("t", "label", "best", models=labels, scene_embeddings=embeddings)
    figure, numbers = figure_costs(costs(tmp_path / "costs.csv"), estimates, text)
    assert numbers["panel"].tolist() == [SCENES] * 5 + [EVENTS] * 5
    scenes = numbers[numbers["panel"] == SCENES].set_index("model")
    assert scenes["seconds_per_s"].dropna().tolist() == pytest.approx([0.1, 0.1, 0.2, 0.4])
    assert scenes["audio_s"].dropna().eq(40).all()
    assert scenes.index[scenes["on_front"]].tolist() == ["cheap", "dear"]
    n_drawn = [sum(len(c.get_offsets()) for c in axes.collections[1::2]) for axes in figure.axes]
    assert n_drawn == [3, 4]  # one embedding on scene tasks is one point
    said = words(figure)
    assert "CPU seconds per second of audio" in said and "Cost not measured: 1 model." in said
    assert "Cost measured on 1 of 2 event tasks." in said and "of 2 scene tasks" not in said
    assert "AMD x2, threads: 1, MKL's path: fast." in said and "not comparable" not in said
    assert f"{SCENES}: Model cheap, Model dear" in figure_costs_caption(text, numbers)
    save_figure(figure, tmp_path / "costs", ["svg"])
    svg = (tmp_path / "costs.svg").read_text()
    assert "Model dear\nscene tasks" in svg and 'data-model="dear"' in svg
    assert "0.4 CPU seconds per second of audio" in svg


def test_several_machines_and_devices_are_said(tmp_path, estimates) -> None:
    text = FigureText("t", "label", "best")
    here = costs(tmp_path / "here.csv")
    there = costs(tmp_path / "there.csv", machine="Xeon x8", device="H200")
    one = words(figure_costs(there, estimates, text)[0])
    assert "GPU seconds per second" in one and "Xeon x8, H200" in one
    mixed = pd.concat([here[here["model"] == "cheap"], there[there["model"] != "cheap"]])
    both = words(figure_costs(mixed, estimates, text)[0])
    assert "CPU or GPU seconds" in both and "their seconds are not comparable" in both
    nothing = here.assign(
        seconds_per_s=float("nan"), audio_s=float("nan"), **dict.fromkeys(WHERE, "")
    )
    figure, numbers = figure_costs(nothing, estimates, text)
    assert "No model's cost was measured" in words(figure) and len(numbers) == 10
