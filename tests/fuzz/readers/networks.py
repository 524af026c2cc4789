"""Networks of other programs: files of ONNX, folders of transformers."""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.torch import save

from hear.api.model import HearModel
from hear.api.source import ModelError
from tests.fuzz.mutations import INTEGERS, TEXTS, damaged, json_files
from tests.fuzz.readers.tasks import write
from tests.fuzz.watch import Reader
from zoo import onnx_file, transformers_folder

Files = dict[str, bytes]
Message = list[tuple[int, Any]]  # of protocol buffers: numbers and values of its fields
HOP = 800  # samples between frames

# Fields of onnx.proto that a network of one convolution needs.
WEIGHTS = np.arange(2 * HOP, dtype=np.float32).reshape(2, 1, HOP) / HOP
PLACES = (
    "weights.bin", "weights.bin", "../escaped", "/etc/passwd", "", ".", "no such file", "\0",
    "network.onnx", "*/_ORT_MEM_ADDR_/*", "n" * 300, "weights.bin\0", "../inside/weights.bin",
)  # fmt: skip

# A small Wav2Vec2 and its feature extractor, as transformers writes them.
CONFIG = {
    "model_type": "wav2vec2", "architectures": ["Wav2Vec2Model"], "hidden_size": 8,
    "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 2,
    "num_feat_extract_layers": 2, "conv_dim": [4, 4], "conv_kernel": [10, 3],
    "conv_stride": [5, 64], "num_conv_pos_embeddings": 2, "num_conv_pos_embedding_groups": 2,
}  # fmt: skip
EXTRACTOR = {
    "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1,
    "padding_side": "right", "sampling_rate": 16000, "padding_value": 0.0, "do_normalize": True,
}  # fmt: skip


def encoded(value: Any) -> bytes:
    """A message of protocol buffers: numbers as varints or float32, all else with its length."""
    parts = []
    for field, part in value:
        if isinstance(part, int):
            parts.append(_varint(8 * field) + _varint(part % 2**64))
        elif isinstance(part, float):
            parts.append(_varint(8 * field + 5) + struct.pack("<f", part))
        else:
            content = part if isinstance(part, bytes) else b""
            content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else content
            content = encoded(part) if isinstance(part, list) else content
            parts.append(_varint(8 * field + 2) + _varint(len(content)) + content)
    return b"".join(parts)


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > 127:
        content.append(number % 128 + 128)
        number //= 128
    return bytes(content) + bytes([number])


def _tensor(name: str, kind: int, array: np.ndarray) -> Message:
    return [*((1, n) for n in array.shape), (2, kind), (8, name), (9, array.tobytes())]


def _value(name: str, axes: Iterable[int | str]) -> Message:
    dims: Message = [(1, [(1, axis) if isinstance(axis, int) else (2, axis)]) for axis in axes]
    return [(1, name), (2, [(1, [(1, 1), (2, dims)])])]


def _node(kind: str, inputs: list[str], output: str, attributes: Message | None = None) -> Message:
    return [*((1, name) for name in inputs), (2, output), (4, kind), *(attributes or [])]


def network(axes: tuple[int | str, int | str] = ("n", "t")) -> Message:
    """A network that maps audio to two numbers per hop, as onnx.proto's ModelProto."""
    strides = [(1, "strides"), (8, HOP), (20, 7)]
    order = [(1, "perm"), (8, 0), (8, 2), (8, 1), (20, 7)]
    graph: Message = [
        (1, _node("Unsqueeze", ["audio", "axes"], "x")),
        (1, _node("Conv", ["x", "kernel"], "y", [(5, strides)])),
        (1, _node("Transpose", ["y"], "frames", [(5, order)])),
        (2, "network"),
        (5, _tensor("axes", 7, np.array([1], np.int64))),
        (5, _tensor("kernel", 1, WEIGHTS)),
        (11, _value("audio", axes)),
        (12, _value("frames", ("n", "frames", 2))),
    ]
    return [(1, 8), (8, [(1, ""), (2, 17)]), (7, graph)]


def _outside(location: str, more: Iterable[tuple[str, str]] = ()) -> Message:
    """The same network, whose weights are in another file."""
    model = network()
    graph: Message = dict(model)[7]
    entries = [("location", location), *more]
    kernel: Message = [(1, 2), (1, 1), (1, HOP), (2, 1), (8, "kernel"), (14, 1)]
    kernel += [(13, [(1, key), (2, value)]) for key, value in entries]
    graph[5] = (5, kernel)
    return model


def _places(message: Message) -> Iterator[tuple[Message, int]]:
    """Every field of a message and of those in it."""
    for i, (_, value) in enumerate(message):
        yield message, i
        if isinstance(value, list):
            yield from _places(value)


