"""Examination of a task folder: labels, audio, and leaks between its splits."""

from __future__ import annotations

from pathlib import Path

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from hear.audio.read import ClipError
from hear.doctor.audio import check_sound
from hear.doctor.copies import find_copies
from hear.doctor.finding import SEVERE, Finding, by_level, share
from hear.doctor.labels import check_labels
from hear.doctor.leaks import Clip
from hear.doctor.listen import Heard, listen
from hear.doctor.sources import sources_that_cross
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import listed


@threadpool_limits.wrap(limits=1)  # the products of matrices are small: threads spin
def examine(folder: TaskFolder, rate_hz: int, progress: bool = False) -> list[Finding]:
    """Examine a task folder with its audio at one rate; the worst findings come first.

    Each clip is decoded once and takes about 500 bytes of memory. An unreadable clip is a finding.
    ``progress`` shows progress bars.
    """
    heard: dict[Clip, Heard] = {}
    paths: dict[Clip, Path] = {
        (split, file): path
        for split in folder.splits
        for file, path in folder.audio(rate_hz, split).items()
    }
    unread: list[str] = []
    bar = tqdm(paths.items(), f"examining {folder.name}", unit="clip", disable=not progress)
    for clip, path in bar:
        try:
            heard[clip] = listen(path)
        except ClipError as error:
            unread.append(f"{'/'.join(clip)} (expected {error.expected}, found {error.found})")
    findings = [
        *check_labels(folder),
        *sources_that_cross(folder),
        *check_sound(folder, heard, rate_hz),
        *find_copies(folder, heard, paths, progress),
    ]
    if unread:
        found = f"{share(len(unread), len(paths))} clips cannot be read: {listed(unread)}"
        consequence = "the folder is refused until they are repaired or left out of the splits"
        findings.append(Finding("unreadable_clips", SEVERE, found, consequence, tuple(unread)))
    return by_level(findings)
