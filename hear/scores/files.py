"""Files of stored predictions, readable without PyTorch.

One ``.npz`` without pickles. ``header`` is JSON text: provenance, protocol, and per task folder
the labels, metrics, grid search and folds. Arrays of fold ``j`` of folder ``i``:

    i/j/probabilities   float32 (n_rows, n_labels), rows as in the header's files
    i/j/targets         uint8 (n_rows, n_labels); for events of each frame
    i/j/timestamps_ms   float64 (n_rows,); event tasks only
    i/j/n_rows          int64 (n_files,), rows of each file; event tasks only

If a fraction of the training part is too small for a task, there is no folder, and the header gives
the reason as ``left_out``. For a probe without training seed, the header's ``seed`` is null.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hear.files import MADE_AGAIN, json_value, replacing

UNTRAINED = (
    "training stopped at the first validation, whose score was not finite (such as the F-measure "
    "of a probe that does not predict any event yet), as in heareval; the test score says little "
    "about the embedding. Another batch_size or learning_rates in the protocol may help"
)
Chosen = Mapping[str, Mapping[str, Mapping[str, Any]]]


class PredictedFold(NamedTuple):
    """One fold of a file of predictions.

    ``name`` is used in score files: the fold's name, preceded by its folder's if the task has
    several. ``folder`` and ``fold`` are the header's entries, ``arrays`` the fold's arrays by the
    last part of their name.
    """

    name: str
    folder: dict
    fold: dict
    arrays: dict[str, np.ndarray]


def predicted_folds(header: dict, arrays: dict[str, np.ndarray]) -> Iterator[PredictedFold]:
    """Yield the folds of the predictions returned by `load_predictions`."""
    several = len(header["folders"]) > 1
    for i, folder in enumerate(header["folders"]):
        for j, fold in enumerate(folder["folds"]):
            prefix = f"{i}/{j}/"
            mine = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            name = f"{folder['name']}/{fold['name']}" if several else fold["name"]
            yield PredictedFold(name, folder, fold, mine)


def chosen_by_fold(header: dict) -> Chosen:
    """Grid point, epoch and validation score of each fold, by task folder and fold."""
    return {
        folder["name"]: {fold["name"]: fold["chosen"] for fold in folder["folds"]}
        for folder in header["folders"]
    }


def untrained_folds(chosen: Chosen) -> list[str]:
    """Folds whose training ended at its first validation, because that score was not finite.

    As in heareval: the F-measure of a probe that does not predict any event yet is NaN, at which
    training stops (`hear.probe.selection.Selection`).
    """
    return [
        f"{folder}/{fold}" if len(chosen) > 1 else fold
        for folder, folds in chosen.items()
        for fold, facts in folds.items()
        if not (
            isinstance(score := facts.get("validation_score"), int | float) and math.isfinite(score)
        )
    ]


def untrained(header: dict) -> str:
    """What to say of predictions with `untrained_folds`; empty if there are none."""
    folds = untrained_folds(chosen_by_fold(header))
    return f"{', '.join(folds)}: {UNTRAINED}" if folds else ""


def save_predictions(path: Path, header: dict, arrays: dict[str, np.ndarray]) -> None:
    """Write predictions atomically; the same content gives the same bytes.

    The header gets ``sha256``, the hash of the arrays' names, types, shapes and values.
    """
    header = header | {"sha256": content_hash(arrays)}
    text = json.dumps(json_value(header), allow_nan=False)
    named: dict[str, Any] = {"header": np.array(text), **arrays}
    with replacing(path) as temporary, open(temporary, "wb") as stream:
        np.savez(stream, **named)


def content_hash(arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 of named arrays, in hex, independent of their order."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def read_header(path: Path) -> dict:
    """Read the header of a file of predictions; empty if it is missing or unreadable."""
    try:
        return _read(path, ["header"])[0]
    except ValueError:
        return {}


def without_left_out(paths: Iterable[Path | str]) -> list[Path]:
    """Return a task's files of predictions, without embeddings for which any seed is left out."""
    headers = {Path(path): read_header(Path(path)) for path in paths}
    left_out = {h["provenance"]["embedding"] for h in headers.values() if "left_out" in h}
    return [
        path
        for path, header in headers.items()
        if header.get("provenance", {}).get("embedding") not in left_out
    ]


def load_predictions(path: Path | str) -> tuple[dict, dict[str, np.ndarray]]:
    """Read a file written by `save_predictions`; ValueError names an invalid file."""
    return _read(path)


def _read(
    path: Path | str, names: Iterable[str] | None = None
) -> tuple[dict, dict[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in names or stored.files}
        header = json.loads(str(arrays.pop("header")))
        if not isinstance(header, dict):
            raise ValueError(f"expected an object as header, found {type(header).__name__}")
        return header, arrays
    except Exception as error:  # of numpy, zipfile and what unpacks there, of many classes
        raise ValueError(
            f"{path}: not a readable file of predictions ({error}); {MADE_AGAIN}"
        ) from error
