"""Reading, checking and loading of checkpoint weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import torch
from safetensors.torch import load_file
from torch import Tensor

from passt.architecture import N_MELS, Architecture
from passt.checkpoints import Checkpoint, CheckpointError
from passt.embedder import Embedder
from passt.transformer import PaSST, initialize

DEVICES = ("auto", "cpu", "cuda", "mps")
SAVE = "save its tensors alone where it was trained: torch.save(network.state_dict(), FILE)"
PICK = (
    "keep one: torch.save({k.removeprefix('net.'): v for k, v in torch.load(FILE, "
    "weights_only=True)['state_dict'].items() if k.startswith('net.')}, NEW_FILE)"
)
PRECISIONS = ("float32", "bfloat16", "float16")


def load_network(checkpoint: Checkpoint) -> PaSST:
    """Build a checkpoint's network and load its weights; CheckpointError if they do not fit."""
    if checkpoint.file is None:
        return initialize(PaSST(checkpoint.architecture), checkpoint.seed).eval()
    checkpoint.verify()
    tensors = read_tensors(Path(checkpoint.file))
    with torch.device("meta"):  # torch's own random weights would cost what reading the file does
        network = PaSST(checkpoint.architecture)
    check_tensors(tensors, network.state_dict(), checkpoint.file)
    copied = {k: v.to(torch.float32, copy=True) for k, v in tensors.items()}
    network.load_state_dict(copied, strict=True, assign=True)
    return network.eval()


def load_embedder(
    checkpoint: Checkpoint,
    device: str = "cpu",
    precision: str = "float32",
    blocks: Sequence[int] = (),
) -> Embedder:
    """Load front end and network of a checkpoint, ready to embed.

    ``device`` as for `choose_device`, ``precision`` and ``blocks`` as for `Embedder`. An unknown
    device or precision, or weights that do not fit, raise CheckpointError.
    """
    if precision not in PRECISIONS:
        raise CheckpointError(f"precision: expected {PRECISIONS}, found {precision!r}")
    chosen = choose_device(device)
    network = load_network(checkpoint)
    return Embedder(checkpoint, network, getattr(torch, precision), blocks).to(chosen)


