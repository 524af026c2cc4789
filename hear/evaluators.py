"""Evaluators of an embedding: native probe, stacked probes, or heareval itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import torch

from hear.heareval import backend
from hear.probe.predict import predict_task
from hear.probe.search import train_and_predict
from hear.probe.stacked import best_device, fit_stacked
from hear.probes import REFERENCE, Evaluation

PredictTask = Callable[..., tuple]


def evaluator(
    name: str, python: str = "", mkl: str | None = None, evaluation: Evaluation = REFERENCE
) -> PredictTask:
    """Return the function that evaluates a task, like `hear.probe.predict.predict_task`.

    ``name`` is ``native`` (grid points in sequence on the CPU, byte for byte like heareval),
    ``stacked`` (`hear.probe.stacked`, on a GPU if there is one) or ``heareval``, for which
    ``python`` is the interpreter of its environment and ``mkl``, if given, a file whose
    ``take_fast_path`` its process calls first. ``evaluation`` selects the probe; a probe without
    training uses scikit-learn with every evaluator.
    """
    stacked = partial(train_and_predict, fit_points=fit_stacked)
    known: dict[str, PredictTask] = {
        "native": predict_task,
        "stacked": partial(predict_task, evaluate=stacked),
        "heareval": partial(backend.predict_task, python=python, mkl=mkl),
    }
    if name not in known:
        raise ValueError(f"evaluator: expected one of {', '.join(known)}, found {name!r}")
    if not evaluation.probe.is_trained:
        from hear.probe.neighbors import vote  # a second of imports that other jobs do not need

        return partial(predict_task, evaluate=vote, evaluation=evaluation)
    return partial(known[name], evaluation=evaluation)


def described(name: str, evaluation: Evaluation = REFERENCE) -> str:
    """Name of an evaluator for the provenance, with the device if results depend on it."""
    if not evaluation.probe.is_trained:
        return f"scikit-learn {version('scikit-learn')}"
    if name != "stacked":
        return name
    device = best_device()
    return f"stacked on {torch.cuda.get_device_name(device) if device.type == 'cuda' else 'cpu'}"
