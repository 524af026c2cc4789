"""Checkpoints: released weights, weights from a file, and seeded random weights.

The released files are those of the kkoutini/PaSST releases that hear21passt 0.0.26 loads
(``models/passt.py``, ``default_cfgs``).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from passt.embedder import Embedder
from passt.mel import MelSpectrogram
from passt.transformer import Architecture, PaSST, initialize

# Time positions of the released networks by STFT hop: input_tdim 998, 2000, 3200 over stride 10.
TIME_POSITIONS = {320: 99, 160: 200, 100: 320}
FRONT_END_VERSION = 2  # raise when values of the front end or the windows change

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "bfloat16", "float16")


class CheckpointError(ValueError):
    """A checkpoint that is missing, of other contents than expected, or does not fit."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights and front end of one network.

    Parameters
    ----------
    id : str
        Name in paths, e.g. ``passt_hop10``.
    hop : int
        STFT hop in samples at 32 kHz.
    architecture : Architecture
    file : str or None
        Weights, ``.safetensors`` or ``.pt``; None for random weights.
    sha256 : str or None
        Expected hash of the file, None if unknown.
    seed : int
        Seed of random weights.
    url : str or None
        Where the file is published.
    """

    id: str
    hop: int
    architecture: Architecture = field(default_factory=Architecture)
    file: str | None = None
    sha256: str | None = None
    seed: int = 0
    url: str | None = None

    @property
    def is_random(self) -> bool:
        """True for a network that has learned nothing."""
        return self.file is None

    @classmethod
    def from_config(cls, id: str, entry: dict) -> Checkpoint:
        """Build a checkpoint from its config entry.

        Parameters
        ----------
        id : str
        entry : dict
            Keys of this class and of :class:`Architecture`; ``released: passt_hop10`` takes the
            values of a released checkpoint for every key not given.

        Raises
        ------
        CheckpointError
            If ``released`` names none.
        """
        entry = dict(entry)
        base = {}
        if (released := entry.pop("released", None)) is not None:
            if released not in RELEASED:
                raise CheckpointError(
                    f"checkpoint {id}: released: expected one of {sorted(RELEASED)}, "
                    f"found {released!r}"
                )
            base = asdict(RELEASED[released])
            base["file"] = f"resources/checkpoints/{base['url'].rsplit('/', 1)[1]}"
        entry.pop("init", None)  # "random": no file
        hop = entry.get("hop") or base.get("hop")
        positions = {"n_time_patches": TIME_POSITIONS[hop]} if hop in TIME_POSITIONS else {}
        shape = (
            positions
            | base.pop("architecture", {})
            | {
                key: entry.pop(key)
                for key in list(entry)
                if key in Architecture.__dataclass_fields__
            }
        )
        return cls(**(base | entry | {"id": id, "architecture": Architecture(**shape)}))

    def load(self) -> PaSST:
        """Build the network and fill its weights.

        Raises
        ------
        CheckpointError
            Naming the file and every missing, extra or wrongly shaped tensor.
        """
        network = PaSST(self.architecture)
        if self.file is None:
            return initialize(network, self.seed).eval()
        self.verify()
        tensors = read_tensors(Path(self.file))
        check_tensors(tensors, network.state_dict(), self.file)
        network.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=True)
        return network.eval()

    def embedder(self, device: str = "cpu", precision: str = "float32") -> Embedder:
        """Front end and network, ready to embed.

        Parameters
        ----------
        device : str
            ``cpu``, ``cuda``, or ``auto``: a GPU if there is one.
        precision : str
            ``float32``, or ``bfloat16`` or ``float16`` for the network's matrix products.

        Raises
        ------
        CheckpointError
            If there is no such device, or precision, or the weights do not fit.
        """
        if precision not in PRECISIONS:
            raise CheckpointError(f"precision: expected {PRECISIONS}, found {precision!r}")
        chosen = choose_device(device)
        reduced = getattr(torch, precision)
        return Embedder(MelSpectrogram(self.hop), self.load(), reduced).to(chosen)

    def verify(self) -> None:
        """Check that the file is there and has the expected hash.

        Raises
        ------
        CheckpointError
            Naming the file and both hashes, or where to get it.
        """
        if self.file is None:
            return
        if not Path(self.file).is_file():
            source = f"; download it from {self.url}" if self.url else ""
            raise CheckpointError(f"checkpoint {self.id}: no file {self.file}{source}")
        if self.sha256 and (found := sha256_file(Path(self.file))) != self.sha256:
            raise CheckpointError(
                f"checkpoint {self.id}: {self.file} has sha256 {found}, expected {self.sha256}"
            )

    def fingerprint(self) -> str:
        """sha256 of what determines the embeddings: weights, shape, hop, front-end version."""
        weights = sha256_file(Path(self.file)) if self.file else f"random-init seed {self.seed}"
        facts = [weights, self.hop, asdict(self.architecture), FRONT_END_VERSION]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def choose_device(device: str) -> torch.device:
    """Device by name; ``auto`` takes a GPU if there is one.

    Raises
    ------
    CheckpointError
        If the name is unknown or the device is not there.
    """
    if device not in DEVICES:
        raise CheckpointError(f"device: expected one of {DEVICES}, found {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise CheckpointError("device: cuda asked for, but torch finds no GPU; auto takes the CPU")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


_RELEASES = "https://github.com/kkoutini/PaSST/releases/download"
RELEASED = {
    c.id: c
    for c in (
        Checkpoint(
            "passt_hop10",
            hop=320,
            sha256="302903fa8c4aee817b11dc982da0b29aaf8d11a3e722420476d0a12c9db70c2c",
            url=f"{_RELEASES}/v0.0.1-audioset/passt-s-f128-p16-s10-ap.476-swa.pt",
        ),
        Checkpoint(
            "passt_hop5",
            hop=160,
            architecture=Architecture(n_time_patches=TIME_POSITIONS[160]),
            url=f"{_RELEASES}/v0.0.3-audioset/passt-s-f128-stfthop160-p16-s10-ap.473-swa.pt",
        ),
        Checkpoint(
            "passt_hop3",
            hop=100,
            architecture=Architecture(n_time_patches=TIME_POSITIONS[100]),
            url=f"{_RELEASES}/v0.0.3-audioset/passt-s-f128-stfthop100-p16-s10-ap.473-swa.pt",
        ),
    )
}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read named tensors without executing anything stored beside them.

    Parameters
    ----------
    path : Path
        ``.safetensors``, or ``.pt`` / ``.pth`` holding a dict of tensors.

    Raises
    ------
    CheckpointError
        If the file cannot be read or holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path}: not a readable checkpoint: {error}") from error
    if not isinstance(tensors, dict) or not all(isinstance(v, Tensor) for v in tensors.values()):
        raise CheckpointError(f"{path}: expected a dict of named tensors, as PaSST releases them")
    return tensors


def check_tensors(found: dict[str, Tensor], expected: dict[str, Tensor], where: str) -> None:
    """Compare names and shapes of a checkpoint with those of the network.

    Raises
    ------
    CheckpointError
        Listing every missing, extra, wrongly shaped and not finite tensor.
    """
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

    Raises
    ------
    CheckpointError
        If the tensors that tell the shape are missing.
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


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