@st.composite
def _networks(draw: Any) -> Files:
    """Networks with one to three fields changed, or with weights in another file."""
    model = draw(st.sampled_from((("n", "t"), ("n", "t"), (1, 8 * HOP), (1, "t"), (2, 3)))
                 .map(network))  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        numbers = st.sampled_from((*map(str, INTEGERS), "-1", "x", ""))
        keys = st.sampled_from(("offset", "length", "checksum", "location"))
        model = _outside(
            draw(st.sampled_from(PLACES)), draw(st.lists(st.tuples(keys, numbers), max_size=2))
        )
    else:
        values = st.sampled_from((*INTEGERS, *TEXTS, 0.5, 1, 2, 3, 7, 10, HOP, []))
        for _ in range(draw(st.integers(1, 3))):
            holder, i = draw(st.sampled_from(list(_places(model))))
            field, value = holder[i]
            kind = draw(st.integers(0, 6))
            if kind == 0:
                del holder[i]
            elif kind == 1:
                holder.insert(i, (field, value))
            elif kind == 2:
                holder[i] = (draw(st.integers(1, 30)), value)
            elif kind == 3 and isinstance(value, bytes):
                holder[i] = (field, draw(damaged([value])) if value else b"x")
            else:
                holder[i] = (field, draw(values))
            if not model:
                break
    content = encoded(model)
    if content and draw(st.integers(0, 5)) == 0:
        content = draw(damaged([content]))
    return {"network.onnx": content, "weights.bin": WEIGHTS.tobytes()}


def _run_onnx(case: Files, inside: Path) -> None:
    torch.set_num_threads(1)
    write(inside / "in", case)
    weights = inside / "in" / ("network.onnx" if len(case) == 1 else "")
    _embed(HearModel(onnx_file.__name__, str(weights), {"sample_rate": 16_000, "hop_ms": 50.0}))


@functools.cache
def _tensors() -> bytes:
    """Weights of the small Wav2Vec2."""
    import transformers

    torch.manual_seed(0)
    model = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**CONFIG))
    return save(model.state_dict(), {"format": "pt"})


@st.composite
def _folders(draw: Any) -> Files:
    """Folders of which one JSON file or the weights are changed."""
    case = _folder()
    name = draw(st.sampled_from(("config.json", "config.json", "preprocessor_config.json")))
    case[name] = draw(json_files([json.loads(case[name])]))
    if draw(st.integers(0, 9)) == 0:
        case["model.safetensors"] = draw(damaged([_tensors()]))
    return case


def _folder() -> Files:
    documents = {"config.json": CONFIG, "preprocessor_config.json": EXTRACTOR}
    return {name: json.dumps(document).encode() for name, document in documents.items()}


def _run_transformers(case: Files, inside: Path) -> None:
    torch.set_num_threads(1)
    write(inside / "in", {"model.safetensors": _tensors()} | case)
    _embed(HearModel(transformers_folder.__name__, str(inside / "in")))


def _has_config(case: Files) -> bool:
    """Tell whether config.json is a JSON object."""
    try:
        return isinstance(json.loads(case["config.json"]), dict)
    except (ValueError, RecursionError):
        return False


def _embed(model: HearModel) -> None:
    audio = torch.zeros(2, model.sample_rate // 2)
    for view in ("scene", "timestamp"):
        levels, times_ms = model.embed(audio, view)
        assert levels["E"].dtype == torch.float32 and (view == "scene" or times_ms is not None)


def _has_graph(case: Files) -> bool:
    """Tell whether a file is a message of which a part, as a graph is, is one too."""
    fields = _fields(case["network.onnx"])
    return any(number == 7 and _fields(value) for number, value in fields or ())


def _fields(content: bytes) -> list[tuple[int, bytes]] | None:
    """Parts of a message that have a length; None if it is none."""
    found, at = [], 0

    def number() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte, at = content[at], at + 1
            value, shift = value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    try:
        while at < len(content):
            field, kind = divmod(number(), 8)
            if kind == 0:
                number()
                continue
            size = {1: 8, 5: 4}[kind] if kind != 2 else number()
            if at + size > len(content):
                return None
            found += [(field, content[at : at + size])] * (kind == 2)
            at += size
    except (IndexError, KeyError):
        return None
    return found


def readers() -> list[Reader]:
    """Readers of this module."""
    seeds = [{"network.onnx": encoded(m)} for m in (network(), network((1, 8 * HOP)))]
    seeds += [{"network.onnx": encoded(_outside("weights.bin")), "weights.bin": WEIGHTS.tobytes()}]
    return [
        Reader(
            "networks of ONNX", _networks(), _run_onnx, (ModelError,), ("zoo.onnx_file",),
            "a message of protocol buffers with a graph", _has_graph, seeds,
            lambda content: {"network.onnx": content}, needs="onnxruntime",
        ),
        Reader(
            "folders of transformers", _folders(), _run_transformers, (ModelError,),
            ("zoo.transformers_folder",), "a config that is a JSON object", _has_config,
            [_folder()], needs="transformers",
        ),
    ]  # fmt: skip
