"""Checkpoint files: PyTorch's and safetensors, damaged, hostile, or of other networks."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st
from safetensors.torch import save
from torch import Tensor

from passt.architecture import Architecture
from passt.checkpoints import Checkpoint, CheckpointError
from passt.transformer import PaSST, initialize
from passt.weights import infer_architecture, load_network, read_tensors
from tests.fuzz.mutations import TEXTS, as_json, damaged, edited
from tests.fuzz.watch import Reader

SHAPE = Architecture(embed_dim=64, depth=1, num_heads=1, n_classes=4, n_time_patches=9)
TYPES = (
    torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.int64, torch.bool,
    torch.complex64, torch.uint8, torch.float8_e4m3fn,
)  # fmt: skip


class Executed:
    """A pickle that runs a command where it is read."""

    def __reduce__(self) -> tuple:
        import os

        return os.system, ("touch executed",)


@cache
def tensors_of_network() -> dict[str, Tensor]:
    """Tensors of a small network, by name."""
    state = initialize(PaSST(SHAPE), 0).state_dict()
    return {name: tensor.half() for name, tensor in state.items()}


def saved(content: Any) -> bytes:
    """What torch.save makes."""
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


@st.composite
def networks(draw: Any, plain: bool = False) -> Any:
    """Tensors of a network of which some are other ones; more than tensors, unless ``plain``."""
    tensors: dict[Any, Any] = dict(tensors_of_network())
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(tensors, key=str)))
        kind = draw(st.integers(0, 7 if plain else 16))
        tensor = tensors_of_network().get(name, torch.zeros(2))
        if kind == 0:
            del tensors[name]
        elif kind == 1:
            tensors[draw(st.sampled_from(TEXTS[:40])).replace("\ud800", "x")] = tensor.clone()
        elif kind == 2:
            tensors[name] = tensor.float().to(draw(st.sampled_from(TYPES)))
        elif kind == 3:
            shape = draw(st.lists(st.sampled_from((0, 1, 2, 3, 64)), max_size=4))
            tensors[name] = torch.zeros(shape)
        elif kind == 4:
            tensors[name] = torch.full_like(
                tensor.float(), draw(st.sampled_from((float("nan"), 1e5)))
            )
        elif kind == 5:
            prefix = draw(st.sampled_from(("net.", "a.b.", "", "cls_token.")))
            tensors = {f"{prefix}{key}": value for key, value in tensors.items()}
        elif kind == 6:
            tensors[f"blocks.{draw(st.sampled_from((1, 99, 10**9)))}.norm1.weight"] = torch.ones(64)
        elif kind == 7:
            tensors[f"x.{name}"] = tensor.clone()
        elif kind == 8:
            shape = draw(st.sampled_from(((10**12,), (2**20, 2**20), (2**62,), tensor.shape)))
            tensors[name] = torch.zeros(1).expand(shape)
        elif kind == 9:
            tensors[name] = torch.zeros(3, 3).to_sparse()
        elif kind == 10:
            tensors[name] = torch.empty(2**40, device="meta")
        elif kind == 11:
            tensors[draw(st.sampled_from((1, None, ("a",), 1.5)))] = tensor.clone()
        elif kind == 12:
            tensors[name] = draw(st.sampled_from((None, 1, "a", [], {}, [torch.ones(1)])))
        elif kind == 13:
            tensors[name] = Executed()
        elif kind == 14:
            tensors[name] = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
        elif kind == 15:
            tensors[name] = torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])
        else:
            tensors[name] = torch.nn.Parameter(tensor.float())
    if not plain:
        return draw(
            st.sampled_from(
                (tensors, tensors, tensors, {"state_dict": tensors, "epoch": 3},
                 {"a": tensors, "b": tensors}, [tensors], Executed(), {"model": tensors,
                 "x": Executed()})
            )
        )  # fmt: skip
    return tensors


PICKLES = (b"cos\nsystem\n(S'touch executed'\ntR.", b"\x80\x02c__builtin__\neval\n(S'1'\ntR.",
           b"\x80\x04\x95" + b"\xff" * 8, b"(" * 1000 + b"t.", b"\x80\x02]" + b"q\0" * 1000 + b".",
           b"\x80\x02X\xff\xff\xff\x7f", b"I" + b"9" * 5000 + b"\n.", b"")  # fmt: skip


@st.composite
def _archives(draw: Any) -> bytes:
    """The zip that torch.save makes with one of its parts replaced."""
    stream, source = io.BytesIO(), zipfile.ZipFile(io.BytesIO(saved(dict(tensors_of_network()))))
    victim = draw(st.sampled_from([info.filename for info in source.infolist()]))
    content = source.read(victim)
    other = draw(st.sampled_from(PICKLES) | damaged([content]))
    with zipfile.ZipFile(stream, "w") as archive:
        for info in source.infolist():
            is_it = info.filename == victim
            archive.writestr(info, other if is_it else source.read(info.filename))
    return stream.getvalue()


@st.composite
def _safetensors(draw: Any) -> bytes:
    """A file of safetensors with a header that says other things."""
    whole = save(dict(tensors_of_network()))
    (size,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + size])
    text = as_json(draw(edited([header])))
    claimed = draw(st.sampled_from((len(text), len(text), len(text), 0, 2**27, 2**63, 2**64 - 1)))
    return struct.pack("<Q", claimed) + text + whole[8 + size :]


def is_zip(case: bytes) -> bool:
    """Tell whether bytes are a zip archive, as torch.save and numpy.savez make it."""
    return zipfile.is_zipfile(io.BytesIO(case))


def is_safetensors(case: bytes) -> bool:
    """Tell whether the header is the JSON object that its length says."""
    try:
        (size,) = struct.unpack("<Q", case[:8])
        return isinstance(json.loads(case[8 : 8 + size]), dict)
    except (struct.error, ValueError, RecursionError, OverflowError):
        return False


def _load(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    tensors = read_tensors(path)
    try:
        shape = infer_architecture(tensors)
        load_network(Checkpoint("inferred", 320, shape, file=str(path)))
    except CheckpointError as error:  # it knows tensors, and its caller the file
        raise CheckpointError(f"{path}: {error}") from error
    load_network(Checkpoint("mine", 320, SHAPE, file=str(path)))


def _to_bytes(content: Any) -> bytes:
    try:
        return saved(content)
    except (NotImplementedError, RuntimeError, pickle.PicklingError):
        return saved(Executed())


def readers() -> list[Reader]:
    """Readers of this module."""
    whole = saved(dict(tensors_of_network()))
    tensors = save(dict(tensors_of_network()))
    pt = networks().map(_to_bytes) | networks().map(_to_bytes) | _archives() | damaged([whole])
    plain = networks(plain=True).map(save) | _safetensors() | _safetensors() | damaged([tensors])
    return [
        Reader(
            "checkpoints of PyTorch", pt, lambda case, inside: _load(case, inside / "w.pt"),
            (CheckpointError,), ("w.pt",), "a zip archive", is_zip, [whole],
        ),
        Reader(
            "checkpoints in safetensors", plain,
            lambda case, inside: _load(case, inside / "w.safetensors"), (CheckpointError,),
            ("w.safetensors",), "a header of JSON as long as it says", is_safetensors, [tensors],
        ),
    ]  # fmt: skip
