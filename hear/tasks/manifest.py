"""Manifest of a checked task: its folders, origin, hashes and audio, one JSON file beside them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from hear.files import write_json
from hear.metrics.registry import METRICS
from hear.protocol import Protocol
from hear.tasks.audio_checks import SAMPLE_RATES_HZ, check_audio
from hear.tasks.fingerprint import folder_fingerprint
from hear.tasks.folder import TaskFolder, read_task


def write_manifest(
    path: Path, slug: str, folders: list[Path], origin: dict, progress: bool = True
) -> dict:
    """Check a task's folders (one, or two for Beehive), write their manifest and return it.

    ``slug`` is the task's name in the study; ``origin`` says where the folders come from (generator
    and seed, or archives with their hashes). ``progress`` shows bars, and what is odd but no error.
    A TaskError lists every problem of the first folder that has any.
    """
    manifest: dict = {"task": slug, "origin": origin, "folders": []}
    for folder in folders:
        task = read_task(folder)
        Protocol().for_task(task.metadata)  # what the task prescribes can be run
        summary = check_audio(task, progress=progress)
        for rate in SAMPLE_RATES_HZ:  # a model with another rate may read another folder
            if rate != summary["sample_rate_hz"] and (task.path / str(rate)).is_dir():
                check_audio(task, rate, progress=progress)
        base = path.parent.absolute()
        inside = task.path.is_relative_to(base)
        if progress:
            for warning in summary["warnings"]:
                tqdm.write(f"warning: {task.name}/{warning}", file=sys.stderr)
        manifest["folders"].append(
            {
                "path": str(task.path.relative_to(base) if inside else task.path),
                "task_hash": folder_fingerprint(task, progress),
                **summary,
            }
        )
    write_json(path, manifest)
    return manifest


def read_manifest(path: Path | str) -> tuple[dict, list[TaskFolder]]:
    """Return a manifest and its task folders, read again; TaskError if one is malformed now."""
    path = Path(path)
    manifest = json.loads(path.read_text())
    return manifest, [read_task(path.parent / entry["path"]) for entry in manifest["folders"]]


def task_hashes(manifest: dict) -> dict[str, str]:
    """Hash of each folder of a task, by the folder's name."""
    return {Path(entry["path"]).name: entry["task_hash"] for entry in manifest["folders"]}


def task_rows(
    paths: list[Path], categories: Mapping[str, str], names: Mapping[str, str]
) -> list[dict]:
    """Describe checked tasks, one row per manifest, in the columns of config/tasks.tsv.

    Further columns are the chance level and, for a mini task, what it stands for. ``categories``
    and ``names`` (for display) are by task; duration_s is of all audio.
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
                "n_folds": sum(len(folder.folds) for folder in folders),
                "duration_s": round(sum(entry["duration_s"] for entry in manifest["folders"]), 1),
                "metrics": ",".join(first.evaluation),
                "folders": ";".join(folder.name for folder in folders),
                "chance": chance_level(first),
                "stands_for": first.metadata.get("stands_for", ""),
            }
        )
    return rows


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
