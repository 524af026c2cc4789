"""HEAR task folders: what a task asks, its clips and labels, its order and its folds.

A task folder holds `task_metadata.json`, `labelvocabulary.csv`, one `<split>.json` per split and
`<sample_rate>/<split>/*.wav`; `sources.json`, which is not HEAR's, may say which clips share a
speaker or an instrument. Source of the format: the HEAR 2021 archives (Zenodo record
6332517); of order and folds: heareval 2021.
"""

from __future__ import annotations

import os
import random
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hear.metrics.registry import METRICS
from hear.tasks.metadata import check_metadata
from hear.tasks.problems import (
    METADATA_FILE,
    SOURCES_FILE,
    VOCABULARY_FILE,
    Problems,
    read_json,
)
from hear.tasks.splits import SplitRules, read_sources, read_split, read_vocabulary

ORDER_SEED = 0  # heareval's random.Random(0) when it computes the embeddings


@dataclass(frozen=True)
class Fold:
    """One division of the splits: which train the probe, which select it, which test it."""

    name: str
    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class TaskFolder:
    """One task folder, read and checked (its audio: see check_audio).

    ``clips`` has per split, in the JSON files' key order, clip file to labels (scene) or to events
    {'label', 'start', 'end'} with times in ms (event). ``sources`` has per split the clips that may
    share their speaker, instrument or place with others, with its name. ``warnings`` say what
    was left out of what the files hold. ``rates_hz`` are the audio folders that passed their check;
    empty before it.
    """

    path: Path
    name: str  # the folder's, `<task>-<version>-<mode>` in the official archives
    task_name: str
    version: str
    mode: str
    embedding_type: str  # scene or event
    prediction_type: str  # multiclass or multilabel
    split_mode: str  # trainvaltest, new_split_kfold or presplit_kfold
    splits: tuple[str, ...]  # in the metadata's order, on which `order` depends
    evaluation: tuple[str, ...]  # metric slugs; the first is the primary metric; only those known
    sample_duration_s: float | None  # of every clip; None where clips differ
    labels: tuple[str, ...]  # in index order
    metadata: dict[str, Any]  # all of task_metadata.json
    clips: dict[str, dict[str, list[Any]]]
    sources: dict[str, dict[str, str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    rates_hz: tuple[int, ...] = ()

    @cached_property
    def order(self) -> dict[str, list[str]]:
        """Each split's clips in the order in which the reference stores their embeddings.

        The probe never shuffles its training data, so this order is part of the protocol. One
        generator per task folder runs on from split to split, in the metadata's order. Source:
        heareval, computation of the embeddings.
        """
        generator = random.Random(ORDER_SEED)
        order = {}
        for split in self.splits:
            files = list(self.clips[split])
            generator.shuffle(files)
            order[split] = files
        return order

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """The divisions of the splits into training, validation and test.

        trainvaltest: one, named `test`. k-fold: for each sorted fold i, which names it, test is
        fold i, validation fold i + 1 (after the last comes the first), training the rest.
        Source: heareval, data splits for k-fold tasks.
        """
        if self.split_mode == "trainvaltest":
            return (Fold("test", ("train",), ("valid",), ("test",)),)
        names = sorted(self.splits)
        rotated = []
        for i, test in enumerate(names):
            valid = names[(i + 1) % len(names)]
            train = tuple(name for name in names if name not in (test, valid))
            rotated.append(Fold(test, train, (valid,), (test,)))
        return tuple(rotated)

    def audio(self, sample_rate_hz: int, split: str) -> dict[str, Path]:
        """The file of each clip of a split in one of the audio folders, there or not, by clip.

        Unicode has two forms of an accented letter, and some systems (macOS) store the other one
        than was written: a name that is there in its other form alone is that file.
        """
        directory = self.path / str(sample_rate_hz) / split
        present = os.listdir(directory) if directory.is_dir() else []
        other = _other_forms(self.clips[split], present)
        return {clip: directory / other.get(clip, clip) for clip in self.clips[split]}


def read_task(path: Path | str) -> TaskFolder:
    """Read a task folder's metadata, label vocabulary and split files, and check all of them.

    A TaskError lists every problem found, each with file, key or clip, expected and found.
    """
    path = Path(path).absolute()
    problems = Problems(path)
    metadata: Any = read_json(path / METADATA_FILE, problems)
    if metadata is not None:
        check_metadata(metadata, METADATA_FILE, problems)
    is_described = not problems.lines
    labels = read_vocabulary(path / VOCABULARY_FILE, problems)
    if not is_described:
        problems.raise_any()  # without metadata it is not known what clips must look like
    duration_s = metadata.get("sample_duration")
    rules = SplitRules(
        metadata["embedding_type"],
        metadata["prediction_type"],
        labels,
        None if duration_s is None else 1000.0 * duration_s,
    )
    splits = tuple(metadata["splits"])
    clips = {split: read_split(path / f"{split}.json", rules, problems) for split in splits}
    if rules.embedding_type == "event":
        _check_clips_in_one_split(clips, problems)
    sources = read_sources(path / SOURCES_FILE, clips, problems)
    problems.raise_any()
    taken = ("task_name", "version", "mode", "embedding_type", "prediction_type", "split_mode")
    return TaskFolder(
        path=path,
        name=path.name,
        **{key: metadata[key] for key in taken},
        splits=splits,
        evaluation=tuple(slug for slug in metadata["evaluation"] if slug in METRICS),
        sample_duration_s=None if duration_s is None else float(duration_s),
        labels=labels,
        metadata=metadata,
        clips=clips,
        sources=sources,
        warnings=tuple(problems.warnings),
    )


def _other_forms(wanted: Iterable[str], present: Iterable[str]) -> dict[str, str]:
    """Names that are present in another Unicode form, by the wanted one, where one is meant."""
    absent, left = set(wanted) - set(present), set(present) - set(wanted)
    if not absent or not left:
        return {}
    forms = {name: unicodedata.normalize("NFC", name) for name in absent | left}
    n_of_form = Counter(forms.values())
    found = {forms[name]: name for name in left}
    return {
        name: found[forms[name]]
        for name in absent
        if forms[name] in found and n_of_form[forms[name]] == 2  # the one and the other
    }


def _check_clips_in_one_split(clips: dict[str, dict[str, list[Any]]], problems: Problems) -> None:
    split_of: dict[str, str] = {}
    for split, files in clips.items():
        for file in files:
            if file in split_of:
                found = f"{split_of[file]} and {split}"
                problems.add(f"{split}.json: clip {file}", "an event clip in one split", found)
            split_of.setdefault(file, split)
