"""Golden values of hear21passt 0.0.26 and the inputs they were made from.

Weights and waveforms are pure functions of names and numbers, so that the same ones can be made
here as were fed to the reference. Of large arrays 256 values at seeded places are kept, of all
arrays shape, sum and L2 norm. The values of `SCENES_S` are made again, in an environment that
has hear21passt and from the repository's root, by
``.envs/hear21passt/bin/python -m tests.passt.golden``.
"""

from __future__ import annotations

import contextlib
import io
import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from passt.architecture import Architecture
from passt.checkpoints import RELEASED, Checkpoint
from passt.embedder import Embedder
from passt.transformer import PaSST

PATH = Path(__file__).parent.parent / "fixtures" / "passt_golden.npz"
TOLERANCE = 2e-5  # a fast implementation deviates by some 1e-6
N_KEPT = 256
TIME_POSITIONS = {320: 99, 160: 200, 100: 320}
MODULES = {  # hear21passt's, by checkpoint; strides replace those of its network
    **{"passt_20s": "base20sec", "passt_30s": "base30sec"},
    **{"passt_s12": "base", "passt_s14": "base", "passt_s16": "base"},
}
SCENES_S = {  # below, at and above the window of a scene
    **{"passt_20s": (12.5, 20, 31), "passt_30s": (12.5, 30, 31)},
    **{"passt_s12": (0.9, 10, 12.5), "passt_s14": (0.9, 10, 12.5), "passt_s16": (0.9, 10, 12.5)},
}
TIMESTAMPS_S = 0.9
RECEPTIVE_FIELDS_MS = (160, 640)
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
        sample = _sample(key, values)
    else:
        sample = values.ravel()[: _STORED[key].size]
    np.testing.assert_allclose(
        sample.ravel(), _STORED[key].ravel(), rtol=0, atol=TOLERANCE, err_msg=key
    )
    l2 = np.sqrt(np.square(values.astype(np.float64)).sum())
    np.testing.assert_allclose(l2, expected["l2"], rtol=1e-5, err_msg=f"{key}: L2 norm")


def _sample(key: str, values: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    return values.ravel()[rng.integers(0, values.size, 1024)][:N_KEPT]


def fill(network: nn.Module) -> nn.Module:
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


def tiny_released(id: str, depth: int = 2, num_heads: int = 3) -> Embedder:
    """A small network with the grid, hop and scene windows of a released checkpoint."""
    shape = replace(RELEASED[id].architecture, embed_dim=48, depth=depth, num_heads=num_heads)
    return Embedder(replace(RELEASED[id], architecture=shape), fill(PaSST(shape)))


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


@torch.no_grad()
def main() -> None:
    """Compute the values of `SCENES_S` with hear21passt and put them into the fixture."""
    from benchmarks import hear21passt_shims

    hear21passt_shims.install()
    from hear21passt.models.passt import PaSST as Reference

    torch.set_num_threads(1)
    for id, module in MODULES.items():
        found: dict[str, torch.Tensor] = {}
        shape = RELEASED[id].architecture
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its network
            model = hear21passt_shims.load(module)
            size, stride = model.net.patch_embed.img_size, (shape.fstride, shape.tstride)
            tiny = {"embed_dim": 48, "depth": 2, "num_heads": 3, "distilled": True}
            model.net = fill(Reference(img_size=size, stride=stride, **tiny)).eval()
            for seconds in SCENES_S[id]:
                found[f"scene{seconds}"] = model.get_scene_embeddings(waveforms(seconds))
            for ms in RECEPTIVE_FIELDS_MS:
                audio = waveforms(TIMESTAMPS_S)
                found[f"rf{ms}"] = model.get_timestamp_embeddings(audio, window_size=32 * ms)[0]
        for name, tensor in found.items():
            key, values = f"released/{id}/{name}", np.ascontiguousarray(tensor)
            doubles = values.astype(np.float64)
            FACTS["stats"][key] = {
                "shape": list(values.shape),
                "sum": float(doubles.sum()),
                "l2": float(np.sqrt(np.square(doubles).sum())),
                "stored": "sample1024",
            }
            _STORED[key] = _sample(key, values)
        print(id, *found)
    np.savez_compressed(PATH, facts=json.dumps(FACTS), **_STORED)


if __name__ == "__main__":
    main()
