"""What one job embeds or predicts: all of a task at once, or the smallest computable part.

Importing torch costs two seconds of every job. On one machine a job per task is the fastest; on a
cluster a job per view and per embedding can run everywhere at once. The files are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from hear.api.model import HearModel
from hear.features.embed import Model
from passt.checkpoints import Checkpoint
from passt.files import sha256_file
from passt.weights import load_embedder

ALL = "all"  # name of the batch that is everything


def batches(names: Iterable[str], size: str) -> dict[str, list[str]]:
    """Divide what is to be computed for one task into jobs.

    Parameters
    ----------
    names : iterable of str
        Views or embeddings; repeated ones count once.
    size : str
        ``task``: one job called `ALL`; ``smallest``: one job per name, called by it.

    Returns
    -------
    dict of str to list of str
        Names of each job.
    """
    distinct = list(dict.fromkeys(names))
    return {ALL: distinct} if size == "task" else {name: [name] for name in distinct}


def load_source(entry: dict) -> tuple[Model, dict[str, str]]:
    """Load a checkpoint or a third-party model.

    Parameters
    ----------
    entry : dict
        ``source`` (its id), ``settings``, ``embedding`` (device and precision) and either
        ``checkpoint``, an entry of the config, or ``model``, the arguments of
        :class:`hear.api.model.HearModel`.

    Returns
    -------
    model : Model
    facts : dict
        What its embeddings depend on beside the audio: ``source``, ``settings`` and the
        ``fingerprint`` of weights and code.

    Raises
    ------
    CheckpointError, ModelError
        If it cannot be loaded.
    """
    if entry["checkpoint"] is not None:
        checkpoint = Checkpoint.from_config(entry["source"], entry["checkpoint"])
        options = entry["embedding"]
        model = load_embedder(checkpoint, options["device"], options["precision"])
        fingerprint = checkpoint.fingerprint()
    else:
        model = HearModel(**entry["model"])
        weights = Path(entry["model"]["weights"] or ".")
        parts = [model.fingerprint(), sha256_file(weights) if weights.is_file() else ""]
        fingerprint = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    facts = {"source": entry["source"], "fingerprint": fingerprint, "settings": entry["settings"]}
    return model, facts
