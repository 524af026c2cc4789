"""heareval as the evaluator: its folder format, what is read back, and what goes wrong."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hear.evaluators import evaluator
from hear.heareval import backend, folder
from hear.probe import search
from hear.probe.data import ProbeData
from hear.probe.training import ProbeError
from hear.protocol import GridPoint, Postprocessing, Protocol
from passt import mkl
from tests.hear.oracle_inputs import probe_inputs

QUICK = Protocol(n_grid_points=2, max_epochs=4, validation_every=2, hidden_dim=16)
FIT = {"point": [1, "xavier_normal", 0.1], "epoch": 1, "validation_score": 0.5, "n_validations": 2,
       "postprocessing": None}  # fmt: skip
# Stands in for heareval: reads the folder as heareval does, answers with what it would write.
FAKE = """
import json, sys
import numpy as np
from pathlib import Path
folder = Path(sys.argv[1])
metadata = json.loads((folder / "task_metadata.json").read_text())
settings = json.loads((folder / "run.json").read_text())
scores = {}
for i in range(settings["n_grid_points"] + len(metadata["splits"]) - 1):
    fit = {"point": [1, "xavier_normal", 0.1 * i], "epoch": i, "validation_score": float(i == 1),
           "n_validations": 2, "postprocessing": None}
    print(json.dumps(fit), flush=True)
for split in metadata["splits"]:
    shape = json.loads((folder / f"{split}.embedding-dimensions.json").read_text())
    rows = np.fromfile(folder / f"{split}.embeddings.npy", np.float32).reshape(shape)
    n = len(json.loads((folder / f"{split}.target-labels.pkl").read_text()))
    assert n == len(rows)
    with open(folder / f"{split}.predictions.pkl", "wb") as stream:
        np.savez(stream, prediction=rows[:, :10], target=rows[:, :10])
    scores[split] = {"test_score": 0.5}
(folder / "test.predicted-scores.json").write_text(json.dumps(scores))
"""


def scenes() -> ProbeData:
    return probe_inputs("multiclass_5fold", "multiclass", "top1_acc")


def events() -> ProbeData:
    return probe_inputs("events", "multilabel", "event_onset_200ms_fms")


def program(tmp_path: Path, text: str) -> Path:
    """A stand-in for the environment's Python that runs a program of ours with the folder."""
    (tmp_path / "program.py").write_text(text)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path / "program.py"}" "$3"\n')
    python.chmod(0o755)
    return python


def test_what_heareval_answers_is_read_back(tmp_path):
    data = scenes()
    result = backend.train_and_predict(data, QUICK, 42, python=program(tmp_path, FAKE))
    assert [point.epoch for point in result.grid] == [0, 1]
    assert [fold.chosen.epoch for fold in result.folds] == [1, 2, 3, 4, 5]
    assert result.folds[0].chosen.point == GridPoint(1, "xavier_normal", 0.1)
    for fold in result.folds:
        written = data.features[fold.name][:, :10]
        assert fold.probabilities.tobytes() == np.ascontiguousarray(written).tobytes()
        assert fold.reference_score == 0.5


def test_heareval_sees_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    seen = 'import os\nassert os.environ["CUDA_VISIBLE_DEVICES"] == ""'
    python = program(tmp_path, f"{seen}\n{FAKE}")
    assert backend.train_and_predict(scenes(), QUICK, 42, python=python).folds


def test_event_folder_has_frames_references_and_the_protocol(tmp_path):
    data = events()
    protocol = replace(QUICK, min_duration_ms=(125,), use_scoring_for_early_stopping=False)
    folder.write_folder(tmp_path, data, replace(protocol, hidden_layers=(0, 1)), [data.metric])
    metadata = json.loads((tmp_path / "task_metadata.json").read_text())
    assert metadata["split_mode"] == "trainvaltest" and metadata["embedding_type"] == "event"
    assert not metadata["use_scoring_for_early_stopping"]
    parameters = metadata["evaluation_params"]
    assert parameters["event_postprocessing_grid"] == {
        "median_filter_ms": [250],
        "min_duration": [125],
    }
    assert parameters["task_specific_param_grid"]["check_val_every_n_epoch"] == [2]
    assert parameters["task_specific_param_grid"]["hidden_layers"] == [0, 1]
    frames = json.loads((tmp_path / "valid.filename-timestamps.json").read_text())
    assert len(frames) == len(data.features["valid"]) and frames[1] == ["filevalid000.wav", 50.0]
    assert json.loads((tmp_path / "test.json").read_text()) == data.events.reference["test"]
    labels = json.loads((tmp_path / "train.target-labels.pkl").read_text())
    assert [len(row) for row in labels] == data.targets["train"].sum(axis=1).tolist()


