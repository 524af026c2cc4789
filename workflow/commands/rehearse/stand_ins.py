"""Stand-ins for the official archives and the released weights: same form, other content.

Layout, names and metadata are those that hear-preprocess 2021.1.1 writes for the 19 tasks, with
features observed in real archives: two kinds of root folder, integer labels if all of a task's
labels are numbers, WAV headers with ffmpeg's LIST chunk, unusual names of files and labels, events
without length and events that end with the clip.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hear.files import replacing
from hear.tasks.problems import METADATA_FILE
from mini.registry import find_mini_task
from mini.task import Event, MiniTask
from passt.checkpoints import Checkpoint
from passt.transformer import PaSST, initialize
from workflow.study.archives import ARCHIVE_RATE_HZ

CUT_S = 0.5  # longer clips are cut to it
# FSD50K's longest and shortest clip; one that is longer than what is embedded at once
# (hear/features/embed.py). DCASE's 120 s alone would take ten minutes more.
LENGTHS_S: dict[str, dict[str, tuple[float, ...]]] = {
    "fsd50k": {"train": (30.0, 0.3)},
    "dcase2016_task2": {"test": (61.0,)},
}
N_CLIPS = {"train": 4, "valid": 2, "test": 2}
N_FOLD_CLIPS = 2
OLD_ROOT = "hear-2021.0.6/tasks"  # of these tasks' archives; of all others it is `tasks`
OLD_ROOTS = {
    *("beijing_opera", "crema_d", "gtzan_genre", "gtzan_music_speech", "maestro"),
    "vox_lingua_top10",
}
LABELS = {"vocal_imitation": ('Bell, "church"', " Cat")}  # odd ones; else the mini task's first two
NAMES = {  # odd ones
    "vocal_imitation": "{i:03d} - Cr\u00e9celle, {split}",
    "vox_lingua_top10": "-{split}_Qx__U__S{i}---0012.340-0031",
}
LIST = b"INFOISFT" + struct.pack("<I", 14) + b"Lavf58.29.100\0"  # of ffmpeg: who wrote it


def clip_lengths(row: dict[str, str], task: MiniTask) -> dict[str, list[float]]:
    """Seconds of each clip of a task's folder, by split; ``row`` is that of config/tasks.tsv."""
    slug = row["task"]
    usual_s = min(float(row["duration_s"] or CUT_S), CUT_S)
    lengths_s = {}
    for split in task.n_clips:
        first = LENGTHS_S.get(slug, {}).get(split, ())
        n_others = N_CLIPS.get(split, N_FOLD_CLIPS) - len(first)
        lengths_s[split] = [*first, *[usual_s] * n_others]
    return lengths_s


def write_archives(row: dict[str, str], folder: Path) -> dict[str, Any]:
    """Write a task's archives that are not there; return its row of the table ``rehearsal``.

    ``row`` is that of config/tasks.tsv.
    """
    lengths_s: list[float] = []
    parts = find_mini_task(row["task"]).parts
    for task, name, archive in zip(
        parts, row["folders"].split(";"), row["archives"].split(";"), strict=True
    ):
        by_split = clip_lengths(row, task)
        lengths_s = [s for of_split in by_split.values() for s in of_split]
        if not (folder / archive).exists():
            with replacing(folder / archive) as temporary:
                _write_archive(temporary, name, task, by_split)
    mean_s = sum(lengths_s) / len(lengths_s)
    return {"task": row["task"], "n_clips": len(lengths_s), "duration_s": round(mean_s, 4)}


def write_weights(checkpoint: Checkpoint, path: Path, seed: int) -> None:
    """Write random weights of a checkpoint's shape as released: a dict of tensors by torch."""
    network = initialize(PaSST(checkpoint.architecture), seed)
    with replacing(path) as temporary, temporary.open("wb") as file:  # whose name is not stored
        torch.save(network.state_dict(), file)


