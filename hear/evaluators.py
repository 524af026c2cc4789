"""Which program evaluates an embedding: this software's probe, or heareval itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hear import heareval_backend, predictions

PredictTask = Callable[..., tuple]


def evaluator(name: str, python: str = "") -> PredictTask:
    """Return the function that trains probes and predicts.

    Parameters
    ----------
    name : str
        ``native`` or ``heareval``.
    python : str
        Python of heareval's environment.

    Returns
    -------
    callable
        With the signature of :func:`hear.predictions.predict_task`.
    """
    known = {
        "native": predictions.predict_task,
        "heareval": partial(heareval_backend.predict_task, python=python),
    }
    if name not in known:
        raise ValueError(f"evaluator: expected one of {', '.join(known)}, found {name!r}")
    return known[name]
