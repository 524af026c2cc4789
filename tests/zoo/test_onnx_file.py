"""Networks in ONNX files, on a stand-in for ONNX Runtime whose files say in JSON what is run."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from hear.api.model import HearModel
from hear.api.source import ModelError
from hear.api.validate import validate_model
from zoo import onnx_file

ADAPTER = onnx_file.__file__
STAND_IN = """
import json
import numpy as np

HOP = 800
class SessionOptions: pass
class Value:
    def __init__(self, name, type, shape): self.name, self.type, self.shape = name, type, shape
def get_available_providers(): return ["AzureExecutionProvider", "CPUExecutionProvider"]

class InferenceSession:
    def __init__(self, path, settings, providers):
        assert settings.intra_op_num_threads >= 1 and providers == ["CPUExecutionProvider"]
        self.says = json.load(open(path))
    def get_inputs(self):
        return [Value(*given) for given in self.says["inputs"]]
    def get_outputs(self):
        return [Value(name, "tensor(float)", []) for name in self.says["outputs"]]
    def run(self, names, given):
        (value,), (audio,) = self.get_inputs(), given.values()
        assert list(given) == [value.name] and audio.dtype == np.float32
        for axis, size in enumerate(value.shape):
            assert audio.shape[axis] == size or isinstance(size, str), audio.shape
        n = audio.shape[1] // HOP
        hops = audio[:, : n * HOP].reshape(len(audio), n, HOP)
        frames = np.stack((np.abs(hops).mean(2), hops.std(2)), axis=2)
        return [getattr(np, self.says["outputs"][names[0]])(frames)]
