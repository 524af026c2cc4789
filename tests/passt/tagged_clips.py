"""A tiny recipe and a tiny data set for the tests of Patchout training."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

from passt.training.recipe import Recipe

TINY = Recipe(
    name="tiny",
    embed_dim=64,
    depth=1,
    num_heads=1,
    crop_s=(0.32, 0.64),
    crop_shares=(0.5, 0.5),
    n_epochs=3,
    epoch_clips=12,
    batch_size=4,
    learning_rate=1e-3,
    warm_up_epochs=1,
    ramp_down_start=1,
    ramp_down_epochs=2,
    averaging="ema",
    ema_decay=0.9,
    workers=0,
)


def write_data(directory: Path, n_clips: int = 10, seconds: float = 0.8) -> Path:
    """Tones of four pitches; every fifth clip is for validation."""
    directory.mkdir(exist_ok=True)
    time = np.arange(round(seconds * 32000)) / 32000
    rows = []
    for i in range(n_clips):
        tones = {i % 4, (i // 2) % 4}
        clip = sum(0.3 * np.sin(2 * np.pi * 300 * 2.2**k * time) for k in tones)
        soundfile.write(directory / f"{i}.wav", clip, 32000, subtype="PCM_16")
        labels = ";".join(f"tone{k}" for k in sorted(tones))
        rows.append((f"{i}.wav", "valid" if i % 5 == 4 else "train", labels))
    write_csv(directory / "index.csv", [("file", "split", "labels"), *rows])
    write_csv(directory / "tags.csv", [("idx", "label"), *((k, f"tone{k}") for k in range(4))])
    return directory


def write_csv(path: Path, rows: list) -> None:
    with open(path, "w", newline="") as stream:
        csv.writer(stream).writerows(rows)
