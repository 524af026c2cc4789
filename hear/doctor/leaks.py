"""Leaks: clips shared between training, validation and test splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hear.doctor.finding import NOTE, SEVERE, WARNING, Finding, share
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import listed

Clip = tuple[str, str]  # split, file


@dataclass(frozen=True)
class Copy:
    """Two clips of different splits with the same recording; ``how`` says how similar they are."""

    first: Clip
    second: Clip
    how: str = "="


def leaks(folder: TaskFolder, kind: str, what: str, copies: Iterable[Copy]) -> Iterator[Finding]:
    """Yield one finding per use of two splits with copies, with the consequence for the score.

    ``what`` describes the copies in the plural, such as "identical".
    """
    by_use: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        by_use[_use(folder, copy.first[0], copy.second[0])].append(copy)
    for use in ("tested", "selected", "validated"):
        if found := by_use.get(use):
            yield _leak(folder, kind, what, use, found)


def _leak(folder: TaskFolder, kind: str, what: str, use: str, copies: list[Copy]) -> Finding:
    judged = {"tested": "test", "selected": "test", "validated": "valid"}[use]
    splits = {split for fold in folder.folds for split in getattr(fold, judged)}
    clips = {clip for copy in copies for clip in (copy.first, copy.second) if clip[0] in splits}
    n_all = sum(len(folder.clips[split]) for split in splits)
    pairs = [
        f"{'/'.join(copy.first)} {copy.how} {'/'.join(copy.second)}"
        for copy in sorted(copies, key=lambda c: (c.first, c.second))
    ]
    n_other = sum(_labels(folder, c.first) != _labels(folder, c.second) for c in copies)
    other = f"; labels differ in {n_other} of {len(copies)} pairs" if n_other else ""
    known, level, consequence = {
        "tested": (
            "test clips occur in training",
            SEVERE,
            "the probe may have memorized these clips: the score is too high, by up to their share",
        ),
        "selected": (
            "test clips occur in validation",
            WARNING,
            "the probe is selected on clips of the test: the score may be slightly too high",
        ),
        "validated": (
            "validation clips occur in training",
            WARNING,
            "validation favors probes that memorize clips: a worse one may be selected, and the "
            "score may be too low",
        ),
    }[use]
    if n_other:
        consequence += "; labels that contradict each other cannot be learned"
    found = f"{share(len(clips), n_all)} {known} ({what} clips){other}: {listed(pairs)}"
    return Finding(kind, level, found, consequence, tuple(pairs))


def _use(folder: TaskFolder, a: str, b: str) -> str:
    """Worst use of two splits that share clips, over all folds."""

    def meets(first: str, second: str) -> bool:
        return any(
            (a in getattr(fold, first) and b in getattr(fold, second))
            or (b in getattr(fold, first) and a in getattr(fold, second))
            for fold in folder.folds
        )

    if meets("train", "test"):
        return "tested"
    return "selected" if meets("valid", "test") else "validated"


def _labels(folder: TaskFolder, clip: Clip) -> Any:
    labels = folder.clips[clip[0]][clip[1]]
    return set(labels) if folder.embedding_type == "scene" else labels


def repeats(groups: Iterable[list[Clip]]) -> Iterator[Finding]:
    """Yield findings about clips that occur repeatedly in one split; a group is one recording."""
    pairs = [
        f"{'/'.join(first)} = {'/'.join(other)}"
        for group in groups
        for first, *others in [sorted(group)]
        for other in others
        if first[0] == other[0]
    ]
    if pairs:
        found = f"{len(pairs)} clips repeat another one of their split: {listed(pairs)}"
        consequence = "each repetition counts again, in training or in the score"
        yield Finding("repeated_clips", NOTE, found, consequence, tuple(pairs))
