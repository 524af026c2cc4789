"""Tagged clips: an index of wav files with multi-hot labels, and training batches from it.

A data set is a folder with ``tags.csv`` (``idx,label``: 0, 1, ... in order) and ``index.csv``
(``file,split,labels``: path below the folder, ``train`` or ``valid``, tags joined by ``;``,
possibly none). The wav files are mono at 32 kHz. An optional ``dataset.json`` documents how the
clips were made; it is copied into the training's record.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from passt.lengths import SAMPLE_RATE_HZ
from passt.training import augment
from passt.training.recipe import Recipe

SPLITS = ("train", "valid")
MAX_PROBLEMS = 10  # listed in an error message
ORDER, STEP = 0, 1  # streams of random numbers: an epoch's clips, a step's crops and waveforms


class DataError(ValueError):
    """An invalid data set; the message names file and line."""


@dataclass(frozen=True)
class Clips:
    """Clips of one split: paths, and targets of bool (n_clips, n_tags)."""

    paths: tuple[Path, ...]
    targets: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class TaggedData:
    """A data set: tags in order, two splits, hash of both CSV files, ``dataset.json``."""

    tags: tuple[str, ...]
    train: Clips
    valid: Clips
    sha256: str
    origin: dict


def read_data(directory: Path) -> TaggedData:
    """Read and check a data set's two CSV files; DataError lists up to ten problems by line."""
    tags = _read_tags(directory / "tags.csv")
    rows = _read_csv(directory / "index.csv", ("file", "split", "labels"))
    problems, seen, columns = [], set(), {tag: i for i, tag in enumerate(tags)}
    for line, row in enumerate(rows, start=2):
        unknown = [tag for tag in _labels(row) if tag not in columns]
        if row["split"] not in SPLITS:
            problems.append(f"line {line}: split: expected train or valid, found {row['split']!r}")
        elif unknown:
            problems.append(f"line {line}: labels: {', '.join(unknown)} not in tags.csv")
        elif row["file"] in seen:
            problems.append(f"line {line}: {row['file']} is listed twice")
        elif not os.path.isfile(directory / row["file"]):  # Path.is_file raises for long names
            problems.append(f"line {line}: no file {row['file']}")
        seen.add(row["file"])
    splits = {split: [row for row in rows if row["split"] == split] for split in SPLITS}
    problems += [f"no clip in split {split}" for split in SPLITS if not splits[split]]
    if problems:
        listed = problems[:MAX_PROBLEMS] + ["..."] * (len(problems) > MAX_PROBLEMS)
        raise DataError(f"{directory / 'index.csv'}:\n  " + "\n  ".join(listed))
    content = [(directory / name).read_bytes() for name in ("index.csv", "tags.csv")]
    sha256 = hashlib.sha256(b"\0".join(content)).hexdigest()
    train, valid = (_clips(directory, splits[split], columns) for split in SPLITS)
    return TaggedData(tags, train, valid, sha256, _read_origin(directory / "dataset.json"))


def _read_origin(path: Path) -> dict:
    """Read how clips were made, empty without a file."""
    if not path.is_file():
        return {}
    try:
        origin = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected JSON, found an error: {error}") from error
    if not isinstance(origin, dict):
        raise DataError(f"{path}: expected a JSON object, found {type(origin).__name__}")
    return origin


def _labels(row: dict[str, str]) -> list[str]:
    return [label for label in row["labels"].split(";") if label]


def _clips(directory: Path, rows: list[dict[str, str]], columns: dict[str, int]) -> Clips:
    targets = np.zeros((len(rows), len(columns)), dtype=bool)
    for target, row in zip(targets, rows, strict=True):
        target[[columns[label] for label in _labels(row)]] = True
    return Clips(tuple(directory / row["file"] for row in rows), targets)


def _read_tags(path: Path) -> tuple[str, ...]:
    rows = _read_csv(path, ("idx", "label"))
    for i, row in enumerate(rows):
        if row["idx"] != str(i):
            raise DataError(f"{path}: line {i + 2}: idx: expected {i}, found {row['idx']!r}")
    tags = tuple(row["label"] for row in rows)
    if len(set(tags)) != len(tags) or not tags or "" in tags:
        raise DataError(f"{path}: expected one line per tag, each with a name of its own")
    return tags


