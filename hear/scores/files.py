"""Files of stored predictions, read by all that scores them; nothing here needs PyTorch.

One ``.npz`` without pickles. ``header`` is JSON text: provenance, protocol, and per task folder
the labels, metrics, grid search and folds. Arrays of fold ``j`` of folder ``i``::

    i/j/probabilities   float32 (n_rows, n_labels), rows as in the header's files
    i/j/targets         uint8 (n_rows, n_labels); for events of each frame
    i/j/timestamps_ms   float64 (n_rows,); event tasks only
    i/j/n_rows          int64 (n_files,), rows of each file; event tasks only
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hear.files import replacing


def save_predictions(path: Path, header: dict, arrays: dict[str, np.ndarray]) -> None:
    """Write predictions atomically; the same content gives the same bytes."""
    with replacing(path) as temporary, open(temporary, "wb") as stream:
        np.savez(stream, header=np.array(json.dumps(header)), **arrays)


def is_predicted(path: Path, seed: int, provenance: dict) -> bool:
    """Tell whether a file holds predictions made from the same things, the commit apart.

    Parameters
    ----------
    path : Path
    seed : int
    provenance : dict
        As given to :func:`hear.probe.predict.predict_task`; the commit says where they were made,
        not from what (``hear.protocol.PROBE_VERSION`` says that).
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            header = json.loads(str(stored["header"]))
    except (OSError, KeyError, ValueError):
        return False
    return header.get("seed") == seed and _made_from(header["provenance"]) == _made_from(provenance)


def _made_from(provenance: dict) -> dict:
    software = {k: v for k, v in provenance.get("software", {}).items() if k != "commit"}
    return json.loads(json.dumps(provenance | {"software": software}))


def load_predictions(path: Path | str) -> tuple[dict, dict[str, np.ndarray]]:
    """Read what :func:`save_predictions` wrote.

    Raises
    ------
    ValueError
        If the file is not such a file, naming it.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return json.loads(str(arrays.pop("header"))), arrays
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path}: not a readable file of predictions: {error}") from error
