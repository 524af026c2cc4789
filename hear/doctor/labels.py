"""Label findings: untrained, untested, duplicate or constant labels, shifted distributions."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import scipy  # scipy.stats, which takes a second to import, comes with its first use

from hear.doctor.finding import NOTE, SEVERE, WARNING, Finding, share
from hear.metrics.registry import METRICS
from hear.tasks.folder import Fold, TaskFolder
from hear.tasks.problems import listed

SHIFT = 0.15  # total variation between labels of training and test that is told; a choice
SHIFT_P = 1e-4  # and how unlikely it must be if the clips were split at random; a choice


def check_labels(folder: TaskFolder) -> Iterator[Finding]:
    """Yield findings about the labels in the split files; no audio is read."""
    yield from _vocabulary(folder)
    yield from _twice(folder)
    yield from _always_together(folder)
    for findings in (_untrained, _untested, _constant, _shifted):
        yield from findings(folder)
    yield from undefined_scores(folder)


def label_counts(folder: TaskFolder) -> dict[str, dict[str, int]]:
    """Return the number of clips (events of an event task) of each label, by split."""
    return {
        split: {label: counts[label] for label in folder.labels}
        for split in folder.splits
        for counts in [_counts(folder, [split])]
    }


def _names(entry: list[Any]) -> list[str]:
    """Labels of a clip, one per event in an event task."""
    return [part["label"] if isinstance(part, dict) else part for part in entry]


def _entries(folder: TaskFolder, splits: Iterable[str]) -> Iterator[tuple[str, list[Any]]]:
    for split in splits:
        for clip, entry in folder.clips[split].items():
            yield f"{split}/{clip}", entry


def _counts(folder: TaskFolder, splits: Iterable[str]) -> Counter[str]:
    """Clips of each label; events in an event task."""
    kind = list if folder.embedding_type == "event" else set
    return Counter(label for _, entry in _entries(folder, splits) for label in kind(_names(entry)))


def _clips(folder: TaskFolder) -> str:
    return "events" if folder.embedding_type == "event" else "clips"


def _vocabulary(folder: TaskFolder) -> Iterator[Finding]:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in folder.labels:
        alike[" ".join(unicodedata.normalize("NFKC", label).casefold().split())].append(label)
    pairs = [" and ".join(map(repr, labels)) for labels in alike.values() if len(labels) > 1]
    if pairs:
        found = f"labels differ in case, blanks or Unicode form alone: {listed(pairs)}"
        consequence = "one class may be counted as several, and mistakes between them as errors"
        yield Finding("alike_labels", WARNING, found, consequence)
    counts = _counts(folder, folder.splits)
    unused = [label for label in folder.labels if not counts[label]]
    if unused:
        found = f"{share(len(unused), len(folder.labels))} labels have no clip: {listed(unused)}"
        consequence = f"they are neither learned nor tested{_empty_in_map(folder)}"
        yield Finding("unused_labels", NOTE, found, consequence)


def _empty_in_map(folder: TaskFolder) -> str:
    return ", and mAP counts each as 0" if "mAP" in folder.evaluation else ""


def _twice(folder: TaskFolder) -> Iterator[Finding]:
    clips = []
    for clip, entry in _entries(folder, folder.splits):
        said = [tuple(part.values()) if isinstance(part, dict) else part for part in entry]
        clips += [clip] if len(set(said)) < len(said) else []
    if clips:
        what = "an event" if folder.embedding_type == "event" else "a label"
        found = f"{len(clips)} clips have {what} twice: {listed(clips)}"
        consequence = (
            "the event metrics expect each of them to be found"
            if folder.embedding_type == "event"
            else "it counts once; the list may contain an error"
        )
        level = WARNING if folder.embedding_type == "event" else NOTE
        yield Finding("repeated_labels", level, found, consequence, tuple(clips))


def _always_together(folder: TaskFolder) -> Iterator[Finding]:
    if folder.prediction_type != "multilabel" or folder.embedding_type == "event":
        return
    clips_of: dict[str, list[str]] = defaultdict(list)
    for clip, entry in _entries(folder, folder.splits):
        for label in set(entry):
            clips_of[label].append(clip)
    same: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for label, clips in clips_of.items():
        same[tuple(clips)].append(label)
    groups = [" = ".join(sorted(labels)) for labels in same.values() if len(labels) > 1]
    if groups:
        found = f"labels are on exactly the same clips: {listed(groups)}"
        consequence = "they are equivalent, and count several times in means over labels"
        yield Finding("duplicate_labels", WARNING, found, consequence)


def _untrained(folder: TaskFolder) -> Iterator[Finding]:
    lines, clips, worst = [], [], 0.0
    for fold in folder.folds:
        trained, tested = _counts(folder, fold.train), _counts(folder, fold.test)
        lacking = [label for label in folder.labels if tested[label] and not trained[label]]
        if lacking:
            lines.append(f"{_of(folder, fold)}{listed(lacking)}")
            n_lost = sum(tested[label] for label in lacking)
            worst = max(worst, n_lost / tested.total())
            entries = _entries(folder, fold.test)
            clips += [clip for clip, entry in entries if set(_names(entry)) & set(lacking)]
    if lines:
        found = f"labels are tested but have no training clips: {'; '.join(lines)}"
        consequence = (
            f"no probe can recognize them: up to {100 * worst:.3g} % of the test is lost for every "
            "model"
        )
        yield Finding("untrained_labels", SEVERE, found, consequence, tuple(clips))


def _of(folder: TaskFolder, fold: Fold) -> str:
    return f"{fold.name}: " if len(folder.folds) > 1 else ""


def _untested(folder: TaskFolder) -> Iterator[Finding]:
    lines = []
    for fold in folder.folds:
        trained, tested = _counts(folder, fold.train), _counts(folder, fold.test)
        lacking = [label for label in folder.labels if trained[label] and not tested[label]]
        lines += [f"{_of(folder, fold)}{listed(lacking)}"] if lacking else []
    if lines:
        found = f"labels are trained but not tested: {'; '.join(lines)}"
        consequence = f"the score says nothing of them{_empty_in_map(folder)}"
        yield Finding("untested_labels", WARNING, found, consequence)


def _constant(folder: TaskFolder) -> Iterator[Finding]:
    """Parts in which every clip has the same label, so that a probe can ignore the audio."""
    if folder.embedding_type == "event":
        return
    for use, why in (
        ("test", "a probe that ignores the audio can be right"),
        ("train", "a probe learns to always predict it"),
    ):
        lines = []
        for fold in folder.folds:
            splits = getattr(fold, use)
            n_clips = sum(len(folder.clips[split]) for split in splits)
            counts = _counts(folder, splits)
            always = [label for label in folder.labels if counts[label] == n_clips]
            lines += [f"{', '.join(splits)}: {listed(always)}"] if always else []
        if lines:
            found = f"a label is on every clip: {'; '.join(lines)}"
            consequence = f"{why}: scores reveal nothing about it"
            yield Finding(f"constant_labels_{use}", SEVERE, found, consequence)


def _shifted(folder: TaskFolder) -> Iterator[Finding]:
    lines = []
    for fold in folder.folds:
        trained, tested = _counts(folder, fold.train), _counts(folder, fold.test)
        names = [label for label in folder.labels if trained[label] or tested[label]]
        if len(names) < 2 or not trained or not tested:
            continue
        table = np.array([[counts[name] for name in names] for counts in (trained, tested)])
        shares = table / table.sum(axis=1, keepdims=True)
        variation = np.abs(shares[0] - shares[1]).sum() / 2
        if variation >= SHIFT and scipy.stats.chi2_contingency(table).pvalue < SHIFT_P:
            widest = int(np.abs(shares[0] - shares[1]).argmax())
            train, test = 100 * shares[:, widest]
            lines.append(
                f"{_of(folder, fold)}{100 * variation:.0f} % of the {_clips(folder)} would have to "
                f"change their label, {names[widest]} is {train:.0f} % in training and "
                f"{test:.0f} % in test"
            )
    if lines:
        found = f"label frequencies differ between training and test: {'; '.join(lines)}"
        consequence = (
            "a probe learns the training label frequencies, which are wrong in the test: the score "
            "is lower than with equal distributions, and varies between folds"
        )
        yield Finding("shifted_labels", WARNING, found, consequence)


def undefined_scores(folder: TaskFolder) -> Iterator[Finding]:
    """Yield parts in which a metric is undefined because a label is on no clip, or on all clips.

    If the validation score is undefined, the reference keeps the first probe after its first
    validation.
    """
    if folder.embedding_type == "event":
        empty = [split for split in folder.splits if not any(folder.clips[split].values())]
        for split in empty:
            yield Finding("no_events", SEVERE, f"{split}: no event", "scores mean nothing")
        return
    by_score = folder.metadata.get("use_scoring_for_early_stopping", True)
    for fold in folder.folds:
        chosen_by = folder.evaluation[:1] if by_score else ()
        for splits, slugs in ((fold.valid, chosen_by), (fold.test, folder.evaluation)):
            undefined = [slug for slug in slugs if METRICS[slug].needs_both]
            n_clips = sum(len(folder.clips[split]) for split in splits)
            counts = _counts(folder, splits)
            lacking = [repr(x) for x in folder.labels if counts[x] in (0, n_clips)]
            if undefined and lacking:
                what = f"{', '.join(splits)}: {', '.join(undefined)} undefined"
                found = f"{what}, as no clip or every clip is of {listed(lacking)}"
                if splits == fold.valid:
                    consequence = "the first probe is always kept"
                else:
                    consequence = "there is no such score"
                is_primary = folder.evaluation[0] in undefined
                level = SEVERE if is_primary else WARNING
                yield Finding("undefined_scores", level, found, consequence)
