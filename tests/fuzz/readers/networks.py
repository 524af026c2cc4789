"""Networks of other programs: files of ONNX, and folders of transformers."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.torch import save

from hear.api.model import HearModel
from hear.api.source import ModelError
from tests.fuzz.mutations import INTEGERS, TEXTS, as_json, damaged, edited, json_files
from tests.fuzz.readers.tasks import is_object, write
from tests.fuzz.readers.weights import Executed, is_safetensors, is_zip, saved
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


CONV = {
    "model_type": "wav2vec2", "hidden_size": 4, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 4, "conv_dim": [4, 4], "conv_kernel": [10, 3], "conv_stride": [5, 64],
    "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2,
    "vocab_size": 4, "feat_extract_norm": "group", "do_stable_layer_norm": False,
}  # fmt: skip
PATCHES = {
    "model_type": "audio-spectrogram-transformer", "hidden_size": 4, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 4, "patch_size": 16, "time_stride": 10,
    "frequency_stride": 10, "num_mel_bins": 26, "max_length": 40,
}  # fmt: skip
WAVES = {
    "feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16000, "feature_size": 1,
    "padding_value": 0.0, "do_normalize": True, "return_attention_mask": False,
}  # fmt: skip
BANDS = {
    "feature_extractor_type": "ASTFeatureExtractor", "sampling_rate": 16000, "num_mel_bins": 26,
    "max_length": 40, "mean": -4.0, "std": 4.0, "do_normalize": True,
}  # fmt: skip
SIZES = (0, 1, 2, 3, 4, 8, -1, 100, 10**6, 2**31, 2**40, 0.5, "4", None, [4])
KEYS = ("auto_map", "architectures", "dtype", "torch_dtype", "quantization_config", "_name_or_path",
        "is_encoder_decoder", "attn_implementation", "output_attentions", "model_type",
        "base_model_ep_plan", "transformers_weights", "_commit_hash")  # fmt: skip


@cache
def _folder(kind: str) -> Files:
    """A valid folder, as save_pretrained writes it."""
    import transformers

    config, extractor = (CONV, WAVES) if kind == "conv" else (PATCHES, BANDS)
    torch.manual_seed(0)
    made = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(**config))
    return {
        "config.json": as_json(config), "preprocessor_config.json": as_json(extractor),
        "model.safetensors": save(made.state_dict(), metadata={"format": "pt"}),
    }  # fmt: skip


@st.composite
def _folders(draw: Any) -> Files:
    """Folders with a few values changed, other weights, or files that they had better not have."""
    files = dict(_folder(draw(st.sampled_from(("conv", "patches")))))
    kind = draw(st.integers(0, 9))
    if kind < 5:
        name = draw(st.sampled_from(("config.json", "config.json", "preprocessor_config.json")))
        document = json.loads(files[name])
        if draw(st.booleans()):
            values = st.sampled_from(SIZES) | st.sampled_from(TEXTS[:20])
            for _ in range(draw(st.integers(1, 2))):
                key = draw(st.sampled_from((*document, *KEYS)))
                document[key] = draw(values)
            files[name] = as_json(document)
        else:
            files[name] = draw(json_files([document]))
    elif kind < 7:
        weights = files["model.safetensors"]
        size = int.from_bytes(weights[:8], "little")
        text = as_json(draw(edited([json.loads(weights[8 : 8 + size])])))
        other = len(text).to_bytes(8, "little") + text + weights[8 + size :]
        files["model.safetensors"] = draw(st.just(other) | st.just(other) | damaged([weights]))
    elif kind == 7:
        del files["model.safetensors"]
        pickle = draw(st.sampled_from((Executed(), {"a": Executed()}, {}, [torch.ones(1)])))
        files["pytorch_model.bin"] = saved(pickle)
    elif kind == 8:
        names = ("model.safetensors", "../escaped", "/etc/passwd", "no file", "", 1, None)
        place = draw(st.sampled_from(names))
        index = {"metadata": {"total_size": 1}, "weight_map": {"a": place}}
        files["model.safetensors.index.json"] = draw(json_files([index]))
        if draw(st.booleans()):
            del files["model.safetensors"]
    else:
        other_name = ("adapter_config.json", "processor_config.json", "generation_config.json",
                      "modeling.py", "model.safetensors")  # fmt: skip
        files[draw(st.sampled_from(other_name))] = draw(st.sampled_from((b"", b"{}", b"[]", b"x")))
    return files


def _run_transformers(case: Files, inside: Path) -> None:
    torch.set_num_threads(1)
    write(inside / "in", case)
    _embed(HearModel(transformers_folder.__name__, str(inside / "in")))


def _is_model(case: Files) -> bool:
    weights = [*filter(is_safetensors, case.values()), *filter(is_zip, case.values())]
    return is_object(case["config.json"]) and bool(weights)


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
            ("zoo.transformers_folder",), "a config that is a JSON object, and weights",
            _is_model, needs="transformers",
        ),
    ]  # fmt: skip
