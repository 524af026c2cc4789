"""Weights of checkpoints, read, checked and loaded into networks."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from passt.architecture import Architecture
from passt.checkpoints import Checkpoint, CheckpointError
from passt.embedder import Embedder
from passt.transformer import PaSST, initialize

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "bfloat16", "float16")


def load_network(checkpoint: Checkpoint) -> PaSST:
    """Build a checkpoint's network and load its weights; CheckpointError if they do not fit."""
    network = PaSST(checkpoint.architecture)
    if checkpoint.file is None:
        return initialize(network, checkpoint.seed).eval()
    checkpoint.verify()
    tensors = read_tensors(Path(checkpoint.file))
    check_tensors(tensors, network.state_dict(), checkpoint.file)
    network.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=True)
    return network.eval()


def load_embedder(
    checkpoint: Checkpoint, device: str = "cpu", precision: str = "float32"
) -> Embedder:
    """Load front end and network of a checkpoint, ready to embed.

    ``device`` as for :func:`choose_device`; ``precision`` is of the network's matrix products.
    Another device or precision, or weights that do not fit, raise CheckpointError.
    """
    if precision not in PRECISIONS:
        raise CheckpointError(f"precision: expected {PRECISIONS}, found {precision!r}")
    chosen = choose_device(device)
    return Embedder(checkpoint, load_network(checkpoint), getattr(torch, precision)).to(chosen)


def choose_device(device: str) -> torch.device:
    """Device by name, ``cpu``, ``cuda``, or ``auto``: a GPU if there is one; or CheckpointError."""
    if device not in DEVICES:
        raise CheckpointError(f"device: expected one of {DEVICES}, found {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise CheckpointError("device: cuda asked for, but torch finds no GPU; auto takes the CPU")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read named tensors without executing anything stored beside them.

    ``path`` is a ``.safetensors``, or a ``.pt`` / ``.pth`` with a dict of tensors; else
    CheckpointError.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        if isinstance(tensors, dict):
            tensors = tensors.get("model", tensors)  # DeiT's files hold the weights under this key
    except Exception as error:
        raise CheckpointError(f"{path}: not a readable checkpoint: {error}") from error
    if not isinstance(tensors, dict) or not all(isinstance(v, Tensor) for v in tensors.values()):
        raise CheckpointError(f"{path}: expected a dict of named tensors, as PaSST releases them")
    return tensors


def check_tensors(found: dict[str, Tensor], expected: dict[str, Tensor], where: str) -> None:
    """Raise CheckpointError with every missing, extra, wrongly shaped and not finite tensor."""
    problems = [f"missing {name}" for name in expected if name not in found]
    problems += [f"unexpected {name}" for name in found if name not in expected]
    problems += [
        f"{name}: NaN or infinite values" for name, t in found.items() if not t.isfinite().all()
    ]
    problems += [
        f"{name}: expected shape {tuple(tensor.shape)}, found {tuple(found[name].shape)}"
        for name, tensor in expected.items()
        if name in found and found[name].shape != tensor.shape
    ]
    if problems:
        raise CheckpointError(f"{where} does not fit the network:\n  " + "\n  ".join(problems))


def infer_architecture(tensors: dict[str, Tensor]) -> Architecture:
    """Read the network's shape off its tensors; heads are 64 wide as in every ViT released.

    CheckpointError names those that are missing.
    """
    needed = ("cls_token", "head.1.weight", "time_new_pos_embed")
    if missing := [name for name in needed if name not in tensors]:
        raise CheckpointError(f"not a PaSST checkpoint: missing {', '.join(missing)}")
    dim = tensors["cls_token"].shape[-1]
    blocks = {m[1] for name in tensors if (m := re.match(r"blocks\.(\d+)\.", name))}
    return Architecture(
        embed_dim=dim,
        depth=len(blocks),
        num_heads=max(1, dim // 64),
        n_classes=tensors["head.1.weight"].shape[0],
        n_time_patches=tensors["time_new_pos_embed"].shape[-1],
    )
