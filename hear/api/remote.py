"""A module with the HEAR API that runs in a worker process of another Python.

`RemoteModule` stands in for the imported module: its ``load_model`` gives an object with the
API's attributes, its other functions take tensors and give tensors. The worker is
``hear/api/worker.py``, which needs numpy alone beside the model's own packages.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hear.api.source import ModelError, WorkerError
from hear.api.worker import read_frame, write_frame

WORKER = Path(__file__).with_name("worker.py")
LOG_LINES = 12  # of a failed worker, shown in the message
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
HOST_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")  # of this process's own packages


class RemoteTraceback(Exception):
    """Traceback of the worker, for the log of this process."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


@dataclass(frozen=True)
class RemoteModel:
    """Proxy of a model loaded in the worker: attributes of the API, and facts of the network.

    ``kind`` is ``torch``, ``tensorflow``, ``numpy`` or the name of another class; ``device`` is the
    name of the GPU in use, or ``cpu``; ``mkl`` the path of MKL that the worker has, empty if the
    worker was not given the file that knows.
    """

    kind: str
    device: str
    has_mode: bool
    weights_sha256: str
    source_sha256: str
    sample_rate: Any
    scene_embedding_size: Any
    timestamp_embedding_size: Any
    mkl: str = ""


class RemoteModule:
    """A worker process for one model, and the functions of its module.

    ``python`` is the worker's Python, ``mkl`` a file with the functions ``path`` and, called with
    ``mkl_fast_path`` when torch is imported, ``take_fast_path``; ``variables`` are additional
    environment variables, ``timeout_s`` limits the time per response. ``cpu_s`` is the worker's CPU
    time at its last response. A worker that does not start, dies, hangs or sends an invalid
    response raises ModelError with its last lines of output. An error of the model's code is a
    RuntimeError, caused by one with the worker's traceback.
    """

    def __init__(
        self,
        module: str,
        python: str,
        timeout_s: float = 1800.0,
        mkl: str | None = None,
        mkl_fast_path: bool = True,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.__name__, self.__file__ = module, module
        self.python, self.timeout_s = python, timeout_s
        self.mkl, self.mkl_fast_path = mkl, mkl_fast_path
        self.cpu_s = 0.0
        self._log = tempfile.TemporaryFile(prefix="hear-worker-")
        threads = str(torch.get_num_threads())
        environment = {k: v for k, v in os.environ.items() if k not in HOST_VARIABLES}
        environment |= dict.fromkeys(THREAD_VARIABLES, threads) | dict(variables or {})
        try:
            self._process = subprocess.Popen(
                [Path(python).absolute(), "-B", WORKER, self._module_argument()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=environment,
                bufsize=0,
            )
        except OSError as error:
            raise ModelError(f"model {module}: its Python did not start: {error}") from error
        weakref.finalize(self, _end, self._process)

    def _module_argument(self) -> str:
        name = self.__name__
        return str(Path(name).absolute()) if name.endswith(".py") else name

    def load_model(self, weights: str = "", **options: Any) -> RemoteModel:
        """Load the model in the worker."""
        weights = str(Path(weights).absolute()) if weights and Path(weights).exists() else weights
        settings = {"threads": torch.get_num_threads(), "mkl": self.mkl}
        settings |= {"mkl_fast_path": self.mkl_fast_path}
        request = {"do": "load", "weights": weights, "options": options, **settings}
        (facts, _), *_ = self._ask(request, None, 1)
        try:
            model = RemoteModel(**facts.pop("attributes"), **facts)
        except (KeyError, TypeError):
            raise self._failed(f"gave an invalid answer to load_model: {facts!r:.200}") from None
        if self.mkl_fast_path and model.mkl == "slow":
            print(
                f"model {self.__name__}: MKL's fast path: not used by its worker", file=sys.stderr
            )
        return model

    def get_scene_embeddings(self, audio: Tensor, model: RemoteModel) -> Tensor | np.ndarray:
        """Call the module's function; returns an array if the module returned no tensor."""
        return self._embed("get_scene_embeddings", audio, 1)[0]

    def get_timestamp_embeddings(self, audio: Tensor, model: RemoteModel) -> tuple:
        """Call the module's function; returns embeddings and timestamps in ms."""
        return tuple(self._embed("get_timestamp_embeddings", audio, 2))

    def _embed(self, function: str, audio: Tensor, n_answers: int) -> list[Tensor | np.ndarray]:
        answers = self._ask({"do": function}, audio.cpu().numpy(), n_answers)
        try:
            return [as_tensor(header, array) for header, array in answers]
        except Exception as error:  # of numpy and torch, for types and shapes of every kind
            raise self._failed(f"gave an invalid answer to {function}: {error}") from None

    def _ask(self, request: dict, array: np.ndarray | None, n_answers: int) -> list[tuple]:
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # they are pipes
        try:
            write_frame(process.stdin, request, array)
        except OSError:
            raise self._failed(self._ending()) from None
        answers: list[tuple] = []
        stream = _Timed(process.stdout, self.timeout_s)
        while len(answers) < n_answers:
            try:
                header, found = read_frame(stream)
            except TimeoutError:
                process.kill()
                raise self._failed(
                    f"gave no answer within {self.timeout_s:g} s (environment.timeout_s)"
                ) from None
            except EOFError:
                raise self._failed(self._ending()) from None
            except Exception as error:  # of json and numpy, of many classes
                process.kill()
                raise self._failed(f"gave an invalid answer: {error}") from None
            if "error" in header:
                cause = RemoteTraceback(header.get("traceback", ""))
                raise RuntimeError(header["error"]) from cause
            cpu_s = header.pop("cpu_s", self.cpu_s)
            if type(cpu_s) not in (int, float):
                raise self._failed(f"gave an invalid answer: cpu_s {cpu_s!r:.80}")
            self.cpu_s = cpu_s
            answers.append((header, found))
        return answers

    def _ending(self) -> str:
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return "closed its pipe"
        if code >= 0:
            return f"ended with code {code}"
        hint = ", as happens when memory is short" if code == -signal.SIGKILL else ""
        return f"was killed by {signal.Signals(-code).name}{hint}"

    def _failed(self, what: str) -> WorkerError:
        self._log.seek(0)
        text = self._log.read().decode(errors="replace").splitlines()[-LOG_LINES:]
        said = "\n  ".join(["; its last lines:", *text]) if text else "; it printed nothing"
        return WorkerError(f"model {self.__name__}: the worker of {self.python} {what}{said}")


def as_tensor(header: dict, array: np.ndarray | None) -> Tensor | np.ndarray:
    """Decode a result: a tensor of the model's dtype, or an array if it was no tensor."""
    if array is None:
        raise ValueError("expected an array, found none")
    if header.get("kind") != "tensor":
        return array
    tensor, kind = torch.from_numpy(array), header.get("type")
    return tensor if kind is None else tensor.to(getattr(torch, kind))


class _Timed:
    """A pipe whose reads raise TimeoutError if the bytes do not arrive in time."""

    def __init__(self, pipe: Any, timeout_s: float) -> None:
        self.pipe, self.deadline = pipe, time.monotonic() + timeout_s

    def read(self, size: int) -> bytes:
        parts, missing = [], size
        with selectors.DefaultSelector() as selector:
            selector.register(self.pipe, selectors.EVENT_READ)
            while missing:
                if not selector.select(max(0.0, self.deadline - time.monotonic())):
                    raise TimeoutError
                part = os.read(self.pipe.fileno(), min(missing, 2**20))
                if not part:
                    break
                parts.append(part)
                missing -= len(part)
        return b"".join(parts)


def _end(process: subprocess.Popen) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
