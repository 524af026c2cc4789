"""Mini tasks in HEAR's folder layout.

    <task>-mini-<mode>/
        task_metadata.json
        labelvocabulary.csv      idx,label
        <split>.json             file -> labels, or file -> events with times in ms
        sources.json             split -> file -> source, where clips share sources
        32000/<split>/*.wav      16 bit, mono

The folder is written under a temporary name and renamed at the end, so that a killed run never
leaves a seemingly complete folder.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from tqdm import tqdm

from mini.task import SAMPLE_RATE_HZ, SCALE_1, Audio, MiniTask, MiniTaskError, Scale

PEAK_LIMIT = 0.95  # chosen: louder clips are scaled down to it, so that none is clipped
INT16_SCALE = 32_767  # full scale of 16 bit PCM


def write_task(
    task: MiniTask, destination: Path, seed: int, scale: Scale = SCALE_1, progress: bool = True
) -> Path:
    """Generate `<destination>/<task.folder>` in this process, replacing an existing folder.

    The bytes depend on the seed alone if the process has not called eSpeak NG before, which keeps
    state between calls; `mini.make` therefore starts a fresh process. `MiniTaskError` if a recipe
    violates the task's metadata (length, labels, event times).
    """
    final, partial = destination / task.folder, destination / f".{task.folder}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    made, kept = scale.counts(task.n_made), scale.counts(task.n_clips)
    with tqdm(total=sum(made.values()), desc=task.folder, unit="clip", disable=not progress) as bar:
        sources: dict[str, dict[str, str]] = {}
        for split in kept:
            audio_folder = partial / str(SAMPLE_RATE_HZ) / split
            audio_folder.mkdir(parents=True)
            labels: dict[str, Any] = {}
            for index in range(made[split]):
                clip = task.recipe(clip_generator(task, split, index, seed), split, index)
                name = f"{task.audio_name}-{split}-{index:04d}.wav"
                if index < kept[split]:
                    _check_clip(task, name, clip.audio, clip.labels)
                    write_wav(audio_folder / name, clip.audio)
                    labels[name] = clip.labels
                    if clip.source:
                        sources.setdefault(split, {})[name] = clip.source
                bar.update()
            write_json(partial / f"{split}.json", labels)
    if sources:
        write_json(partial / "sources.json", sources)
    write_json(partial / "task_metadata.json", task.metadata(seed, scale))
    write_vocabulary(partial / "labelvocabulary.csv", task.labels)
    if final.exists():
        shutil.rmtree(final)
    os.replace(partial, final)
    return final


def clip_generator(task: MiniTask, split: str, index: int, seed: int) -> np.random.Generator:
    """Random generator of one clip, seeded by [seed, task's audio, split, index].

    Clips are therefore independent of each other and of the number of clips, and tasks with the
    same audio get the same clips.
    """
    audio_id = zlib.crc32(task.audio_name.encode())
    return np.random.default_rng([seed, audio_id, list(task.n_clips).index(split), index])


def _check_clip(task: MiniTask, name: str, audio: Audio, labels: list[Any]) -> None:
    lengths_s = task.duration_range_s or (task.duration_s or 0.0,)
    least, most = (round(seconds * SAMPLE_RATE_HZ) for seconds in (lengths_s[0], lengths_s[-1]))
    if audio.ndim != 1 or not least <= len(audio) <= most or not np.isfinite(audio).all():
        raise MiniTaskError(
            f"{name}: expected {least} to {most} finite samples, found {audio.shape}"
        )
    end_ms = 1000 * len(audio) / SAMPLE_RATE_HZ
    for label in labels:
        text = label["label"] if isinstance(label, dict) else label
        if text not in task.labels:
            raise MiniTaskError(f"{name}: label {text!r} is not in the task's vocabulary")
        if isinstance(label, dict) and not 0 <= label["start"] < label["end"] <= end_ms:
            raise MiniTaskError(f"{name}: event {label} is not inside {end_ms} ms")


def write_wav(path: Path, audio: Audio) -> None:
    """Write 16-bit mono audio at `SAMPLE_RATE_HZ`, scaled down if its peak exceeds `PEAK_LIMIT`.

    libsndfile encodes to memory, because it reports all system errors alike.
    """
    gain = min(1.0, PEAK_LIMIT / max(float(np.abs(audio).max()), 1e-9))
    samples = np.rint(audio * (gain * INT16_SCALE)).astype(np.int16)
    wav = io.BytesIO()
    soundfile.write(wav, samples, SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")
    with naming(path):
        path.write_bytes(wav.getbuffer())


def write_vocabulary(path: Path, labels: Sequence[str]) -> None:
    """Write the table of labels with the header ``idx,label``."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("idx", "label"), *enumerate(labels)])
    write_text(path, table.getvalue())


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON object with one key per line."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file atomically, even if several processes write it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with naming(path):
        temporary.write_text(text, encoding="utf-8", newline="")
        os.replace(temporary, path)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file's name to an ``OSError`` without one, such as Python raises on a full disk."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
