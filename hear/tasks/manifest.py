"""Manifest of a checked task: its folders, origin, hashes and audio, one JSON file beside them.

`hear.tasks.check` writes it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hear.doctor.finding import SEVERE
from hear.files import read_record, sha256_file
from hear.metrics.registry import METRICS
from hear.tasks.fingerprint import file_hashes, fingerprint, states
from hear.tasks.folder import TaskFolder, read_task
from hear.tasks.problems import TaskError, listed


class ChangedError(TaskError):
    """Change of a task's files while they were read."""


def task_warnings(manifest: dict) -> list[str]:
    """All warnings about a task: about its archives, then its folders.

    Includes only severe findings of the examination; `finding_rows` returns all.
    """
    warnings = [*manifest["origin"].get("warnings", [])]
    for entry in manifest["folders"]:
        name = Path(entry["path"]).name
        warnings += [f"{name}/{warning}" for warning in entry["warnings"]]
        warnings += [
            f"{name}: {finding['found']}, so that {finding['consequence']}"
            for finding in entry.get("findings", [])
            if finding["level"] == SEVERE
        ]
    return warnings


def finding_rows(paths: list[Path]) -> list[dict]:
    """List the findings of the examination of checked tasks, a task's worst first.

    Columns are task, folder, level, kind, found, consequence.
    """
    manifests = [read_record(path) for path in paths]
    return [
        {"task": manifest["task"], "folder": Path(entry["path"]).name, **finding}
        for manifest in manifests
        for entry in manifest["folders"]
        for finding in entry.get("findings", [])
    ]


def read_manifest(path: Path | str) -> tuple[dict, list[TaskFolder]]:
    """Read a manifest and its task folders.

    TaskError if metadata, vocabulary or splits are malformed, or differ from the checked ones.
    """
    path = Path(path)
    manifest, folders = read_record(path), []
    for entry in manifest["folders"]:
        place = path.parent.absolute() / entry["path"]
        for name, expected in entry.get("texts_sha256", {}).items():
            text = place / name
            if (found := sha256_file(text) if text.is_file() else "no file") != expected:
                raise _changed(str(text), expected, found, path, place)
        folder = read_task(place)
        folders.append(dataclasses.replace(folder, rates_hz=tuple(entry.get("rates_hz", ()))))
    return manifest, folders


@contextmanager
def unchanged(path: Path | str, manifest: dict, folders: list[TaskFolder]) -> Iterator[None]:
    """Check that a task's files match its manifest, now and at the end of the block.

    Hashes are compared only for files that were changed or moved since the manifest was written.
    Raises TaskError at the start, ChangedError at the end.
    """
    status, before = os.stat(path), states(folders)
    written_ns = min(status.st_mtime_ns, status.st_ctime_ns)
    later = [file for file, (_, changed_ns) in before.items() if changed_ns >= written_ns]
    for entry, folder in zip(manifest["folders"], folders, strict=True):
        own = [f.relative_to(folder.path) for f in later if f.is_relative_to(folder.path)]
        if not own:
            continue
        if (found := fingerprint(file_hashes(folder))) != (expected := entry["task_hash"]):
            what = f"{folder.path} ({listed([*map(str, own)])})"
            raise _changed(what, expected, found, path, folder.path)
    yield
    after = states(folders)
    if changed := [file for file in before if before[file] != after.get(file)]:
        raise ChangedError(
            f"{changed[0]}: changed while the task was read ({len(changed)} of {len(before)} "
            "files); start again, so that the task is checked again"
        )


def _changed(what: str, expected: str, found: str, path: Path | str, folder: Path) -> TaskError:
    is_made = folder.is_relative_to(Path(path).parent.absolute())
    step = f"remove {Path(path).parent if is_made else path} and start again"
    return TaskError(
        f"{what}: changed since the check: expected SHA-256 {expected}, found {found}; {step}, so "
        f"that the task is {'made' if is_made else 'checked'} again"
    )


def task_hashes(manifest: dict) -> dict[str, str]:
    """Hash of each folder of a task, by the folder's name."""
    return {Path(entry["path"]).name: entry["task_hash"] for entry in manifest["folders"]}


def clip_sources(path: Path | str) -> dict[str, dict[str, str]]:
    """Sources of a task's clips, by part and clip, if its folders list any.

    Parts are named as in score files: the split's name, preceded by its folder's if there are
    several.
    """
    folders = read_record(path)["folders"]
    return {
        f"{Path(entry['path']).name}/{split}" if len(folders) > 1 else split: sources
        for entry in folders
        for split, sources in entry.get("sources", {}).items()
    }


def task_rows(
    paths: list[Path], categories: Mapping[str, str], names: Mapping[str, str]
) -> list[dict]:
    """Describe checked tasks, one row per manifest, in the columns of config/tasks.tsv.

    Further columns are the number of events, in total and in the test parts (none for scene tasks),
    the chance level, for a mini task the HEAR task that it stands for, and warnings. ``categories``
    and ``names`` (for display) are by task; duration_s is the total duration.
    """
    rows = []
    for path in paths:
        manifest, folders = read_manifest(path)
        slug, first = manifest["task"], folders[0]
        rows.append(
            {
                "task": slug,
                "name": names.get(slug, slug),
                "category": categories[slug],
                "n_clips": sum(entry["n_clips"] for entry in manifest["folders"]),
                "embedding_type": first.embedding_type,
                "prediction_type": first.prediction_type,
                "split_mode": first.split_mode,
                "n_events": _n_events(folders, tested=False),
                "n_test_events": _n_events(folders, tested=True),
                "n_folds": sum(len(folder.folds) for folder in folders),
                "duration_s": round(sum(entry["duration_s"] for entry in manifest["folders"]), 1),
                "metrics": ",".join(first.evaluation),
                "folders": ";".join(folder.name for folder in folders),
                "chance": chance_level(first),
                "stands_for": first.metadata.get("stands_for", ""),
                "warnings": "; ".join(task_warnings(manifest)),
            }
        )
    return rows


def _n_events(folders: list[TaskFolder], tested: bool) -> int | None:
    """Number of events in all splits, or in the test splits of any fold; None for scene tasks."""
    if folders[0].embedding_type != "event":
        return None
    parts = [
        folder.clips[split]
        for folder in folders
        for split in folder.splits
        if not tested or any(split in fold.test for fold in folder.folds)
    ]
    return sum(len(events) for clips in parts for events in clips.values())


def chance_level(folder: TaskFolder) -> float | None:
    """Score of a prediction that ignores the audio, on a task's primary metric.

    None for event tasks, whose metrics have no chance level; MetricError if a clip metric has none.
    """
    if folder.embedding_type == "event":
        return None
    index = {label: i for i, label in enumerate(folder.labels)}
    clips = [labels for files in folder.clips.values() for labels in files.values()]
    counts = np.bincount([index[x] for labels in clips for x in labels], minlength=len(index))
    return METRICS[folder.evaluation[0]].chance_level(counts, len(clips))
