"""Frames of a model's worker process."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from hypothesis import strategies as st

from hear.api import remote
from hear.api.model import HearModel
from hear.api.source import ModelError
from hear.api.worker import LENGTHS, write_frame
from tests.fuzz.mutations import INTEGERS, as_json, damaged, edited
from tests.fuzz.watch import Reader

LOADED = {
    "attributes": {"sample_rate": 16000, "scene_embedding_size": 3, "timestamp_embedding_size": 3},
    "kind": "torch", "device": "cpu", "has_mode": False, "weights_sha256": "0",
    "source_sha256": "1",
    "cpu_s": 0.5,
}  # fmt: skip
TYPES = (
    "<f4", ">f4", "<f8", "<f2", "|i1", "<i8", "<u2", "<c8", "|b1", "|O", "|V4", "<U2", "|S2",
    "<M8[s]",
    "f4,f4", "(2,)f4", "x", "", "<f3", ",", "f4:", "O8", "<f4" * 500,
)  # fmt: skip
SHAPES: tuple = (
    [2, 3], [2, 1, 3], [2, 1], [-1, 3], [0], [], [2**40, 2**40], [2**70], [-2], None, "x", [1.5],
    [True], 6, [[2, 3]], [2**62, 0], [None],
)  # fmt: skip


def frame(header: dict, array: np.ndarray | None = None) -> bytes:
    """A frame as a worker writes it."""
    stream = io.BytesIO()
    write_frame(stream, header, array)
    return stream.getvalue()


def _answers() -> list[bytes]:
    scene = frame({"kind": "tensor", "cpu_s": 1.0}, np.zeros((2, 3), np.float32))
    frames = frame({"kind": "tensor", "cpu_s": 1.0}, np.zeros((2, 1, 3), np.float32))
    times = frame({"kind": "tensor"}, np.zeros((2, 1), np.float32))
    return [frame(LOADED), scene, frames, times]


@st.composite
def _frames(draw: Any) -> bytes:
    """Answers to load_model and to both functions, of which one or two are hostile."""
    answers = _answers()
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, 3))
        data = np.zeros((2, 3), np.float32).tobytes()
        if place == 0:
            header, data = draw(edited([LOADED])), b""
        else:
            header = {"kind": "tensor", "dtype": "<f4", "shape": [2, 3]}
            header["dtype"] = draw(st.sampled_from(TYPES))
            header["shape"] = draw(st.sampled_from(SHAPES))
            if draw(st.booleans()):
                header["type"] = draw(st.sampled_from(("bfloat16", "load", "x", 1, None, "nn")))
            if draw(st.booleans()):
                header = draw(edited([header]))
        text = as_json(header)
        sizes = [len(text), len(data)]
        if draw(st.integers(0, 5)) == 0:
            sizes[draw(st.integers(0, 1))] = draw(st.sampled_from(INTEGERS))
        answers[place] = LENGTHS.pack(*sizes) + text + data
    content = b"".join(answers)
    return draw(damaged([content])) if draw(st.integers(0, 5)) == 0 else content


class _Process:
    """Stands in for a worker that has answered everything before it is asked."""

    def __init__(self, answer: bytes) -> None:
        self.stdin = io.BytesIO()
        reading, writing = os.pipe()
        with open(writing, "wb") as stream:
            stream.write(answer[:60_000])  # of the 64 KiB that a pipe holds
        self.stdout = open(reading, "rb", buffering=0)

    def wait(self, timeout: float | None = None) -> int:
        return 0

    def kill(self) -> None:
        pass


def _read(case: bytes, inside: Path) -> None:
    with mock.patch.object(remote.subprocess, "Popen", lambda *_, **__: _Process(case)):
        model = HearModel("a.b", worker={"python": "python", "timeout_s": 5.0})
    audio = torch.zeros(2, 160)
    for view in ("scene", "timestamp"):
        levels, _ = model.embed(audio, view)
        assert levels["E"].dtype == torch.float32
    assert isinstance(model.worker_cpu_s, float)


def _is_frame(case: bytes) -> bool:
    """Tell whether the first frame's header is as long as it says, and JSON."""
    try:
        size = LENGTHS.unpack(case[: LENGTHS.size])[0]
        json.loads(case[LENGTHS.size : LENGTHS.size + size])
        return size <= len(case)
    except Exception:  # whatever is wrong with it
        return False


def readers() -> list[Reader]:
    """Readers of this module."""
    whole = b"".join(_answers())
    return [
        Reader(
            "frames of workers", _frames(), _read, (ModelError,), ("model a.b",),
            "a first frame whose header is JSON", _is_frame, [whole], bytes,
        )
    ]  # fmt: skip
