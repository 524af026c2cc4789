"""Task folders: metadata, label vocabulary, split files, sources."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from hear.archives.find import find_sources
from hear.archives.unpack import ArchiveError
from hear.protocol import Protocol, ProtocolError
from hear.tasks.folder import read_task
from hear.tasks.problems import TaskError
from tests.fuzz.mutations import as_csv, as_json, csv_files, damaged, json_files
from tests.fuzz.watch import Reader
from workflow.study.tasks import TaskSpec

SCENE: dict[str, Any] = {
    "task_name": "tones", "version": "v1", "mode": "full", "embedding_type": "scene",
    "prediction_type": "multiclass", "split_mode": "trainvaltest",
    "splits": ["train", "valid", "test"], "sample_duration": 0.25,
    "evaluation": ["top1_acc", "mAP"], "nfolds": None, "max_task_duration_by_split": {"test": None},
}  # fmt: skip
EVENT = SCENE | {
    "embedding_type": "event", "prediction_type": "multilabel", "split_mode": "new_split_kfold",
    "splits": ["fold00", "fold01", "fold02"], "nfolds": 3,
    "evaluation": ["event_onset_50ms_fms", "segment_1s_er"],
}  # fmt: skip
ROWS = [["idx", "label"], ["0", "low"], ["1", "high"], ["2", "3"]]
SCENE_CLIPS = {"a.wav": ["low"], "b.wav": ["high"], "c.wav": [3]}
EVENTS = [
    {"label": "low", "start": 0.0, "end": 100.0},
    {"label": "high", "start": 249, "end": 300.5},
]
EVENT_CLIPS = {"a.wav": EVENTS, "b.wav": [], "c.wav": EVENTS[:1]}
SOURCES = {"train": {"a.wav": "one", "b.wav": "two"}, "test": {}}
VOCABULARY = as_csv(ROWS)
NAME = "tones-v1-full"


def scene_files() -> dict[str, bytes]:
    """A valid task folder of scenes without its audio, by name."""
    return _files(SCENE, SCENE_CLIPS) | {"sources.json": as_json(SOURCES)}


def event_files() -> dict[str, bytes]:
    """A valid task folder of events."""
    return _files(EVENT, EVENT_CLIPS)


def _files(metadata: dict, clips: dict) -> dict[str, bytes]:
    splits = {
        f"{split}.json": as_json({f"{split}_{clip}": entry for clip, entry in clips.items()})
        for split in metadata["splits"]
    }
    if metadata is SCENE:
        splits = dict.fromkeys(splits, as_json(clips))
    return {
        "task_metadata.json": as_json(metadata), "labelvocabulary.csv": VOCABULARY
    } | splits  # fmt: skip


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def is_object(content: bytes) -> bool:
    """Tell whether bytes are a JSON object."""
    try:
        return isinstance(json.loads(content.decode("utf-8-sig")), dict)
    except (ValueError, RecursionError):
        return False


def _reader(name: str, file: str, cases: Any, seeds: list, is_past: Callable) -> Reader:
    """A reader of one file of a folder that is valid otherwise; a case is (kind, content)."""

    def read(case: tuple[str, bytes], inside: Path) -> None:
        kind, content = case
        files = scene_files() if kind == "scene" else event_files()
        write(inside / NAME, files | {file or f"{_split(kind)}.json": content})
        if file == "task_metadata.json":
            find_sources(inside)
        TaskSpec("tones", "tones", "custom", "scene", (inside / NAME,)).state()
        task = read_task(inside / NAME)
        Protocol().for_task(task.metadata)
        assert sorted(task.order) == sorted(task.splits) and task.folds

    names = (file,) if file else ("train.json", "fold00.json")
    return Reader(
        name, cases, read, (TaskError, ArchiveError, ProtocolError), (*names, NAME),
        "a JSON object" if is_past is _is_object else "a CSV file with the columns idx,label",
        is_past, seeds, lambda content: ("scene", content),
    )  # fmt: skip


def _split(kind: str) -> str:
    return "train" if kind == "scene" else "fold00"


def _is_object(case: tuple[str, bytes]) -> bool:
    return is_object(case[1])


def _of(kind: str, cases: st.SearchStrategy) -> st.SearchStrategy:
    return cases.map(lambda content: (kind, content))


def _has_columns(case: tuple[str, bytes]) -> bool:
    return case[1].removeprefix(b"\xef\xbb\xbf").startswith((b"idx,label\n", b"idx,label\r"))


def readers() -> list[Reader]:
    """Readers of this module."""
    scene, event = as_json(SCENE_CLIPS), as_json(EVENT_CLIPS)
    splits = _of("scene", json_files([SCENE_CLIPS])) | _of("event", json_files([EVENT_CLIPS]))
    documents = [as_json(SCENE), as_json(EVENT)]
    protocols = SCENE | {"hidden_dim": 1, "max_epochs": 500, "nepochs": 2, "batch_size": 4}
    return [
        _reader(
            "task metadata", "task_metadata.json",
            _of("scene", json_files([SCENE, protocols])) | _of("event", json_files([EVENT])),
            [("scene", documents[0]), ("event", documents[1])], _is_object,
        ),
        _reader("split files", "", splits, [("scene", scene), ("event", event)], _is_object),
        _reader(
            "label vocabulary", "labelvocabulary.csv",
            _of("scene", csv_files(ROWS) | damaged([VOCABULARY])), [("scene", VOCABULARY)],
            _has_columns,
        ),
        _reader(
            "sources", "sources.json",
            _of("scene", json_files([SOURCES])), [("scene", as_json(SOURCES))], _is_object,
        ),
    ]  # fmt: skip
