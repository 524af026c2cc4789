"""Copies: clips in different splits with equal samples, and near copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from tqdm import tqdm

from hear.audio.read import open_clip
from hear.doctor.finding import Finding
from hear.doctor.leaks import Clip, Copy, leaks, repeats
from hear.doctor.listen import Heard
from hear.doctor.prints import (
    CLOSE_DB,
    EXCERPT_S,
    SAME,
    correlation,
    excerpt,
    flattened,
    padded_length,
)
from hear.tasks.folder import TaskFolder

N_AXES = 8  # of prints that the tree sorts them by
N_NEAR = 16  # clips of another split that are nearest in these
N_CANDIDATES = 4  # of them, whose prints are nearest and whose waves are correlated
KEPT = 512  # excerpts in memory, of 32 kB per second


def find_copies(
    folder: TaskFolder,
    heard: Mapping[Clip, Heard],
    paths: Mapping[Clip, Path],
    progress: bool = False,
) -> Iterator[Finding]:
    """Yield findings about clips with equal samples and near copies, and their effect on scores.

    Digital silence is ignored. Near copies are searched among the `N_CANDIDATES` clips of each
    other split with the nearest prints, so that the cost grows linearly with the number of clips.
    """
    same: dict[bytes, list[Clip]] = defaultdict(list)
    for clip, what in heard.items():
        if what.print is not None:
            same[what.audio_hash].append(clip)
    groups = [clips for clips in same.values() if len(clips) > 1]
    identical = [copy for clips in groups for copy in _across(clips)]
    yield from leaks(folder, "identical_clips", "identical", identical)
    near = _near_copies(folder, heard, paths, progress)
    yield from leaks(folder, "near_identical_clips", "nearly identical", near)
    yield from repeats(groups)


def _across(clips: list[Clip]) -> Iterator[Copy]:
    """Pair each clip of one recording with one clip of each other split."""
    by_split: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_split[clip[0]].append(clip)
    for ones, others in combinations(by_split.values(), 2):
        yield from (Copy(one, others[0]) for one in ones)
        yield from (Copy(ones[0], other) for other in others[1:])


def _near_copies(
    folder: TaskFolder, heard: Mapping[Clip, Heard], paths: Mapping[Clip, Path], progress: bool
) -> list[Copy]:
    pairs = _candidates(folder, heard)

    @lru_cache(KEPT)
    def read(clip: Clip) -> np.ndarray:
        with open_clip(paths[clip]) as file:
            samples = file.read(int(EXCERPT_S * file.samplerate), dtype="float32")
            return excerpt(samples, file.samplerate)

    @lru_cache(KEPT)
    def spectrum(clip: Clip, n_padded: int) -> np.ndarray:
        return flattened(read(clip), n_padded)

    label = f"comparing {folder.name}"
    found = []
    for a, b in tqdm(sorted(pairs), label, unit="pair", disable=not progress):
        n_padded = padded_length(len(read(a)), len(read(b)))
        alike = correlation(spectrum(a, n_padded), spectrum(b, n_padded), n_padded)
        if alike >= SAME:
            found.append(Copy(a, b, f"~{alike:.2f}"))
    return found


def _candidates(folder: TaskFolder, heard: Mapping[Clip, Heard]) -> set[tuple[Clip, Clip]]:
    """Pairs of clips from two splits with similar prints but different samples."""
    clips: dict[str, list[Clip]] = {split: [] for split in folder.splits}
    for clip, what in heard.items():
        if what.print is not None:
            clips[clip[0]].append(clip)
    prints = {
        split: np.array([heard[clip].print for clip in of_split])
        for split, of_split in clips.items()
        if of_split
    }
    if len(prints) < 2:  # nothing sounds, or only one split does
        return set()
    places = _along_main_axes(prints)
    trees = {split: cKDTree(of_split) for split, of_split in places.items()}
    pairs = set()
    for one, other in combinations(prints, 2):
        few, many = sorted((one, other), key=lambda split: len(clips[split]))
        n_near = min(N_NEAR, len(clips[many]))
        near = trees[many].query(places[few], [*range(1, n_near + 1)])[1]
        away = np.sqrt(((prints[many][near] - prints[few][:, None]) ** 2).mean(axis=2))
        nearest = np.argsort(away, axis=1)[:, :N_CANDIDATES]
        for i, j in zip(*np.nonzero(np.take_along_axis(away, nearest, 1) <= CLOSE_DB), strict=True):
            pair = clips[few][i], clips[many][near[i, nearest[i, j]]]
            if heard[pair[0]].audio_hash != heard[pair[1]].audio_hash:
                pairs.add(pair)
    return pairs


def _along_main_axes(prints: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Prints projected on their `N_AXES` principal axes; with more, a tree search is no faster."""
    everything = np.concatenate([*prints.values()]).astype(np.float64)
    axes = np.linalg.eigh(np.atleast_2d(np.cov(everything.T)))[1][:, -N_AXES:]
    return {split: (of_split @ axes).astype(np.float32) for split, of_split in prints.items()}
