"""Hit rate and false alarms of the doctor's search for near copies.

    python -m benchmarks.near_copies resources/tasks/mini path/to/more/tasks

Copies of up to 20 clips of each task folder are made in ten ways. Writes
``benchmarks/results/near_copies.csv`` with a row per folder and way: the number of copies that are
detected; the others are false negatives. Rows of the way "none" have the nearest pairs of clips of
different splits: detected pairs (`calls`) are false positives, unless they are copies.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from tqdm import tqdm

from hear.archives.find import find_sources
from hear.audio.read import read_samples
from hear.doctor.prints import (
    CLOSE_DB,
    SAME,
    correlation,
    excerpt,
    flattened,
    padded_length,
    spectral_print,
)
from hear.tasks.audio_checks import source_sample_rate
from hear.tasks.folder import TaskFolder, read_task

OUTPUT = Path(__file__).parent / "results" / "near_copies.csv"
N_CLIPS = 20  # per folder that copies are made of
N_NEAREST = 4  # prints of each other split that are compared, near or not
SEED = 0
Samples = NDArray[np.float32]
Way = Callable[[Samples, int], Samples]


def likeness(first: Samples, second: Samples) -> float:
    """Correlation of two excerpts as in `hear.doctor.prints`, 0 to 1."""
    n_padded = padded_length(len(first), len(second))
    return correlation(flattened(first, n_padded), flattened(second, n_padded), n_padded)


def at_rate(samples: Samples, rate_hz: int, lower_hz: int) -> Samples:
    """Resample a clip to ``lower_hz`` and back."""
    return soxr.resample(soxr.resample(samples, rate_hz, lower_hz), lower_hz, rate_hz)


def shifted(samples: Samples, n: int) -> Samples:
    """Shift a clip by ``n`` samples, keeping its length; zeros fill the gap."""
    zeros = np.zeros(min(abs(n), len(samples)), np.float32)
    kept = samples[: len(samples) - len(zeros)] if n > 0 else samples[len(zeros) :]
    return np.concatenate([zeros, kept] if n > 0 else [kept, zeros])


def mp3(samples: Samples, rate_hz: int, compression: float) -> Samples:
    """Encode a clip as MP3 and decode it; ``compression`` is libsndfile's level, 0 to 1."""
    coded = io.BytesIO()
    settings = {"compression_level": compression, "bitrate_mode": "CONSTANT"}
    soundfile.write(coded, samples, rate_hz, "MPEG_LAYER_III", format="MP3", **settings)
    coded.seek(0)
    return soundfile.read(coded, dtype="float32")[0][: len(samples)]


def noisy(samples: Samples, snr_db: float) -> Samples:
    """Add seeded white noise at a signal-to-noise ratio in dB."""
    level = np.sqrt(np.mean(samples**2)) * 10 ** (-snr_db / 20)
    noise = np.random.default_rng(SEED).standard_normal(len(samples), np.float32)
    return samples + level * noise


WAYS: dict[str, Way] = {
    "-20 dB": lambda x, hz: 0.1 * x,
    "through 16 kHz": lambda x, hz: at_rate(x, hz, 16000),
    "through 8 kHz": lambda x, hz: at_rate(x, hz, 8000),
    "37 ms later": lambda x, hz: shifted(x, round(0.037 * hz)),
    "10 ms cut off": lambda x, hz: shifted(x, -round(0.010 * hz)),
    "80 ms cut off": lambda x, hz: shifted(x, -round(0.080 * hz)),
    "MP3": lambda x, hz: mp3(x, hz, 0.6),
    "MP3, least bits": lambda x, hz: mp3(x, hz, 0.99),
    "white noise, 20 dB SNR": lambda x, hz: noisy(x, 20.0),
    "-10 dB, 23 ms, 22 kHz, MP3": lambda x, hz: mp3(
        at_rate(shifted(0.3 * x, round(0.023 * hz)), hz, 22050), hz, 0.6
    ),
}


def measure(folder: TaskFolder) -> Iterator[dict]:
    """Yield a row per way of making copies, and one of clips that are none."""
    rate_hz = source_sample_rate(folder, 32000)
    clips: list[tuple[str, str]] = []
    waves, prints = [], []
    for split in folder.splits:
        for file, path in folder.audio(rate_hz, split).items():
            wave = excerpt(read_samples(path)[0], rate_hz)
            if (found := spectral_print(wave)) is not None:
                clips.append((split, file))
                waves.append(wave)
                prints.append(found)
    chosen = np.random.default_rng(SEED).permutation(len(clips))[:N_CLIPS]
    for way, change in WAYS.items():
        distances, alike = [], []
        for i in chosen:
            split, file = clips[i]
            whole = read_samples(folder.audio(rate_hz, split)[file])[0]
            copy = excerpt(change(whole, rate_hz).astype(np.float32), rate_hz)
            other = spectral_print(copy)
            empty = other is None
            distances.append(np.inf if empty else np.sqrt(np.mean((other - prints[i]) ** 2)))
            alike.append(0.0 if empty else likeness(waves[i], copy))
        called = [d <= CLOSE_DB and a >= SAME for d, a in zip(distances, alike, strict=True)]
        yield {
            "folder": folder.name, "way": way, "n": len(chosen),
            "n_called": sum(called),
            "median_db": np.median(distances), "median_correlation": np.median(alike),
        }  # fmt: skip
    yield _others(folder, clips, waves, np.array(prints))


def _others(
    folder: TaskFolder, clips: list[tuple[str, str]], waves: list[Samples], prints: Samples
) -> dict:
    """The nearest pairs of clips of different splits."""
    pairs: dict[tuple[int, int], float] = {}
    by_split = {
        split: np.array([i for i, clip in enumerate(clips) if clip[0] == split])
        for split in folder.splits
    }
    for few, many in combinations(sorted(by_split.values(), key=len), 2):
        n = min(N_NEAREST, len(many))
        distances, places = cKDTree(prints[many]).query(prints[few], [*range(1, n + 1)])
        for i, (row, near) in enumerate(zip(distances, places, strict=True)):
            for d, j in zip(row, near, strict=True):
                pairs[few[i], many[j]] = d / np.sqrt(prints.shape[1])
    alike = {pair: likeness(waves[pair[0]], waves[pair[1]]) for pair in pairs}
    called = [pair for pair in pairs if alike[pair] >= SAME and pairs[pair] <= CLOSE_DB]
    return {
        "folder": folder.name, "way": "none", "n": len(pairs), "n_called": len(called),
        "median_db": np.median([*pairs.values()]),
        "median_correlation": np.median([*alike.values()]),
        "calls": "; ".join(" ~ ".join("/".join(clips[i]) for i in pair) for pair in called),
    }  # fmt: skip


def main() -> None:
    """Measure all given task folders; write the table and print the rates by way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="folders with task folders")
    directories = parser.parse_args().folders
    folders = [source.path for d in directories for source in find_sources(d)]
    rows = [row for path in tqdm(folders, unit="folder") for row in measure(read_task(path))]
    table = pd.DataFrame(rows).round(3)
    table.to_csv(OUTPUT, index=False)
    sums = table.groupby("way", sort=False)[["n", "n_called"]].sum()
    print(sums.assign(share=sums["n_called"] / sums["n"]).round(4).to_string())


if __name__ == "__main__":
    main()
