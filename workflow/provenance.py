"""Provenance of scores: versions, hashes and settings."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from hear.features.store import read_index
from hear.protocol import PROBE_VERSION
from hear.scores.files import chosen_by_fold, untrained_folds
from passt import __version__, mkl

PACKAGES = ("torch", "numpy", "scipy", "soxr")  # those that move numbers


def software() -> dict[str, str]:
    """Versions of this software and of the packages that affect results, and MKL's path."""
    versions = {"passt-hear": __version__, "commit": _commit(), "python": platform.python_version()}
    return versions | {package: version(package) for package in PACKAGES} | {"mkl": mkl.path()}


def is_current(stored: dict, wanted: dict) -> bool:
    """Return whether the stored provenance matches the wanted one.

    The commit is ignored, because version numbers of the front end, the generator and the probe
    identify the computation; so is the path that MKL took, which can differ between a cluster's
    nodes (the setting is compared).
    """

    def facts(provenance: dict) -> dict:
        software = provenance.get("software", {})
        packages = {key: software[key] for key in software.keys() - {"commit", "mkl"}}
        return json.loads(json.dumps(provenance | {"software": packages}))

    return facts(stored) == facts(wanted)


def provenance_of(
    entry: dict, protocol: dict, evaluator: str, threads: int, mkl_fast_path: bool
) -> dict:
    """Provenance of predictions: all that they depend on, in plain types.

    ``entry`` has ``embedding``, its canonical name, and ``components``, pairs of a folder of stored
    features (whose index knows the checkpoint, the task's hashes and its own hash) and a level. The
    CPU threads of the job and MKL's path are part of what makes results equal bit for bit.
    """
    indices = [read_index(Path(folder)) for folder, _ in entry["components"]]
    views = [index["provenance"] for index in indices]
    return {
        "embedding": entry["embedding"],
        "checkpoints": {view["source"]: view["fingerprint"] for view in views},
        "settings": {view["source"]: view["settings"] for view in views},
        "features": {
            f"{index['provenance']['source']}.{index['view']}.{level}": index["sha256"][level]
            for index, (_, level) in zip(indices, entry["components"], strict=True)
        },
        "task_hashes": views[0]["tasks"],
        "study_protocol": protocol,
        "evaluator": evaluator,
        "probe_version": PROBE_VERSION,
        "threads": threads,
        "mkl_fast_path": mkl_fast_path,
        "software": software(),
    }


def score_file(facts: dict, rows: list[dict], header: dict) -> dict:
    """Content of one score file: study, model and task, all rows, and their provenance.

    Folds that were hardly trained are listed as ``untrained_folds``, if there are any.
    """
    chosen = chosen_by_fold(header)
    provenance = header["provenance"] | {
        "protocol": {folder["name"]: folder["protocol"] for folder in header["folders"]},
        "chosen": chosen,
    }
    if folds := untrained_folds(chosen):
        facts = facts | {"untrained_folds": folds}
    if "left_out" in header:
        return facts | {"scores": [], "left_out": header["left_out"], "provenance": provenance}
    return facts | {"scores": rows, "provenance": provenance}


def _commit() -> str:
    """Commit of the checkout, with ``-dirty`` for uncommitted changes; unknown without git."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:  # git is not installed
        return "unknown"
    return found.stdout.strip() if found.returncode == 0 else "unknown"
