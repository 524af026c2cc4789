"""HEAR task folders: metadata, clips and labels, order and folds.

A task folder holds `task_metadata.json`, `labelvocabulary.csv`, one `<split>.json` per split and
`<sample_rate>/<split>/*.wav`. An optional `sources.json`, an extension of HEAR's format, lists the
speaker or instrument of clips. Source of the format: the HEAR 2021 archives (Zenodo record
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
    """One division of the splits into training, validation and test."""

    name: str
    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class TaskFolder:
    """One task folder, read and checked (its audio: see check_audio).

    ``clips`` maps, by split and in the JSON files' key order, clip file to labels (scene) or to
    events {'label', 'start', 'end'} with times in ms (event). ``sources`` maps, by split, clips to
    their speaker, instrument or place. ``warnings`` list ignored content of the files. ``rates_hz``
    are the audio folders that passed their check; empty before it.
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
        random generator per task folder shuffles the splits in the metadata's order. Source:
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

        trainvaltest: one division, named `test`. k-fold: one division per fold i in sorted order,
        named after it: test on fold i, validation on fold i + 1 (cyclic), training on the rest.
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
        """Path of each clip of a split in one audio folder, whether it exists or not, by clip.

        Unicode has two forms of accented letters, and some systems (macOS) change the form when
        they store a name: a file that exists only under the other form is used.
        """
        directory = self.path / str(sample_rate_hz) / split
        present = os.listdir(directory) if directory.is_dir() else []
        other = _other_forms(self.clips[split], present)
        return {clip: directory / other.get(clip, clip) for clip in self.clips[split]}


def read_task(path: Path | str) -> TaskFolder:
    """Read and check a task folder's metadata, label vocabulary and split files.

    TaskError lists all problems with file, key or clip, expected and found.
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
    """Present names in another Unicode form, by the wanted name, if the match is unique."""
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
