"""Golden values of HEAR's naive baseline and the inputs they were made from.

Made with hearbaseline 2021.1.1 itself, unmodified, and librosa 0.9.2 (which asks for
``pkg_resources``, thus setuptools below 81), torch 2.13.0 (CPU, one thread), numpy 2.4.6.
Again, in an environment that has these, from the repository's root:
``python -m tests.zoo.naive_golden``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

PATH = Path(__file__).parent.parent / "fixtures" / "naive_golden.npz"
RATE_HZ = 44_100
LENGTHS = (2205, 30_001, 52_920)  # samples: one window, and clips that no hop divides
STEP = 64  # every 64th of 4096 values is kept


def signal(n_samples: int) -> np.ndarray:
    """Make a sweep from 50 to 20000 Hz in noise, float32, shape (1, n_samples)."""
    rng = np.random.default_rng(n_samples)
    t = np.arange(n_samples) / n_samples
    cycles = n_samples / RATE_HZ * (50 * t + (20_000 - 50) / 2 * t**2)
    audio = 0.2 * np.sin(2 * np.pi * cycles) + 0.01 * rng.standard_normal(n_samples)
    return audio.astype(np.float32)[None]


def main() -> None:
    """Write the fixture."""
    import hearbaseline
    import torch

    torch.set_num_threads(1)
    model, golden = hearbaseline.load_model(), {}
    for n_samples in LENGTHS:
        audio = torch.from_numpy(signal(n_samples))
        embeddings, timestamps = hearbaseline.get_timestamp_embeddings(audio, model)
        golden[f"{n_samples}.timestamps"] = timestamps.numpy()
        golden[f"{n_samples}.embeddings"] = embeddings[0, :, ::STEP].numpy()
        golden[f"{n_samples}.scene"] = hearbaseline.get_scene_embeddings(audio, model)[0, ::STEP]
    np.savez_compressed(PATH, **golden)


if __name__ == "__main__":
    main()