def choose_device(device: str) -> torch.device:
    """Device by name: ``cpu``, ``cuda``, ``mps``, or ``auto`` (CUDA if available, else the CPU).

    CheckpointError for an unknown device, or one that torch does not find.
    """
    if device not in DEVICES:
        raise CheckpointError(f"device: expected one of {DEVICES}, found {device!r}")
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        device = "cuda" if found["cuda"] else "cpu"
    elif not found.get(device, True):
        raise CheckpointError(
            f"device: {device} asked for, but torch finds no GPU of its kind; auto takes the CPU"
        )
    return torch.device(device)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a network's named tensors without executing code from the file.

    ``path`` is a ``.safetensors`` file or a file written by ``torch.save``: a dict of tensors, or a
    training state with one such dict (``model`` in DeiT, ``state_dict`` in Lightning). A prefix
    common to the network's tensors (``net.`` in Lightning) is removed; other entries are dropped.
    If the file is unreadable or holds several networks, CheckpointError explains how to convert it.
    """
    try:
        if path.suffix == ".safetensors":
            return _without_prefix(load_file(path), path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:
        refused = re.search(r"GLOBAL (\S+)", str(error))  # by torch's reader of tensors alone
        other = f"it holds more than tensors and plain values: {refused[1]}" if refused else None
        said = str(error).partition("\n")[0]  # torch's own advice is to read it unsafely
        reason = other or ("no file of tensors" if "weights_only" in said else said)
        step = SAVE if other else f"put the file back if it is damaged, else {SAVE}"
        raise CheckpointError(f"{path}: not a readable checkpoint: {reason}; {step}") from error
    if _is_state(content):
        return _without_prefix(content, path)
    states = {k: v for k, v in content.items() if _is_state(v)} if isinstance(content, dict) else {}
    if len(states) != 1:
        keys = ", ".join(map(str, content)) if isinstance(content, dict) else ""
        found = f"a {type(content).__name__}" + (f" of {keys}" if keys else "")
        several = f", of which {', '.join(map(str, states))} are such dicts" if states else ""
        raise CheckpointError(
            f"{path}: expected a dict of named tensors, as PaSST releases them, found "
            f"{found}{several}; {PICK if states else SAVE}"
        )
    return _without_prefix(next(iter(states.values())), path)


def _is_state(content: object) -> TypeGuard[dict[str, Tensor]]:
    """Return whether an object is a dict of named tensors only."""
    if not isinstance(content, dict) or not content:
        return False
    pairs = content.items()
    return all(isinstance(name, str) and isinstance(value, Tensor) for name, value in pairs)


def _without_prefix(tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The tensors of the only network in a dict, by their names without prefix."""
    prefixes = [m[1] for name in tensors if (m := re.fullmatch(r"((?:.*\.)?)cls_token", name))]
    if len(prefixes) > 1:
        found = ", ".join(repr(prefix) for prefix in prefixes)
        raise CheckpointError(
            f"{path}: expected one network, found {len(prefixes)}, whose names begin with {found}; "
            f"{PICK}"
        )
    prefix = prefixes[0] if prefixes else ""
    mine = {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    if odd := [name for name, tensor in mine.items() if not _is_stored(tensor)]:
        expected = "a value in the file for each of a tensor's"
        raise CheckpointError(f"{path}: expected {expected}, found none in {', '.join(odd)}")
    return {name.removeprefix(prefix): tensor for name, tensor in mine.items()}


def _is_stored(tensor: Tensor) -> bool:
    """Return whether a tensor's storage holds all its values: a small file may claim any shape."""
    if tensor.is_nested or tensor.is_meta or tensor.is_quantized or tensor.layout != torch.strided:
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def check_tensors(found: dict[str, Tensor], expected: dict[str, Tensor], where: str) -> None:
    """Raise CheckpointError listing all missing and extra tensors and wrong shapes or types."""
    problems = [f"missing {name}" for name in expected if name not in found]
    problems += [f"unexpected {name}" for name in found if name not in expected]
    for name, wanted in expected.items():
        if name not in found:
            continue
        tensor, shape = found[name], tuple(wanted.shape)
        if tuple(tensor.shape) != shape:
            problems.append(f"{name}: expected shape {shape}, found {tuple(tensor.shape)}")
        elif not tensor.is_floating_point():
            problems.append(f"{name}: expected floating-point values, found {tensor.dtype}")
        elif not tensor.float().isfinite().all():
            problems.append(f"{name}: NaN or infinite values")
    if problems:
        raise CheckpointError(f"{where} does not fit the network:\n  " + "\n  ".join(problems))


def infer_architecture(tensors: dict[str, Tensor]) -> Architecture:
    """Infer the network's shape from its tensors; CheckpointError lists missing tensors.

    Where tensors do not determine it, the shape follows the released networks: heads are 64 wide,
    and both strides are the largest that gives as many rows as there are frequency positions.
    """
    needed = ("cls_token", "head.1.weight", "freq_new_pos_embed", "time_new_pos_embed")
    if missing := [name for name in needed if name not in tensors]:
        raise CheckpointError(f"not a PaSST checkpoint: missing {', '.join(missing)}")
    flat = [name for name in needed if tensors[name].ndim < 2 or 0 in tensors[name].shape]
    if flat:
        raise CheckpointError(f"not a PaSST checkpoint: no values by axes in {', '.join(flat)}")
    dim = tensors["cls_token"].shape[-1]
    blocks = {m[1] for name in tensors if (m := re.match(r"blocks\.(\d+)\.", name))}
    n_rows = tensors["freq_new_pos_embed"].shape[-2]
    strides = [s for s in range(1, N_MELS) if Architecture(fstride=s).n_freq_patches == n_rows]
    if not strides:
        raise CheckpointError(
            f"freq_new_pos_embed: no stride of patches cuts {N_MELS} mel bins into {n_rows} rows"
        )
    return Architecture(
        embed_dim=dim,
        depth=len(blocks),
        num_heads=max(1, dim // 64),
        n_classes=tensors["head.1.weight"].shape[0],
        n_time_patches=tensors["time_new_pos_embed"].shape[-1],
        fstride=strides[-1],
        tstride=strides[-1],
    )
