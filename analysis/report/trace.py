"""Provenance of a study from its score files: hashes, versions, protocol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from analysis.tables.scores import ScoresError, read_object


@dataclass(frozen=True)
class Trace:
    """Provenance of a study's scores.

    ``tasks``: hash of each task folder, by task and folder. ``checkpoints``: fingerprint of each
    checkpoint or model (weights, shape, front end), by id. ``software``: versions by package,
    joined if there are several. ``untrained``: folds whose training stopped at the first
    validation, by model and task. ``n_files``: number of score files.
    """

    tasks: dict[tuple[str, str], str] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=dict)
    untrained: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    n_files: int = 0


def read_trace(paths: Iterable[str | Path]) -> Trace:
    """Collect the provenance of one study's score files; none for official scores.

    ScoresError if a file has no provenance, or if two files have different hashes of a task or a
    checkpoint, so that scores of different inputs would be mixed.
    """
    tasks: dict[tuple[str, str], str] = {}
    checkpoints: dict[str, str] = {}
    software: dict[str, set[str]] = {}
    untrained: dict[tuple[str, str], list[str]] = {}
    n_files = 0
    for path in paths:
        document = read_object(path)
        made_by = document.get("provenance")
        if not isinstance(made_by, dict):
            raise ScoresError(f"{path}: provenance: expected an object, found {made_by!r}")
        for key in ("task_hashes", "checkpoints", "software"):
            found = made_by.get(key, {})
            if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
                said = f"{path}: provenance: {key}: expected an object of texts, found {found!r}"
                raise ScoresError(said)
        folds = document.get("untrained_folds", [])
        if not isinstance(folds, list) or not all(isinstance(fold, str) for fold in folds):
            raise ScoresError(f"{path}: untrained_folds: expected a list of names, found {folds!r}")
        if folds:
            untrained[document["model"], document["task"]] = folds
        n_files += 1
        for folder, digest in made_by.get("task_hashes", {}).items():
            _same(tasks, (document["task"], folder), digest, path)
        for source, digest in made_by.get("checkpoints", {}).items():
            _same(checkpoints, source, digest, path)
        for package, version in made_by.get("software", {}).items():
            software.setdefault(package, set()).add(version)
    versions = {package: ", ".join(sorted(found)) for package, found in software.items()}
    return Trace(tasks, checkpoints, versions, untrained, n_files)


def _same(seen: dict, key: object, digest: str, path: str | Path) -> None:
    if seen.setdefault(key, digest) != digest:
        raise ScoresError(f"{path}: {key}: expected hash {seen[key]} as elsewhere, found {digest}")
