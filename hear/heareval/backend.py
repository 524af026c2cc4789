"""The reference as a backend: heareval 2021.1.3 evaluates our embeddings, in its own environment.

`train_and_predict` is the native function's counterpart: it writes the arrays in heareval's folder
format, runs ``hear/heareval/runner.py`` on them with the Python of heareval's environment, and
reads back the test predictions and scores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from hear.heareval.folder import write_folder, write_settings
from hear.probe import predict
from hear.probe.data import ProbeData
from hear.probe.search import FoldResult, ProbeResult
from hear.probe.selection import maximizes
from hear.probe.training import PointResult, ProbeError
from hear.probes import REFERENCE, Evaluation
from hear.protocol import GridPoint, Postprocessing, Protocol
from hear.tasks.folder import TaskFolder

PYTHON = Path(".venv-heareval/bin/python")  # as `make heareval` makes it
RUNNER = Path(__file__).with_name("runner.py")
PACKAGES = ("heareval", "torch", "pytorch-lightning", "scikit-learn", "sed_eval", "numpy")
# heareval trains on the CPU here; where it sees a GPU, its gpu_max_mem.py decodes the GPU's name,
# which pynvml 13.0.1 gives as text.
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}
LOG_LINES = 12  # of a failed run, shown in the message
SHOWN = "MKL's fast path:"  # a line of the output that begins so is shown


def predict_task(
    folders: list[TaskFolder],
    read_split: predict.ReadSplit,
    protocol: Protocol,
    seed: int,
    provenance: dict,
    progress: bool = True,
    python: Path | str = PYTHON,
    mkl: str | None = None,
    evaluation: Evaluation = REFERENCE,
) -> tuple[dict, dict[str, np.ndarray]]:
    """Evaluate a task with heareval itself; see `hear.probe.predict.predict_task`.

    ``python`` is the interpreter of heareval's environment, ``mkl`` a file whose ``take_fast_path``
    its process calls first. ProbeError also if there is no such environment, or if heareval fails,
    with the end of its output.
    """
    facts = {"name": "heareval", "versions": environment(python)}
    evaluate = partial(train_and_predict, python=python, mkl=mkl)
    provenance = provenance | {"evaluator": facts}
    return predict.predict_task(
        folders, read_split, protocol, seed, provenance, progress, evaluate, evaluation
    )


def environment(python: Path | str = PYTHON) -> dict[str, str]:
    """Return the versions of heareval and of its numerical packages.

    If the environment is missing or lacks heareval, ProbeError names the command that creates it.
    """
    code = f"from importlib.metadata import version as v; print(*map(v, {PACKAGES!r}))"
    try:
        found = subprocess.run(
            [python, "-I", "-c", code], capture_output=True, text=True, errors="replace"
        )
        versions = found.stdout.split() if found.returncode == 0 else []
        problem = found.stderr.strip().splitlines()[-1:] or [f"{found.stdout!r:.200}"]
    except OSError as error:
        versions, problem = [], [str(error)]
    if len(versions) != len(PACKAGES):
        raise ProbeError(
            f"evaluator heareval: expected heareval in the environment of {python}, found: "
            f"{' '.join(problem)}; make it with `make heareval` (or from "
            "workflow/envs/heareval.yaml, and name its Python in the config: heareval_python)"
        )
    return dict(zip(PACKAGES, versions, strict=True))


def train_and_predict(
    data: ProbeData,
    protocol: Protocol,
    seed: int,
    progress: bool = False,
    python: Path | str = PYTHON,
    mkl: str | None = None,
) -> ProbeResult:
    """Train, select and predict with heareval; like `hear.probe.search.train_and_predict`.

    heareval uses as many threads as torch in this process. ``FoldResult.reference_score`` is its
    own primary test score. ProbeError as in the native function, and if heareval fails, with the
    end of its output.
    """
    data.check()
    if data.train_rows:
        raise ProbeError(f"{data.task}: heareval reads whole splits, found a share of their rows")
    for fold in data.folds:
        data.fold(fold, protocol)
    with tempfile.TemporaryDirectory(prefix="heareval-") as directory:
        folder = Path(directory) / "task"
        folder.mkdir()
        write_folder(folder, data, protocol, [data.metric])
        write_settings(folder, protocol, seed, torch.get_num_threads(), mkl)
        n_fits = protocol.n_grid_points + len(data.folds) - 1
        name = f"{data.task}, heareval"
        with tqdm(total=n_fits, desc=name, unit="fit", disable=not progress) as bar:
            fits = run(folder, python, f"{data.task}, seed {seed}", bar)
        return _read_result(folder, data, fits, protocol)


def run(folder: Path, python: Path | str, where: str, bar: tqdm) -> list[PointResult]:
    """Run heareval on a folder; return how each training did, in the order of training.

    ``folder`` is written by `hear.heareval.folder`, including settings; ``where`` names task and
    seed in messages; ``bar`` advances by one per training. ProbeError contains the end of
    heareval's output.
    """
    log = folder.parent / "heareval.log"
    command: list[str | Path] = [Path(python).absolute(), "-I", RUNNER, folder.absolute()]
    fits = []
    try:
        with open(log, "w") as stream:
            process = subprocess.Popen(
                command,
                cwd=folder.parent,
                env=os.environ | NO_GPU,
                stdout=subprocess.PIPE,
                stderr=stream,
            )
            assert process.stdout is not None  # it is a pipe
            with process:
                for line in process.stdout:
                    try:
                        fit = _point_result(json.loads(line))
                    except Exception as error:  # of Python, for values of every kind
                        process.kill()
                        raise ProbeError(
                            f"{where}: heareval: expected a training as JSON, found {line!r:.200}"
                        ) from error
                    score = f"{fit.validation_score:.4f}"
                    bar.set_postfix(epoch=fit.epoch, validation=score, refresh=False)
                    bar.update()
                    fits.append(fit)
    except OSError as error:
        raise ProbeError(f"{where}: heareval did not start: {error}") from error
    output = log.read_text(errors="replace").splitlines()
    for said in output:
        if said.startswith(SHOWN):
            print(f"{where}: heareval: {said}", file=sys.stderr)
    if process.returncode:
        tail = "\n  ".join(output[-LOG_LINES:])
        raise ProbeError(f"{where}: heareval ended with code {process.returncode}:\n  {tail}")
    return fits


def _read_result(
    folder: Path, data: ProbeData, points: Sequence[PointResult], protocol: Protocol
) -> ProbeResult:
    """Read back the search, the predictions and the scores; ProbeError names a malformed file."""
    n_grid = len(points) - (len(data.folds) - 1)
    if n_grid < 1:
        raise ProbeError(
            f"{data.task}, heareval: expected a training of every grid point and of every further "
            f"fold of {len(data.folds)}, found {len(points)}"
        )
    grid, others = points[:n_grid], points[n_grid:]
    sign = 1 if maximizes(protocol, data.metric) else -1
    best = max(grid, key=lambda point: sign * point.validation_score)  # the first of equals
    if not protocol.use_scoring_for_early_stopping:  # then nothing was chosen in validation
        grid = [replace(point, postprocessing=None) for point in grid]
    with _readable(folder / "test.predicted-scores.json", data.task) as path:
        found = json.loads(path.read_text(encoding="utf-8"))
        scores = [float(found[fold.name]["test_score"]) for fold in data.folds]
    results = []
    for fold, chosen, score in zip(data.folds, [best, *others], scores, strict=True):
        n_rows = sum(len(data.features[split]) for split in fold.test)
        with _readable(folder / f"{fold.name}.predictions.pkl", data.task) as path:
            with np.load(path, allow_pickle=False) as stored:
                probabilities = stored["prediction"]
            _check(probabilities, (n_rows, len(data.labels)))
        results.append(FoldResult(fold.name, probabilities, chosen, score))
    return ProbeResult(tuple(results), tuple(grid))


@contextmanager
def _readable(path: Path, task: str) -> Iterator[Path]:
    """Name a file of heareval's in a ProbeError for whatever reading it raises."""
    try:
        yield path
    except Exception as error:  # of json, numpy and zipfile, of many classes
        raise ProbeError(
            f"{task}, heareval: {path.name}: not what heareval writes: {error!r:.200}"
        ) from error


def _check(probabilities: np.ndarray, shape: tuple[int, int]) -> None:
    if (probabilities.dtype, probabilities.shape) != (np.float32, shape):
        found = f"{probabilities.dtype} {probabilities.shape}"
        raise ValueError(f"expected float32 {shape}, found {found}")


def _point_result(fit: dict[str, Any]) -> PointResult:
    """Make a result of what the runner says of a training; ValueError for other kinds."""
    point, post = GridPoint(*fit["point"]), fit["postprocessing"]
    postprocessing = None if post is None else Postprocessing(*post)
    result = PointResult(
        point, fit["epoch"], fit["validation_score"], fit["n_validations"], postprocessing
    )
    counts = (point.hidden_layers, result.epoch, result.n_validations)
    numbers = (point.learning_rate, result.validation_score, *(postprocessing or ()))
    if not (
        all(type(count) is int for count in counts)
        and all(type(number) in (int, float) for number in numbers)
        and isinstance(point.initialization, str)
    ):
        raise ValueError(f"expected numbers and a name, found {fit!r:.200}")
    return result
