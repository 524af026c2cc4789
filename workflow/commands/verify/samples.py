"""Samples of a study that are computed again: first clips of each view, probes of one embedding.

Values are compared bit for bit where a study is verified by the versions and on the machine that
made it, else within a tolerance.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np

from hear.api.model import HearModel
from hear.features.cost import SUMS
from hear.features.embed import embed_first
from hear.features.names import COST
from hear.features.store import read_index, split_rows
from hear.scores.files import content_hash, load_predictions, read_header
from hear.scores.score import score_predictions
from passt import mkl
from passt.embedder import Embedder
from workflow.commands.verify.chain import Break, Stored, Tasks, compared, predictions_of
from workflow.machine import machine_name
from workflow.provenance import PACKAGES
from workflow.sources import where
from workflow.study import paths
from workflow.study.study import Study

# Chosen, of an array's largest value. Devices and MKL's paths move float32 by 1e-5 at most
# (CHANGELOG.md); a float16 has 11 bits, a product of bfloat16 8.
TOLERANCES = {"float32": 1e-4, "float16": 2e-3, "bfloat16": 5e-2}
SCORE_TOLERANCE = 0.1  # chosen: MKL's paths moved scores of the default study by .075 at most


@dataclass
class Here:
    """Whether a study was made by these versions and on this machine, and how far values differ."""

    same_versions: bool
    same_machine: bool
    n_exact: int = 0
    n_close: int = 0
    largest: float = 0.0
    tasks: list[str] = field(default_factory=list)

    @property
    def made_here(self) -> bool:
        """True if values must be equal bit for bit."""
        return self.same_versions and self.same_machine

    def summary(self) -> str:
        """Say how what was embedded again compares."""
        said = f"first clips of {', '.join(self.tasks)} embedded again: {self.n_exact} arrays "
        said += "bit for bit"
        if not self.n_close:
            return said
        return f"{said}, {self.n_close} within the tolerance (largest {self.largest:.1e})"


def find_here(study: Study) -> tuple[Here, str]:
    """Compare this machine and these versions with those that made a study; say which they are."""
    files = [path for task in study.tasks for path in paths.costs(study, task)]
    machines = {cost["machine"] for path in files for cost in _costs(Path(path).parent)}
    first = next(predictions_of(study)).path
    if not machines and not first.is_file():
        raise ValueError(f"study {study.name}: expected a finished run, found no {first}")
    header = read_header(first)
    made_by = header.get("provenance", {}).get("software", {})
    known = {key: made_by.get(key, "unknown") for key in (*PACKAGES, "mkl")}
    mine = {package: version(package) for package in PACKAGES} | {"mkl": mkl.path()}
    here = Here(known == mine, machines == {machine_name()})
    if here.made_here:
        said = f"made by these versions on a machine of this name ({machine_name()})"
        return here, f"{said}: values bit for bit"
    other = [f"{key} {known[key]} (here {mine[key]})" for key in mine if known[key] != mine[key]]
    if not here.same_machine:
        other.append(
            f"{', '.join(sorted(machines)) or 'an unknown machine'} (here {machine_name()})"
        )
    return here, f"made by {', '.join(other)}: values within the tolerances"


def _costs(directory: Path) -> list[dict]:
    """What a view cost and where; empty if that is not known."""
    try:
        return json.loads((directory / COST).read_text())
    except (OSError, ValueError):
        return []


def sample_view(
    tasks: Tasks,
    here: Here,
    task: str,
    model: HearModel | Embedder,
    view: str,
    directory: Path,
    levels: list[str],
) -> Iterator[Break]:
    """Embed the first clips of a task again and compare them with what is stored of a view."""
    folder = tasks[task][1][0]
    split = folder.splits[0]
    clips, found = embed_first(folder, split, model, view)
    index, costs = read_index(directory), _costs(directory)
    start = split_rows(index, folder.name, split)[0].start
    mine = where(model)
    alike = [all(mine.get(k) == v for k, v in c.items() if k not in SUMS) for c in costs]
    made_here = here.same_versions and bool(alike) and all(alike)
    settings = index["provenance"]["settings"]
    share = max(TOLERANCES[settings["precision"]], TOLERANCES[index["storage"]])
    if task not in here.tasks:
        here.tasks.append(task)
    for level in levels:
        path = directory / f"{level}.npy"
        stored = np.load(path, mmap_mode="r", allow_pickle=False)[start : start + len(found[level])]
        computed = found[level].astype(stored.dtype)
        if np.array_equal(stored, computed):
            here.n_exact += 1
            continue
        largest = float(np.abs(stored.astype(np.float64) - computed).max())
        share_found = largest / float(np.abs(stored).max())
        here.largest = max(here.largest, share_found)
        if not made_here and share_found <= share:
            here.n_close += 1
            continue
        how = "bit for bit" if made_here else f"within {share:g} of its largest value"
        yield Break(
            str(path),
            f"the values of {clips[0]} as embedded here, {how}",
            f"a difference of {share_found:.1e} of its largest value",
        )


def smallest_predictions(study: Study) -> str:
    """File of the predictions on the stored embedding with the fewest bytes."""

    def size(stored: Stored) -> int:
        arrays = [Path(p) / f"{level}.npy" for p, level in stored.entry["components"]]
        return sum(map(os.path.getsize, arrays))

    return str(min(predictions_of(study), key=size).path)


def compare_predictions(path: str, made: Path, here: Here, notes: list[str]) -> Iterator[Break]:
    """Compare stored predictions with those of probes that were trained again."""
    (header, arrays), (header_made, arrays_made) = load_predictions(path), load_predictions(made)
    said = f"probes of {path} trained again"
    if (found := content_hash(arrays)) == (expected := content_hash(arrays_made)):
        notes.append(f"{said}: every fold bit for bit")
    elif here.made_here:
        yield Break(path, f"sha256 of its arrays {expected} as trained here", found)
    else:
        scores = score_predictions(header_made, arrays_made)
        stored = score_predictions(header, arrays)
        yield from compared(path, scores, stored, SCORE_TOLERANCE)
        notes.append(f"{said}: scores within {SCORE_TOLERANCE}")
