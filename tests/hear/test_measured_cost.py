"""Costs of features: whose seconds count, and what is noted over kills and machines."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from hear.features.cost import Meter
from hear.features.embed import embed_task
from hear.features.names import COST
from hear.features.store import publish, read_index
from hear.tasks.folder import read_task

HERE = {"machine": "a", "device": "cpu", "threads": 1, "mkl": "none"}


def spin(cpu_s: float) -> None:
    """Use a thread's CPU for some seconds."""
    end_s = time.thread_time() + cpu_s
    while time.thread_time() < end_s:
        pass


def embed(task, model, directory: Path, where: dict, **options) -> list[dict]:
    embed_task([task], model, {"scene": directory}, {}, progress=False, where=where, **options)
    publish(directory)
    return json.loads((directory / COST).read_text())


def test_seconds_of_reading_threads_and_of_waiting_do_not_count() -> None:
    meter = Meter("cpu", lambda: 0.0)
    reader = threading.Thread(target=lambda: meter.read(spin, 0.2))
    reader.start()
    with meter.call("a"):
        spin(0.05)
        time.sleep(0.1)
    with meter.call("b"):
        spin(0.1)
    reader.join()
    seconds = meter.seconds()
    assert seconds["a"] == pytest.approx(0.05, abs=0.02)
    assert seconds["b"] == pytest.approx(0.1, abs=0.02)


def test_seconds_of_a_worker_count_and_a_gpu_is_waited_for() -> None:
    used_s = iter([1.0, 3.0])
    meter = Meter("cpu", lambda: next(used_s))
    with meter.call("a"):
        spin(0.01)
    assert meter.seconds()["a"] == pytest.approx(2.01, abs=0.02)
    meter = Meter("some GPU", lambda: 0.0)
    with meter.call("a"):
        time.sleep(0.05)
    assert 0.05 <= meter.seconds()["a"] < 1


def test_each_machine_that_worked_on_a_view_is_noted(make_task, model, tmp_path) -> None:
    """It is killed on one machine, and goes on, twice, on another."""
    task = read_task(make_task())
    whole = embed(task, model, tmp_path / "whole", HERE)
    assert [{**HERE, "audio_s": 3.0}] == [{k: c[k] for k in (*HERE, "audio_s")} for c in whole]
    assert whole[0]["seconds"] > 0
    real, calls = model.embed, []

    def dying(audio, view):
        calls.append(1)
        if len(calls) in (2, 4):
            raise KeyboardInterrupt
        return real(audio, view)

    model.embed = dying
    for machine in ("a", "b"):
        with pytest.raises(KeyboardInterrupt):
            embed(task, model, tmp_path / "f", HERE | {"machine": machine})
    costs = embed(task, model, tmp_path / "f", HERE | {"machine": "b"})
    assert [(c["machine"], c["audio_s"]) for c in costs] == [("a", 1.0), ("b", 2.0)]
    assert read_index(tmp_path / "f") == read_index(tmp_path / "whole")


def test_features_without_a_cost_are_kept_and_say_so(make_task, model, tmp_path) -> None:
    embed(read_task(make_task()), model, tmp_path / "f", HERE)
    before = (tmp_path / "f" / "E.npy").stat().st_mtime_ns
    (tmp_path / "f" / COST).unlink()
    publish(tmp_path / "f")
    assert json.loads((tmp_path / "f" / COST).read_text()) == []
    assert (tmp_path / "f" / "E.npy").stat().st_mtime_ns == before