def _read_csv(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    if not path.is_file():
        raise DataError(f"no file {path}: a data set has index.csv and tags.csv")
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            names, rows = tuple(reader.fieldnames or ()), list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected CSV in UTF-8, found an error: {error}") from error
    if names != columns:
        raise DataError(f"{path}: expected columns {columns}, found {names}")
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise DataError(f"{path}: line {line}: expected {len(columns)} values")
    return rows


def read_crop(path: Path, n_samples: int, position: float) -> NDArray[np.float32]:
    """Read a crop of a mono wav file at 32 kHz; a shorter clip is zero-padded at its end.

    ``position`` in [0, 1) is the start, from the clip's first sample (0) to the last possible start
    (1). DataError for a file with other properties.
    """
    try:
        with soundfile.SoundFile(path) as clip:
            if (clip.channels, clip.samplerate) != (1, SAMPLE_RATE_HZ):
                raise DataError(
                    f"{path}: expected mono at {SAMPLE_RATE_HZ} Hz, found {clip.channels} "
                    f"channels at {clip.samplerate} Hz"
                )
            clip.seek(int(position * (max(0, clip.frames - n_samples) + 1)))
            return clip.read(n_samples, dtype="float32", fill_value=0.0)
    except soundfile.LibsndfileError as error:
        raise DataError(f"{path}: not a readable wav file: {error}") from error


def sampling_weights(targets: NDArray[np.bool_], offset: float) -> NDArray[np.float64]:
    """Weights (n_clips,) that favor clips with rare tags, from targets (n_clips, n_tags).

    A weight is the sum of 1 / (count + offset) over a clip's tags; weights are scaled to sum 1. The
    offset keeps the rarest tags from dominating. A clip without tags gets the smallest weight of a
    clip with tags. Source: PaSST repository, ``dataset.py``.
    """
    weights = targets @ (1.0 / (targets.sum(0) + offset))
    if not weights.any():
        return np.full(len(targets), 1.0 / len(targets))
    weights = np.where(weights == 0, weights[weights > 0].min(), weights)
    return weights / weights.sum()


class StepBatches(Dataset):
    """Augmented waveforms and targets of each training step, a pure function of (seed, step).

    No state is carried between steps, so that a resumed run, with any number of reader processes,
    gets the same batches.
    """

    def __init__(self, clips: Clips, recipe: Recipe) -> None:
        self.clips, self.recipe = clips, recipe
        self.weights = sampling_weights(clips.targets, recipe.balance_offset)
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return self.recipe.n_epochs * self.recipe.steps_per_epoch

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        """Return waveforms (batch_size, n_samples) and targets (batch_size, n_tags), float32."""
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, STEP, step))
        seconds = rng.choice(recipe.crop_s, p=recipe.crop_shares)
        n_samples = round(seconds * SAMPLE_RATE_HZ)
        waveforms, targets = self._read(self._clips_of(step), n_samples, rng)
        mixed = rng.random(len(waveforms)) < recipe.waveform_mixup_rate
        if mixed.any():
            others = self._read(rng.integers(len(self.clips), size=mixed.sum()), n_samples, rng)
            beta = recipe.waveform_mixup_beta
            waveforms[mixed], targets[mixed] = augment.mix_waveforms(
                (waveforms[mixed], targets[mixed]), others, beta, rng
            )
        return torch.from_numpy(waveforms), torch.from_numpy(targets)

    def _read(
        self, indices: NDArray[np.int64], n_samples: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read crops at random positions, with random shifts and gains."""
        crops = [read_crop(self.clips.paths[i], n_samples, rng.random()) for i in indices]
        waveforms = augment.roll(np.stack(crops), self.recipe.roll_samples, rng)
        waveforms = augment.gain(waveforms, self.recipe.gain_db, rng)
        return waveforms, self.clips.targets[indices].astype(np.float32)

    def _clips_of(self, step: int) -> NDArray[np.int64]:
        """Indices of a step's clips: its part of the epoch's draw, without repeats if possible."""
        epoch, position = divmod(step, self.recipe.steps_per_epoch)
        if self._order[0] != epoch:
            rng = np.random.default_rng((self.recipe.seed, ORDER, epoch))
            n_clips, n_drawn = len(self.clips), self.recipe.epoch_clips
            weights = self.weights if self.recipe.balanced else None
            order = rng.choice(n_clips, n_drawn, replace=n_drawn > n_clips, p=weights)
            self._order = epoch, order
        first = position * self.recipe.batch_size
        return self._order[1][first : first + self.recipe.batch_size]
