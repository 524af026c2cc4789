"""The reference as a backend: heareval 2021.1.3 evaluates our embeddings, in its own environment.

`train_and_predict` is the native function's counterpart: it writes the arrays in heareval's folder
format, runs ``hear/heareval/runner.py`` on them with the Python of heareval's environment, and
reads back the test predictions and scores.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from hear.heareval.folder import write_folder, write_settings
from hear.metrics.registry import METRICS
from hear.probe import predict
from hear.probe.data import ProbeData
from hear.probe.search import FoldResult, ProbeResult
from hear.probe.training import PointResult, ProbeError
from hear.probes import REFERENCE, Evaluation
from hear.protocol import GridPoint, Postprocessing, Protocol
from hear.tasks.folder import TaskFolder

PYTHON = Path(".venv-heareval/bin/python")  # as `make heareval` makes it
RUNNER = Path(__file__).with_name("runner.py")
PACKAGES = ("heareval", "torch", "pytorch-lightning", "scikit-learn", "sed_eval", "numpy")
LOG_LINES = 12  # of a failed run, shown in the message


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
        found = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True)
        problem = found.stderr.strip().splitlines()[-1:] if found.returncode else None
    except OSError as error:
        problem = [str(error)]
    if problem is not None:
        raise ProbeError(
            f"evaluator heareval: expected heareval in the environment of {python}, found: "
            f"{' '.join(problem)}; make it with `make heareval` (or from "
            "workflow/envs/heareval.yaml, and name its Python in the config: heareval_python)"
        )
    return dict(zip(PACKAGES, found.stdout.split(), strict=True))


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


def run(folder: Path, python: Path | str, where: str, bar: tqdm) -> list[dict[str, Any]]:
    """Run heareval on a folder; return one record per training, in the order of training.

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
                command, cwd=folder.parent, stdout=subprocess.PIPE, stderr=stream, text=True
            )
            assert process.stdout is not None  # it is a pipe
            with process:
                for line in process.stdout:
                    fits.append(json.loads(line))
                    score = f"{fits[-1]['validation_score']:.4f}"
                    bar.set_postfix(epoch=fits[-1]["epoch"], validation=score, refresh=False)
                    bar.update()
    except OSError as error:
        raise ProbeError(f"{where}: heareval did not start: {error}") from error
    if process.returncode:
        tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        raise ProbeError(f"{where}: heareval ended with code {process.returncode}:\n  {tail}")
    return fits


def _read_result(
    folder: Path, data: ProbeData, fits: Sequence[dict[str, Any]], protocol: Protocol
) -> ProbeResult:
    """Read back the search, the predictions and the scores."""
    points = [_point_result(fit) for fit in fits]
    n_grid = len(points) - (len(data.folds) - 1)
    grid, others = points[:n_grid], points[n_grid:]
    maximize = protocol.use_scoring_for_early_stopping and METRICS[data.metric].maximize
    sign = 1 if maximize else -1
    best = max(grid, key=lambda point: sign * point.validation_score)  # the first of equals
    if not protocol.use_scoring_for_early_stopping:  # then nothing was chosen in validation
        grid = [replace(point, postprocessing=None) for point in grid]
    scores = json.loads((folder / "test.predicted-scores.json").read_text())
    results = []
    for fold, chosen in zip(data.folds, [best, *others], strict=True):
        with np.load(folder / f"{fold.name}.predictions.pkl", allow_pickle=False) as stored:
            probabilities = stored["prediction"]
        score = float(scores[fold.name]["test_score"])
        results.append(FoldResult(fold.name, probabilities, chosen, score))
    return ProbeResult(tuple(results), tuple(grid))


def _point_result(fit: dict[str, Any]) -> PointResult:
    post = fit["postprocessing"]
    return PointResult(
        GridPoint(*fit["point"]),
        fit["epoch"],
        fit["validation_score"],
        fit["n_validations"],
        None if post is None else Postprocessing(*post),
    )
