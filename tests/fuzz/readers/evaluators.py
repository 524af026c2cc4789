"""What heareval answers: a line for each training, scores, and predictions."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import strategies as st

from hear.heareval import backend
from hear.probe.data import ProbeData
from hear.probe.training import ProbeError
from hear.protocol import Protocol
from hear.tasks.folder import Fold
from tests.fuzz.mutations import as_json, damaged, json_files
from tests.fuzz.readers.results import npz_files
from tests.fuzz.readers.tasks import is_object, write
from tests.fuzz.watch import Reader

FIT = {
    "point": [1, "xavier_normal", 1e-3], "epoch": 3, "validation_score": 0.5, "n_validations": 2,
    "postprocessing": None,
}  # fmt: skip
FITS = b"".join(as_json(fit) + b"\n" for fit in (FIT, FIT | {"postprocessing": [250, 125]}))
SCORES = {"test": {"test_score": 0.5, "test_loss": 0.1}}
FILES = ("test.predicted-scores.json", "test.predictions.pkl")


@cache
def _data() -> ProbeData:
    """A task of two rows per split."""
    rows, targets = np.ones((2, 3), np.float32), np.eye(2, dtype=np.float32)
    splits = ("train", "valid", "test")
    fold = Fold("test", ("train",), ("valid",), ("test",))
    features, answers = dict.fromkeys(splits, rows), dict.fromkeys(splits, targets)
    return ProbeData("tones", features, answers, [fold], ["a", "b"], "multiclass", "top1_acc")


def _predictions(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, prediction=array, target=array)
    return stream.getvalue()


def _answers() -> tuple[bytes, bytes, bytes]:
    return FITS, as_json(SCORES), _predictions(np.eye(2, dtype=np.float32))


@st.composite
def _cases(draw: Any) -> tuple[bytes, bytes, bytes]:
    """The three answers, of which one is another one."""
    fits, scores, predictions = _answers()
    kind = draw(st.integers(0, 3))
    if kind == 0:
        lines = st.lists(json_files([FIT]), min_size=1, max_size=2)
        fits = b"".join(line + b"\n" for line in draw(lines))
    elif kind == 1:
        scores = draw(json_files([SCORES]))
    elif kind == 2:
        shape = draw(st.lists(st.sampled_from((0, 1, 2, 3)), max_size=3))
        types = ("float32", "float64", "float16", "int64", "bool", "complex64", "U3", "M8[s]")
        array = np.zeros(draw(st.sampled_from(((2, 2), tuple(shape)))))
        predictions = _predictions(array.astype(draw(st.sampled_from(types))))
    else:
        predictions = draw(npz_files() | damaged([predictions]))
    return fits, scores, predictions


class _Process:
    """Stands in for heareval's process: has written everything, and says a line per training."""

    returncode = 0

    def __init__(self, case: tuple[bytes, bytes, bytes], folder: Path) -> None:
        fits, *contents = case
        write(folder, dict(zip(FILES, contents, strict=True)))
        self.stdout = io.BytesIO(fits)

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def kill(self) -> None:
        pass


def _read(case: tuple[bytes, bytes, bytes], inside: Path) -> None:
    def popen(command: list, **_: Any) -> _Process:
        return _Process(case, Path(command[-1]))

    with mock.patch.object(backend.subprocess, "Popen", popen):
        result = backend.train_and_predict(_data(), Protocol(), 42)
    (fold,) = result.folds
    assert fold.probabilities.shape == (2, 2) and fold.probabilities.dtype == np.float32
    assert isinstance(fold.reference_score, float)


def _is_answer(case: tuple[bytes, bytes, bytes]) -> bool:
    return all(map(is_object, case[0].splitlines()))


def readers() -> list[Reader]:
    """Readers of this module."""
    return [
        Reader(
            "answers of heareval", _cases(), _read, (ProbeError,), ("heareval",),
            "JSON objects as lines", _is_answer, [_answers()],
        )
    ]  # fmt: skip
