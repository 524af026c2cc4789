"""Run heareval 2021.1.3 itself on one folder of embeddings; the only file that imports it.

Called by `hear.heareval.backend` with the Python of heareval's own environment:

    python -I runner.py FOLDER

``FOLDER`` is in heareval's format, with ``run.json`` beside it: ``seed``, ``threads``,
``n_grid_points``, ``initializations`` and ``mkl``, a file whose ``take_fast_path`` is called before
anything is computed, or null. One line of JSON per training is printed on standard output;
heareval's own output goes to standard error. heareval is unchanged except for the shims below, each
of which states its reason.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

import numpy as np
import torch
from heareval.predictions import runner, task_predictions


def install_shims(seed: int, initializations: list[str]) -> None:
    """Make heareval run with current packages and with the given seed and initializations."""
    # torch >= 2.6 loads weights only; heareval's checkpoints also hold the classes of its grid.
    # Each process reads only the checkpoints that it wrote itself.
    torch.load = partial(torch.load, weights_only=False)
    # Lightning 1.9 ignores an assigned current_epoch: an event task would be tested with another
    # epoch's post-processing than the best one's.
    task_predictions.task_predictions_test = _at_the_best_epoch(
        task_predictions.task_predictions_test
    )
    # Labels come in and predictions go out as data, not as pickles.
    task_predictions.pickle = SimpleNamespace(load=json.load, dump=_save_arrays)
    # The seed is a constant of heareval's (42); the study's may be another.
    seed_everything = task_predictions.seed_everything
    task_predictions.seed_everything = lambda _, workers: seed_everything(seed, workers=workers)
    # The rest of the grid comes with the task's metadata, where functions have no place.
    task_predictions.PARAM_GRID["initialization"] = [
        getattr(torch.nn.init, f"{name}_") for name in initializations
    ]


def record_fits(stream: TextIO) -> None:
    """Report each training: grid point, best epoch, and number of validations."""
    model = task_predictions.AbstractPredictionModel
    validation_epoch_end = model.validation_epoch_end
    train = task_predictions.task_predictions_train

    def counted(self: Any, outputs: list[dict[str, Any]]) -> None:
        self.n_validations = getattr(self, "n_validations", 0) + 1
        validation_epoch_end(self, outputs)

    def recorded(**arguments: Any) -> Any:
        result = train(**arguments)
        facts = {
            "point": [
                result.conf["hidden_layers"],
                result.conf["initialization"].__name__.rstrip("_"),
                result.conf["lr"],
            ],
            "epoch": result.epoch,
            "validation_score": result.validation_score,
            "n_validations": result.predictor.n_validations,
            "postprocessing": [value for _, value in result.postprocessing] or None,
        }
        print(json.dumps(facts), file=stream, flush=True)
        return result

    model.validation_epoch_end, task_predictions.task_predictions_train = counted, recorded


def _at_the_best_epoch(test: Any) -> Any:
    def tested(**arguments: Any) -> dict[str, float]:
        point = arguments["grid_point"]
        point.trainer.fit_loop.epoch_progress.current.completed = point.epoch
        return test(**arguments)

    return tested


def _save_arrays(predictions: dict[str, Any], stream: Any) -> None:
    arrays = {key: predictions[key].numpy() for key in ("prediction", "target")}
    np.savez(stream, **arrays)


def main() -> None:
    """Evaluate the folder given on the command line."""
    folder = Path(sys.argv[1])
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    settings = json.loads((folder / "run.json").read_text())
    torch.set_num_threads(settings["threads"])
    if settings["mkl"]:
        runpy.run_path(settings["mkl"])["take_fast_path"]()
    install_shims(settings["seed"], settings["initializations"])
    record_fits(stream)
    runner.runner.callback([str(folder)], grid_points=settings["n_grid_points"], gpus=None)


if __name__ == "__main__":
    main()
