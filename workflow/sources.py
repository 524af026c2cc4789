"""Checkpoints and third-party models as embedding jobs load them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import torch

from hear.api.model import HearModel
from hear.features.store import read_index
from hear.files import read_record, sha256_of
from passt import mkl
from passt.checkpoints import Checkpoint
from passt.embedder import Embedder
from passt.variants import blocks_of
from passt.weights import load_embedder
from workflow.machine import machine_name
from workflow.process import VARIABLES
from workflow.provenance import is_current


def load_source(entry: dict, reports: Iterable[str]) -> tuple[HearModel | Embedder, dict]:
    """Load a checkpoint or a third-party model; return it with the facts its embeddings depend on.

    ``entry`` has its id as ``source``, its ``settings``, ``embedding`` (device and precision), the
    ``levels`` of each view and either ``checkpoint``, an entry of the config, or ``model``, the
    arguments of `hear.api.model.HearModel`. The facts are ``source``, ``settings`` and the
    ``fingerprint`` of weights and code; of a model also the versions of its ``packages``, which the
    reports of the validation name. ValueError if weights have changed since their validation.
    """
    facts = {key: entry[key] for key in ("source", "settings")}
    own = [Path(path) for path in reports if Path(path).stem == entry["source"]]
    if entry["model"] is None:
        checkpoint = Checkpoint.from_config(entry["source"], entry["checkpoint"])
        options = entry["embedding"]
        asked = {level for levels in entry["levels"].values() for level in levels}
        blocks = sorted(blocks_of(asked))
        embedder = load_embedder(checkpoint, options["device"], options["precision"], blocks)
        fingerprint = checkpoint.fingerprint()
        for path in own:
            if (expected := read_record(path)["fingerprint"]) != fingerprint:
                raise ValueError(
                    f"{checkpoint.file}: changed since it was validated: expected fingerprint "
                    f"{expected}, found {fingerprint}; put the file back, or remove {path} and "
                    "start again"
                )
        return embedder, facts | {"fingerprint": fingerprint}
    model = HearModel(**as_here(entry["model"]))
    weights = entry["model"]["weights"]
    parts = [model.fingerprint(), sha256_of(weights) if weights else ""]
    fingerprint = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return model, facts | {"fingerprint": fingerprint, "packages": read_record(own[0])["packages"]}


def where(model: HearModel | Embedder) -> dict[str, str | int]:
    """Machine, device and settings that a loaded model's cost depends on."""
    facts = {"machine": machine_name(), "device": model.device_name(), "mkl": mkl_path(model)}
    return facts | {"threads": torch.get_num_threads()}


def mkl_path(model: HearModel | Embedder) -> str:
    """MKL's path in the process that computes a model: this one, or its worker."""
    return (model.worker_mkl if isinstance(model, HearModel) else "") or mkl.path()


def as_here(arguments: dict) -> dict:
    """Arguments of ``HearModel``: a worker takes MKL's path and keeps memory as this process."""
    if arguments["worker"] is None:
        return arguments
    settings = {"mkl": mkl.__file__, "mkl_fast_path": mkl.path() == "fast"}
    return arguments | {"worker": arguments["worker"] | settings | {"variables": VARIABLES}}


def stale_views(
    views: dict[str, str], provenance: dict, levels: dict[str, list[str]]
) -> dict[str, Path]:
    """Views that are not stored yet, finished and from the same provenance, with their folders.

    ``levels`` are those of each view that must be there.
    """
    return {
        view: Path(folder)
        for view, folder in views.items()
        if not any(
            _is_stored(Path(place), provenance, levels[view])
            for place in (folder, f"{folder}.part")
        )
    }


def _is_stored(place: Path, provenance: dict, levels: list[str]) -> bool:
    try:
        index = read_index(place)
    except ValueError:
        return False
    known = index["sha256"].keys()
    whole = {*levels} <= known and all((place / f"{level}.npy").is_file() for level in known)
    return whole and is_current(index["provenance"], provenance)