def _write_archive(
    path: Path, folder: str, task: MiniTask, lengths_s: dict[str, list[float]]
) -> None:
    labels: Sequence[str | int] = LABELS.get(task.slug, task.labels[:2])
    if all(label.isdigit() for label in map(str, labels)):
        labels = [int(label) for label in labels]
    files = {
        METADATA_FILE: _json(_metadata(folder, task, lengths_s)),
        "labelvocabulary.csv": _vocabulary(labels),
    }
    for split, seconds in lengths_s.items():
        entries: dict[str, list] = {}
        for i, length_s in enumerate(seconds):
            name = NAMES.get(task.slug, "{split} {i:04d}").format(split=split, i=i) + ".wav"
            seed = [zlib.crc32(folder.encode()), zlib.crc32(split.encode()), i]
            events = _events(task, labels, length_s, i)
            audio = _sound(np.random.default_rng(seed), events, labels, length_s)
            files[f"{ARCHIVE_RATE_HZ}/{split}/{name}"] = _wav(audio)
            is_scene = task.embedding_type == "scene"
            entries[name] = [event["label"] for event in events] if is_scene else events
        files[f"{split}.json"] = _json(entries)
    root = OLD_ROOT if task.slug in OLD_ROOTS else "tasks"
    with (
        gzip.GzipFile(path, "wb", compresslevel=1, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as tar,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(f"{root}/{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _metadata(folder: str, task: MiniTask, lengths_s: dict[str, list[float]]) -> dict[str, Any]:
    """Content of task_metadata.json, with the keys of real files."""
    distinct = {s for seconds in lengths_s.values() for s in seconds}
    facts = {
        "task_name": task.task_name,
        "version": folder.removeprefix(f"{task.task_name}-").removesuffix(f"-{task.mode}"),
        "embedding_type": task.embedding_type,
        "prediction_type": task.prediction_type,
        "split_mode": task.split_mode,
        "sample_duration": distinct.pop() if len(distinct) == 1 else None,
        "evaluation": list(task.evaluation),
        **task.extras,
        "default_mode": task.mode,
        "download_urls": [],
        "max_task_duration_by_fold": None,
        "tmp_dir": "_workdir",
        "mode": task.mode,
        "splits": list(task.n_clips),
    }
    n_folds = {"nfolds": len(task.n_clips)} if task.split_mode.endswith("kfold") else {}
    return facts | n_folds


def _events(task: MiniTask, labels: Sequence[str | int], length_s: float, i: int) -> list[Event]:
    """What sounds in a clip, times in ms: of a scene from its start to its end."""
    end_ms = 1000.0 * length_s
    if task.embedding_type == "scene":
        n_labels = 2 if task.prediction_type == "multilabel" and i % 4 == 3 else 1
        heard = [labels[(i + j) % len(labels)] for j in range(n_labels)]
        return [{"label": label, "start": 0.0, "end": end_ms} for label in heard]
    starts_ms = np.arange(250.0, end_ms, 750.0)
    events = [
        {"label": labels[(i + j) % len(labels)], "start": start, "end": min(start + 500.0, end_ms)}
        for j, start in enumerate(starts_ms.tolist())
    ]
    return [*events, {"label": labels[0], "start": 125.0, "end": 125.0}]


def _sound(
    rng: np.random.Generator, events: list[Event], labels: Sequence[str | int], length_s: float
) -> NDArray[np.int16]:
    """Noise, with the tone of each event's label while it lasts; (n_samples,), 16 bit."""
    t = np.arange(round(length_s * ARCHIVE_RATE_HZ)) / ARCHIVE_RATE_HZ
    audio = 0.03 * rng.standard_normal(len(t))
    for event in events:
        pitch_hz = 330 * 3 ** labels.index(event["label"]) * rng.uniform(0.9, 1.1)
        first, end = (round(event[key] * ARCHIVE_RATE_HZ / 1000) for key in ("start", "end"))
        audio[first:end] += 0.2 * np.sin(2 * np.pi * pitch_hz * t[first:end])
    return np.rint(audio.clip(-1, 1) * (2**15 - 1)).astype(np.int16)


def _wav(audio: NDArray[np.int16]) -> bytes:
    """Content of a mono WAV file as ffmpeg writes it, with a LIST chunk before the samples."""
    rate, data = ARCHIVE_RATE_HZ, audio.astype("<i2").tobytes()
    format = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)  # PCM, mono, 16 bit
    chunks = ((b"fmt ", format), (b"LIST", LIST), (b"data", data))
    body = b"".join(name + struct.pack("<I", len(content)) + content for name, content in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def _vocabulary(labels: Sequence[str | int]) -> bytes:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("idx", "label"), *enumerate(labels)])
    return table.getvalue().encode()


def _json(content: dict) -> bytes:
    return json.dumps(content, indent=True).encode()
