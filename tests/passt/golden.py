"""Golden values of hear21passt 0.0.26 and the inputs they were made from.

Weights and waveforms are pure functions of names and numbers, so that the same ones can be made
here as were fed to the reference. Of large arrays 256 values at seeded places are kept, of all
arrays shape, sum and L2 norm.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import torch

from passt.architecture import Architecture
from passt.checkpoints import Checkpoint
from passt.embedder import Embedder
from passt.transformer import PaSST

PATH = Path(__file__).parent.parent / "fixtures" / "passt_golden.npz"
TOLERANCE = 2e-5  # a fast implementation deviates by some 1e-6
N_KEPT = 256
TIME_POSITIONS = {320: 99, 160: 200, 100: 320}
_STORED = dict(np.load(PATH, allow_pickle=False))
FACTS = json.loads(str(_STORED.pop("facts")))


def keys(prefix: str) -> list[str]:
    """Golden keys below a prefix; an empty list would hide a lost fixture."""
    found = [key for key in FACTS["stats"] if key.startswith(prefix)]
    assert found, f"no golden values below {prefix}"
    return found


def check(key: str, values: torch.Tensor | np.ndarray) -> None:
    """Compare an array with its golden values."""
    values = np.ascontiguousarray(values)
    expected = FACTS["stats"][key]
    assert list(values.shape) == expected["shape"], key
    if expected["stored"] == "sample1024":
        rng = np.random.default_rng(zlib.crc32(key.encode()))
        sample = values.ravel()[rng.integers(0, values.size, 1024)][:N_KEPT]
    else:
        sample = values.ravel()[: _STORED[key].size]
    np.testing.assert_allclose(
        sample.ravel(), _STORED[key].ravel(), rtol=0, atol=TOLERANCE, err_msg=key
    )
    l2 = np.sqrt(np.square(values.astype(np.float64)).sum())
    np.testing.assert_allclose(l2, expected["l2"], rtol=1e-5, err_msg=f"{key}: L2 norm")


def fill(network: PaSST) -> PaSST:
    """Deterministic weights: seeded by the name, scaled by 0.02, norms around 1."""
    filled = {}
    for name, tensor in network.state_dict().items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        values = 0.02 * rng.standard_normal(tensor.numel()).reshape(tuple(tensor.shape))
        if name in ("norm.weight", "head.0.weight") or ".norm" in name and name.endswith("weight"):
            values += 1.0
        filled[name] = torch.from_numpy(values.astype(np.float32))
    network.load_state_dict(filled, strict=True)
    return network


def tiny_embedder(hop: int) -> Embedder:
    """The small network of the golden values: embed 48, depth 2, 3 heads."""
    shape = Architecture(embed_dim=48, depth=2, num_heads=3, n_time_patches=TIME_POSITIONS[hop])
    return Embedder(Checkpoint("tiny", hop, shape), fill(PaSST(shape)))


def waveforms(seconds: float, n_sounds: int = 2) -> torch.Tensor:
    """Chirp, tone, clicks and seeded noise in [-1, 1], float32 (n_sounds, n_samples), 32 kHz."""
    n = round(seconds * 32000)
    t = np.arange(n) / 32000
    sounds = []
    for i in range(n_sounds):
        low, high = 110.0 * (i + 1), 6000.0 + 1500.0 * i
        x = 0.4 * np.sin(2 * np.pi * (low * t + (high - low) * t * t / (2 * (n / 32000))))
        x += 0.2 * np.sin(2 * np.pi * 440.0 * (i + 1) * t)
        clicks = np.arange(0, n - 1, round(0.37 * (i + 1) * 32000))
        x[clicks] += 0.5
        x[clicks + 1] -= 0.5
        x += 0.05 * np.random.default_rng(1000 + i).standard_normal(n)
        sounds.append(np.clip(x, -1, 1).astype(np.float32))
    return torch.from_numpy(np.stack(sounds))
