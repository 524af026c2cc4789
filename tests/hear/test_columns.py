"""Features that stay in their files: the same numbers, never in memory as a whole."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hear.features.columns import Columns
from hear.features.store import ViewWriter, publish, read_components
from hear.probe.data import ProbeData
from hear.probe.search import train_and_predict
from hear.protocol import Protocol
from hear.scores.files import save_predictions
from tests.hear.oracle_inputs import probe_inputs

BATCH = 64
PROTOCOL = Protocol(n_grid_points=2, max_epochs=6, hidden_dim=32, batch_size=BATCH)


def inputs() -> ProbeData:
    return probe_inputs("multiclass_5fold", "multiclass", "top1_acc")


def bytes_of(data: ProbeData) -> bytes:
    result = train_and_predict(data, PROTOCOL, seed=1)
    return b"".join(fold.probabilities.tobytes() for fold in result.folds)


def test_rows_are_joined_in_order_and_their_number_is_checked():
    left, right = np.arange(6.0).reshape(3, 2), np.arange(3.0)[:, None]
    columns = Columns([left, right])
    assert columns.shape == (3, 3) and len(columns) == 3
    assert np.array_equal(columns[1:9], np.hstack([left, right])[1:9])
    with pytest.raises(ValueError, match="same number of rows"):
        Columns([left, right[:2]])


def test_mapped_features_give_the_same_bytes_in_bounded_memory(tmp_path, monkeypatch):
    data = inputs()
    expected = bytes_of(data)
    for view, columns in (("a", slice(None, 24)), ("b", slice(24, None))):
        writer = ViewWriter(tmp_path / view, {"view": view, "storage": "float32"})
        for split, features in data.features.items():
            writer.append("M", features[:, columns])
            writer.finish_split("t", split, [""] * len(features), None)
        writer.finish({"t": list(data.features)})
        publish(tmp_path / view)
    components = [(tmp_path / "a", "M"), (tmp_path / "b", "M")]
    mapped = {s: read_components(components, "t", s) for s in data.features}
    rows = [array for columns in mapped.values() for array in columns.arrays]
    assert rows and all(isinstance(array, np.memmap) for array in rows)
    asked, read = [], Columns.read

    def spy(self, rows, out):
        asked.append(out.shape[0])
        read(self, rows, out)

    monkeypatch.setattr(Columns, "read", spy)
    assert bytes_of(replace(data, features=mapped)) == expected
    assert asked and max(asked) <= BATCH


def test_a_killed_probe_leaves_nothing_and_its_rerun_gives_the_same_bytes(tmp_path):
    def write(path: Path) -> None:
        result = train_and_predict(inputs(), PROTOCOL, seed=1)
        arrays = {fold.name: fold.probabilities for fold in result.folds}
        save_predictions(path, {"folds": list(arrays)}, arrays)

    write(tmp_path / "whole.npz")
    process = os.fork()
    if process == 0:  # the child is killed in the middle of training
        _die_at_the_third_fit()
        write(tmp_path / "killed.npz")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["whole.npz"]
    write(tmp_path / "killed.npz")
    assert (tmp_path / "killed.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def _die_at_the_third_fit() -> None:
    from hear.probe import search

    fit, started = search.fit, []

    def dying(*arguments):
        started.append(arguments)
        if len(started) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return fit(*arguments)

    search.fit = dying
