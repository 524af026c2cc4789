"""Nested, stratified fractions of a fold's training clips.

Clips are sorted so that every fraction is a prefix of the same order; a larger fraction therefore
contains a smaller one. Each clip is assigned to one label: the rarest of its labels (for event
tasks, of its events' labels) in the fold's training part. The clips of each label are placed in
random order at equal distances along the order: labels keep their proportions, and the first clip
of every label comes before the second clip of any.
"""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hear.probe.training import TrainPartError
from hear.tasks.folder import Fold, TaskFolder


def draw_train_clips(
    folder: TaskFolder, fold: Fold, fraction: float, seed: int
) -> dict[str, NDArray[np.bool_]]:
    """Draw a fraction of a fold's training clips; return a mask of the stored order, by split.

    The same seed and clips give the same order for every fraction. TrainPartError if a label of the
    training part would be left without a clip.
    """
    clips = [(split, file) for split in fold.train for file in folder.order[split]]
    labels = [_labels(folder.clips[split][file]) for split, file in clips]
    counts = Counter(label for of_clip in labels for label in of_clip)
    rarest = [min(of_clip, key=lambda x: (counts[x], x), default="") for of_clip in labels]
    n_of_label, taken = Counter(rarest), Counter[str]()
    places = []
    for i in _shuffled(clips, seed):
        places.append((taken[rarest[i]] / n_of_label[rarest[i]], i))
        taken[rarest[i]] += 1
    places.sort(key=lambda place: place[0])  # clips at the same place stay in random order
    n_kept = max(1, round(fraction * len(clips)))
    kept = {clips[i] for _, i in places[:n_kept]}
    found = {label for clip, of_clip in zip(clips, labels, strict=True) if clip in kept
             for label in of_clip}  # fmt: skip
    if missing := [label for label in folder.labels if label in counts and label not in found]:
        raise TrainPartError(
            f"{folder.name}, fold {fold.name}: {n_kept} of {len(clips)} training clips (train "
            f"fraction {fraction}) leave no clip of {len(missing)} labels, among them {missing[0]}"
        )
    return {
        split: np.array([(split, file) in kept for file in folder.order[split]], bool)
        for split in fold.train
    }


def _labels(entry: list[Any]) -> set[str]:
    """Labels of a scene clip, or of the events of a clip."""
    return {label["label"] if isinstance(label, dict) else label for label in entry}


def _shuffled(clips: list[tuple[str, str]], seed: int) -> list[int]:
    """Positions of clips in a random order that depends on their names, not on their order."""
    order = sorted(range(len(clips)), key=clips.__getitem__)
    names = "\n".join("/".join(clips[i]) for i in order)
    rng = np.random.default_rng([seed, zlib.crc32(names.encode())])
    return [order[i] for i in rng.permutation(len(order))]