"""
HAS_ONNX = all(map(importlib.util.find_spec, ("onnx", "onnxruntime")))
ONE = {"inputs": [["audio", "tensor(float)", ["n", "t"]]], "outputs": {"frames": "float32"}}
KEYS = {"sample_rate": 16000, "hop_ms": 50.0}


@pytest.mark.skipif(not HAS_ONNX, reason="needs onnx and onnxruntime")
def test_a_real_file_gives_what_its_network_computes(tmp_path):
    """A mean over hops, as one convolution."""
    from onnx import TensorProto, helper, numpy_helper, save

    float_, sizes = TensorProto.FLOAT, {"audio": ["n", "t"], "frames": ["n", "f", 1]}
    values = [helper.make_tensor_value_info(name, float_, of) for name, of in sizes.items()]
    hop = 800
    graph = helper.make_graph(
        [
            helper.make_node("Unsqueeze", ["audio", "axes"], ["sounds"]),
            helper.make_node("Conv", ["sounds", "kernel"], ["means"], strides=[hop]),
            helper.make_node("Transpose", ["means"], ["frames"], perm=[0, 2, 1]),
        ],
        "network",
        values[:1],
        values[1:],
        [
            numpy_helper.from_array(np.array([1]), "axes"),
            numpy_helper.from_array(np.full((1, 1, hop), 1 / hop, np.float32), "kernel"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, tmp_path / "network.onnx")
    audio = torch.rand(3, 5 * hop, generator=torch.Generator().manual_seed(0)) - 0.5
    found = HearModel(ADAPTER, str(tmp_path / "network.onnx"), KEYS)
    means = audio.unfold(1, hop, hop).mean(2, keepdim=True)
    torch.testing.assert_close(found.embed(audio, "timestamp")[0]["E"], means, rtol=0, atol=1e-6)
    torch.testing.assert_close(
        found.embed(audio, "scene")[0]["E"], means.mean(1), rtol=0, atol=1e-6
    )


@pytest.fixture
def runtime(monkeypatch):
    module = ModuleType("onnxruntime")
    exec(STAND_IN, vars(module))
    monkeypatch.setitem(sys.modules, "onnxruntime", module)


def write(folder: Path, shape=("n", "t"), **says) -> str:
    path = folder / "network.onnx"
    inputs = [["audio", "tensor(float)", list(shape)]]
    path.write_text(json.dumps(ONE | {"inputs": inputs} | says))
    return str(path)


def noise(n_samples: int) -> torch.Tensor:
    return torch.rand(2, n_samples, generator=torch.Generator().manual_seed(0)) - 0.5


def test_frames_and_their_mean(runtime, tmp_path):
    model = HearModel(ADAPTER, write(tmp_path), KEYS)
    audio = noise(16_000)
    frames, times = model.embed(audio, "timestamp")
    assert frames["E"].shape == (2, 20, 2) and times.tolist() == [25.0 + 50 * i for i in range(20)]
    torch.testing.assert_close(frames["E"][:, 3, 0], audio[:, 2400:3200].abs().mean(1))
    torch.testing.assert_close(model.embed(audio, "scene")[0]["E"], frames["E"].mean(1))


@pytest.mark.parametrize("window", [8000, 8400, 8799])
@pytest.mark.parametrize("n_samples", [2_400, 8_000, 8_800, 12_000, 16_000, 16_400])
def test_one_sound_of_one_length_embeds_clips_of_any(runtime, tmp_path, window, n_samples):
    """As exporters without dynamic axes write it: the same frames as from a network without."""
    free = HearModel(ADAPTER, write(tmp_path), KEYS)
    fixed = HearModel(ADAPTER, write(tmp_path, (1, window)), KEYS)
    audio = noise(n_samples)
    for view in ("scene", "timestamp"):
        expected, times = free.embed(audio, view)
        found, found_times = fixed.embed(audio, view)
        n_whole = n_samples // 800  # a frame that the clip's end cuts has its middle inside
        if view == "timestamp":
            assert found_times.tolist() == [25.0 + 50 * i for i in range(len(found_times))]
            assert times is not None and torch.equal(found_times[:n_whole], times)
            found = {"E": found["E"][:, :n_whole]}
        if view == "timestamp" or n_samples % 800 == 0:
            torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("shape", [("n", "t"), (1, "t"), (1, 8000)])
def test_it_is_validated_like_any_model(runtime, tmp_path, shape):
    report = validate_model(ADAPTER, write(tmp_path, shape), KEYS)
    assert report["scene_embedding_size"] == 2 and report["timestamp_hop_ms"] == 50
    assert report["shortest_scene_clip_s"] == 0.1
    assert all("later events are lost" in text for text in report["warnings"])  # a part of a hop


def test_embeddings_without_frames_are_for_scenes(runtime, tmp_path, monkeypatch):
    session = sys.modules["onnxruntime"].InferenceSession
    with_frames = session.run
    monkeypatch.setattr(session, "run", lambda *given: [with_frames(*given)[0].max(1)])
    for shape in (("n", "t"), (1, 8000)):
        path = write(tmp_path, shape)
        report = validate_model(ADAPTER, path, {"sample_rate": 16000}, kinds=["scene"])
        assert report["scene_embedding_size"] == 2
        model = HearModel(ADAPTER, path, {"sample_rate": 16000})
        assert model.embed(noise(16_000), "scene")[0]["E"].shape == (2, 2)
        with pytest.raises(ModelError, match="'frames' has no frames.*is for scene tasks"):
            validate_model(ADAPTER, path, {"sample_rate": 16000})


def test_a_worker_needs_numpy_and_the_runtime_alone(tmp_path):
    """The stand-in has another name: a worker would find the real one where that is installed."""
    text = Path(ADAPTER).read_text().replace("import onnxruntime", "import stand_in as onnxruntime")
    (tmp_path / "onnx_file.py").write_text(text)
    without_torch = "import sys\nsys.modules.setdefault('torch', None)\n"
    (tmp_path / "stand_in.py").write_text(STAND_IN + without_torch)
    adapter, path = str(tmp_path / "onnx_file.py"), write(tmp_path)
    worker = {"python": sys.executable, "timeout_s": 60}
    here, there = HearModel(adapter, path, KEYS), HearModel(adapter, path, KEYS, worker)
    for view in ("scene", "timestamp"):
        (expected, times), (found, found_times) = (
            m.embed(noise(8000), view) for m in (here, there)
        )
        assert torch.equal(found["E"], expected["E"])
        assert times is None or torch.equal(found_times, times)
    assert here.fingerprint() == there.fingerprint()
    report = validate_model(adapter, path, KEYS, worker)
    assert report["timestamp_hop_ms"] == 50 and report["weights_sha256"] is None


@pytest.mark.parametrize(
    ("says", "options", "message"),
    [
        ({"shape": ("n", 1, "t")}, {}, r"expected one input.*audio: tensor\(float\) \['n', 1, 't'"),
        ({"shape": (4, "t")}, {}, "with one sound or any number, found audio"),
        ({"inputs": [["ids", "tensor(int64)", ["n", "t"]]]}, {}, r"found ids: tensor\(int64\)"),
        ({"inputs": 2 * ONE["inputs"]}, {}, "expected one input"),
        ({"outputs": {"a": "float32", "b": "float32"}}, {}, "output: .* of a, b, found none"),
        ({}, {"output": "frame"}, "output: expected one of frames, found 'frame'"),
        ({"outputs": {"frames": "float64"}}, {}, r"output: expected float32 .*found float64"),
        ({"outputs": {"frames": "ravel"}}, {}, r"output: expected float32 .*found float32 \(40,\)"),
        ({}, {"hop_ms": None}, "hop_ms: expected how far apart the frames of 'frames' are"),
        ({}, {"hop_ms": 200}, "expected timestamps inside the clip"),
        ({"shape": (1, 8000)}, {"hop_ms": 200}, "hop_ms: .*takes, found the last at 1900 ms"),
        ({"shape": (1, 8000)}, {"hop_ms": 20}, "hop_ms: .*takes, found the last at 190 ms"),
        ({}, {"hop_ms": 20}, "expected timestamps up to the end of the clip"),
    ],
)  # fmt: skip
def test_mistakes_are_named(runtime, tmp_path, says, options, message):
    with pytest.raises(ModelError, match=message):
        validate_model(ADAPTER, write(tmp_path, **says), KEYS | options)


def test_files_that_are_none(runtime, tmp_path):
    path = Path(write(tmp_path))
    with pytest.raises(ValueError, match=r"weights: expected an .onnx file, found 'no.onnx'"):
        onnx_file.load_model("no.onnx", **KEYS)
    assert onnx_file.load_model(str(tmp_path), **KEYS).sample_rate == 16000
    path.write_text("{")
    with pytest.raises(ValueError, match="weights: .*network.onnx: Expecting"):
        onnx_file.load_model(str(path), **KEYS)
    (tmp_path / "other.onnx").touch()
    with pytest.raises(ValueError, match=r"one .onnx file in .*, found network.onnx, other.onnx"):
        onnx_file.load_model(str(tmp_path), **KEYS)


def test_tensors_in_other_files_need_the_folder(tmp_path):
    """Else a change of theirs would go unseen: hashes are of the files that the config names."""
    entry = b"\x0a\x08location\x12\x0cnetwork.data"  # of TensorProto.external_data in onnx.proto
    path = tmp_path / "network.onnx"
    path.write_bytes(b"\x08\x0a" + entry + entry + b"\x0a\x06offset\x12\x010")
    (tmp_path / "network.data").touch()
    with pytest.raises(ValueError, match="keeps tensors in network.data: name the folder"):
        onnx_file.find_file(str(path))
    assert onnx_file.find_file(str(tmp_path)) == path


def test_a_missing_runtime_is_named_with_both_ways_to_have_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        ModelError, match=r"pip install onnxruntime, or environment: \{requirements"
    ):
        HearModel(ADAPTER, write(tmp_path), KEYS)