def test_a_missing_environment_names_the_command_that_makes_it(tmp_path):
    run = evaluator("heareval", str(tmp_path / "none"))
    with pytest.raises(ProbeError, match="make heareval"):
        run([], None, Protocol(), 42, {})
    with pytest.raises(ProbeError, match="No package metadata.*heareval.*make heareval"):
        evaluator("heareval", sys.executable)([], None, Protocol(), 42, {})
    with pytest.raises(ValueError, match="expected one of native, stacked, heareval"):
        evaluator("hearevel")


def test_a_failing_heareval_is_named_with_the_end_of_its_output(tmp_path):
    failing = program(tmp_path, "import sys; sys.exit('KeyError: 9')")
    with pytest.raises(ProbeError, match="multiclass_5fold, seed 42: .*code 1:\n  KeyError: 9"):
        backend.train_and_predict(scenes(), QUICK, 42, python=failing)


@pytest.mark.parametrize(
    "line",
    ["Traceback", "[]", "{}", '{"point": [1], "epoch": 1}', "\udcff", FIT | {"epoch": "1"},
     FIT | {"point": [1, 2, 0.1]}, FIT | {"validation_score": None}, FIT | {"postprocessing": [1]},
     FIT | {"postprocessing": ["a", 1]}],
)  # fmt: skip
def test_lines_that_are_no_training_are_refused(tmp_path, line):
    text = line if isinstance(line, str) else json.dumps(line)
    (tmp_path / "lines").write_bytes(text.encode("utf-8", "surrogateescape") + b"\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncat "{tmp_path / "lines"}"\n')
    python.chmod(0o755)
    with pytest.raises(ProbeError, match="heareval: expected a training as JSON, found b'"):
        backend.train_and_predict(scenes(), QUICK, 42, python=python)


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ('{"test_score": 0.5}', "[]", "test.predicted-scores.json: not what heareval writes"),
        ("rows[:, :10]", "rows[1:, :10]", r"fold00.predictions.pkl: .*\(150, 10\), found .*149"),
        ("np.savez(stream, ", "np.save(stream, 0); dict(", "fold00.predictions.pkl: not what"),
        ("print(json.dumps(fit), flush=True)", "pass", "expected a training .* found 0"),
    ],
)
def test_files_that_heareval_does_not_write_are_named(tmp_path, written, instead, message):
    assert written in FAKE
    python = program(tmp_path, FAKE.replace(written, instead))
    with pytest.raises(ProbeError, match=f"multiclass_5fold, heareval: .*{message}"):
        backend.train_and_predict(scenes(), QUICK, 42, python=python)


def test_an_environment_that_does_not_tell_its_versions_is_refused(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nprintf 'hello \\377'\n")
    python.chmod(0o755)
    with pytest.raises(ProbeError, match="found: 'hello .*make heareval"):
        backend.environment(python)


def test_bad_input_is_refused_before_heareval_starts(tmp_path):
    data = scenes()
    data.targets["fold01"][3] = 0
    with pytest.raises(ProbeError, match="split fold01: .*row 3"):
        backend.train_and_predict(data, QUICK, 42, python=tmp_path / "never started")


@pytest.mark.slow
@pytest.mark.skipif(not backend.PYTHON.exists(), reason="needs `make heareval`")
@pytest.mark.parametrize("hidden_layers", [(1, 2), (0,)])
def test_heareval_itself_gives_the_same_search_and_bytes(hidden_layers):
    data, protocol = events(), replace(QUICK, hidden_layers=hidden_layers)
    same_path = mkl.__file__ if mkl.path() == "fast" else None
    theirs = backend.train_and_predict(data, protocol, 42, mkl=same_path)
    ours = search.train_and_predict(data, protocol, 42)
    assert theirs.grid == ours.grid
    chosen = theirs.folds[0].chosen
    assert chosen == ours.folds[0].chosen and isinstance(chosen.postprocessing, Postprocessing)
    assert theirs.folds[0].probabilities.tobytes() == ours.folds[0].probabilities.tobytes()
