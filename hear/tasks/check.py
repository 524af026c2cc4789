"""Check of a task's folders, which ends with their manifest."""

from __future__ import annotations

import sys
from pathlib import Path

from tqdm import tqdm

from hear.doctor.audio import LOST_SCALE
from hear.doctor.examine import examine
from hear.doctor.finding import Finding
from hear.files import write_record
from hear.protocol import Protocol, unprescribed
from hear.tasks.audio_checks import NO_LIMITS, Limits, check_audio, present_rates
from hear.tasks.fingerprint import file_hashes, fingerprint, text_files
from hear.tasks.folder import TaskFolder, read_task
from hear.tasks.manifest import task_warnings
from hear.tasks.problems import TaskError


def write_manifest(
    path: Path,
    slug: str,
    folders: list[Path],
    origin: dict,
    is_official: bool = False,
    limits: Limits = NO_LIMITS,
    progress: bool = True,
) -> dict:
    """Check a task's folders (one, or two for Beehive), write their manifest and return it.

    ``slug`` is the task's name in the study; ``origin`` describes the source of the folders
    (generator and seed, or archives with their hashes), optionally with ``warnings``;
    ``is_official`` marks folders of HEAR 2021; ``limits`` are those of the study's models.
    ``progress`` shows progress bars and warnings. TaskError lists all problems of the first folder
    that has any, including an official folder whose audio is almost silent.
    """
    manifest: dict = {"task": slug, "origin": origin, "folders": []}
    base = path.parent.absolute()
    for folder in folders:
        task = read_task(folder)
        Protocol().for_task(task.metadata)  # what the task prescribes can be run
        summary = check_audio(task, is_official=is_official, progress=progress, limits=limits)
        if is_official:
            summary["warnings"] += unprescribed(task.metadata)
        rates_hz, unread = _further_rates(task, summary["sample_rate_hz"], is_official, progress)
        hashes = file_hashes(task, progress)
        summary["warnings"] += unread
        findings = examine(task, summary["sample_rate_hz"], progress)
        if is_official or "tfds_task_name" in task.metadata:
            _refuse_lost_scale(task, findings)
        inside = task.path.is_relative_to(base)
        manifest["folders"].append(
            {
                "path": str(task.path.relative_to(base) if inside else task.path),
                "task_hash": fingerprint(hashes),
                "texts_sha256": {name: hashes[name] for name in text_files(task)},
                **summary,
                "findings": [finding.summary() for finding in findings],
                "rates_hz": rates_hz,
                "sources": task.sources,
            }
        )
    if progress:
        for warning in task_warnings(manifest):
            tqdm.write(f"warning: {warning}", file=sys.stderr)
    write_record(path, manifest)
    return manifest


def _further_rates(
    task: TaskFolder, checked_hz: int, is_official: bool, progress: bool
) -> tuple[list[int], list[str]]:
    """Check the audio folders of other rates, for models with these rates.

    Returns the rates of all valid folders, and warnings about the others.
    """
    rates_hz, warnings = [], []
    for rate in present_rates(task):
        try:
            if rate != checked_hz:
                check_audio(task, rate, is_official, progress)
            rates_hz.append(rate)
        except TaskError as error:
            first = str(error).splitlines()[1].strip()
            warnings.append(f"{rate}: models read another rate instead: {first}")
    return rates_hz, warnings


def _refuse_lost_scale(task: TaskFolder, findings: list[Finding]) -> None:
    """Raise TaskError for an official folder with almost silent audio, as in TFDS's first ones."""
    for finding in findings:
        if finding.kind == LOST_SCALE:
            # hear-preprocess, commit a5d6042 (hearpreprocess/tfds_pipeline.py), 2022-01-19
            raise TaskError(
                f"{task.path}: expected audible audio, found that {finding.found}. Until January "
                "2022, HEAR's TFDS tasks (CREMA-D, GTZAN, spoken digits) were written 16 bits too "
                "quiet; scores on such audio are meaningless. Use the archive of Zenodo record "
                "6332517"
            )
