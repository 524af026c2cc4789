"""Folders of Hugging Face's transformers, on a stand-in for the package and its networks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file

from hear.api.model import HearModel
from hear.api.source import ModelError
from hear.api.validate import validate_model
from zoo import transformers_folder

ADAPTER = transformers_folder.__file__
# The interface as of transformers 5: a convolution over samples (Wav2Vec2), patches of a log
# spectrum of fixed length behind two tokens (AST), and an encoder of 2 s of it (Whisper's 30).
STAND_IN = """
import json
import types
from pathlib import Path
import torch
from safetensors.torch import load_file
from torch import nn

class Extractor:
    def __init__(self, folder):
        vars(self).update(json.loads((folder / "preprocessor_config.json").read_text()))

    def __call__(self, clips, sampling_rate, return_tensors):
        assert sampling_rate == self.sampling_rate and return_tensors == "pt"
        audio = torch.stack([torch.from_numpy(clip) for clip in clips])
        if "n_frames" not in vars(self):
            return {"input_values": audio}
        hops = audio.unfold(1, 160, 160)[:, : self.n_frames]
        frames = torch.stack((hops.abs().mean(2), hops.std(2)), dim=1)
        padding = self.n_frames - frames.shape[2]
        return {"input_features": nn.functional.pad(frames, (0, padding), value=9.0)}

class Network(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, n_in = config, vars(config).get("n_input", 2)
        kernels = vars(config).get("conv_kernel", [vars(config).get("patch_size", 10)])
        strides = vars(config).get("conv_stride", [10])
        self.embed = nn.Sequential(*(
            nn.Conv1d(n_in if i == 0 else 4, 4, kernels[i], strides[i], bias=False)
            for i in range(len(kernels))
        ))
        self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(config.num_hidden_layers))
        self.masked_spec_embed = nn.Parameter(torch.rand(4))

    def get_encoder(self):
        return self

    def forward(self, input_values=None, input_features=None, output_hidden_states=False):
        x = input_values[:, None] if input_values is not None else input_features
        x = self.embed(x).transpose(1, 2)
        if "time_stride" in vars(self.config):  # two tokens, then frequency by frequency
            x = torch.cat((torch.full_like(x[:, :2], 5.0), x, 3 * x), dim=1)
        states = [x]
        for block in self.blocks:
            states.append(block(states[-1]))
        hidden = tuple(states) if output_hidden_states else None
        return types.SimpleNamespace(last_hidden_state=states[-1], hidden_states=hidden)

class AutoFeatureExtractor:
    @staticmethod
    def from_pretrained(folder, local_files_only, trust_remote_code):
        assert local_files_only and not trust_remote_code
        return Extractor(folder)

class AutoModel:
    @staticmethod
    def from_pretrained(
        folder, weights_only, output_loading_info, local_files_only, trust_remote_code
    ):
        assert weights_only and output_loading_info and local_files_only and not trust_remote_code
        network = Network(types.SimpleNamespace(**json.loads((folder / "config.json").read_text())))
        found = network.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
        return network, {"missing_keys": found.missing_keys}
"""
CONV = {"conv_kernel": [10, 3], "conv_stride": [5, 64], "n_input": 1, "hidden_size": 4,
        "num_hidden_layers": 2}  # fmt: skip
PATCHES = {"patch_size": 16, "time_stride": 10, "frequency_stride": 10, "num_mel_bins": 26,
           "max_length": 200, "hidden_size": 4, "num_hidden_layers": 2}  # fmt: skip
POSITIONS = {"max_source_positions": 20, "is_encoder_decoder": True, "hidden_size": 4,
             "num_hidden_layers": 2}  # fmt: skip
NETWORKS = {"conv": (CONV, {}), "patches": (PATCHES, {"n_frames": 200}),
            "positions": (POSITIONS, {"n_frames": 200, "chunk_length": 2})}  # fmt: skip


@pytest.fixture
def package(monkeypatch):
    module = ModuleType("transformers")
    exec(STAND_IN, vars(module))
    monkeypatch.setitem(sys.modules, "transformers", module)
    return module


@pytest.fixture
def save(package, tmp_path):
    """Write a folder as ``save_pretrained`` does, without ``masked_spec_embed``."""

    def save_(name: str, config: dict | None = None, extractor: dict | None = None) -> str:
        torch.manual_seed(0)
        config = NETWORKS[name][0] | (config or {})
        extractor = {"sampling_rate": 16000} | NETWORKS[name][1] | (extractor or {})
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "preprocessor_config.json").write_text(json.dumps(extractor))
        tensors = package.Network(package.types.SimpleNamespace(**config)).state_dict()
        del tensors["masked_spec_embed"]
        save_file(tensors, folder / "model.safetensors")
        return str(folder)

    return save_


def noise(n_samples: int, n_sounds: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n_sounds, n_samples, generator=generator) - 0.5


def test_convolutions_say_where_frames_lie(save):
    """Kernels of 10 and 3 samples with strides of 5 and 64 see 20 samples every 320."""
    model = HearModel(ADAPTER, save("conv"))
    frames, times = model.embed(noise(16_000), "timestamp")
    assert times[:2].tolist() == pytest.approx([0.625, 20.625]) and frames["E"].shape[2] == 4
    torch.testing.assert_close(model.embed(noise(16_000), "scene")[0]["E"], frames["E"].mean(1))


def test_a_block_is_what_it_returns(save):
    folder, audio = save("conv"), noise(4_000)
    at = [HearModel(ADAPTER, folder, {"block": n}).embed(audio, "timestamp")[0]["E"]
          for n in range(3)]  # fmt: skip
    network = HearModel(ADAPTER, folder).model.network
    torch.testing.assert_close(at[1], network.blocks[0](at[0]))
    torch.testing.assert_close(at[2], network.blocks[1](at[1]))
    assert torch.equal(HearModel(ADAPTER, folder).embed(audio, "timestamp")[0]["E"], at[2])


def test_patches_are_averaged_over_frequency_and_end_with_the_clip(save):
    """Tokens before the patches are no frames; what pads the spectrum to 2 s is left out."""
    model = HearModel(ADAPTER, save("patches"), {"block": 0})
    audio = noise(16_000)
    frames, times = model.embed(audio, "timestamp")
    assert times.tolist() == [80.0 + 100 * i for i in range(10)]
    inputs = model.model.extractor(list(audio.numpy()), 16000, "pt")
    expected = 2 * model.model.network.embed(inputs["input_features"])[:, :, :10].transpose(1, 2)
    torch.testing.assert_close(frames["E"], expected)
    torch.testing.assert_close(model.embed(audio, "scene")[0]["E"], expected.mean(1))


@pytest.mark.parametrize(("name", "n_kept"), [("patches", 19), ("positions", 20)])
def test_longer_clips_are_cut_into_windows(save, name, n_kept):
    """Of 2 s, each where the frames of the one before it end, so that all are 100 ms apart."""
    model = HearModel(ADAPTER, save(name))
    first_ms = model.model.grid.first_ms
    audio = noise(2 * 32_000 + 3_200)
    frames, times = model.embed(audio, "timestamp")
    assert times.tolist() == pytest.approx([first_ms + 100 * i for i in range(42)])
    starts = [1600 * n_kept * i for i in range(3)]
    parts = [model.embed(audio[:, s : s + 32_000], "timestamp")[0]["E"] for s in starts]
    expected = torch.cat([*(part[:, :n_kept] for part in parts[:2]), parts[2]], dim=1)
    assert torch.equal(frames["E"], expected)
    n_samples = 2 * 32_000 + 160  # 10 ms beyond, in which no frame has its middle
    assert len(model.embed(audio[:, :n_samples], "timestamp")[1]) == 40


@pytest.mark.parametrize("name", NETWORKS)
def test_they_are_validated_like_any_model(save, name):
    report = validate_model(ADAPTER, save(name))
    assert report["sample_rate"] == 16000 and report["scene_embedding_size"] == 4
    assert report["timestamp_hop_ms"] == pytest.approx(20 if name == "conv" else 100)
    assert report["shortest_scene_clip_s"] == 0.1
    assert all("suggests at most 50" in text for text in report["warnings"])


def test_one_folder_has_one_fingerprint(save):
    """What is only used in training and not in the file is random at every load."""
    folder = save("conv")
    assert HearModel(ADAPTER, folder).fingerprint() == HearModel(ADAPTER, folder).fingerprint()


@pytest.mark.parametrize(
    ("config", "options", "message"),
    [
        ({}, {"block": 3}, "block: expected 0 to 2, found 3"),
        ({}, {"blocks": 1}, "unexpected keyword argument .blocks."),
        ({"hidden_size": 5}, {}, "scene_embedding_size 5, found 4"),
        ({"hidden_size": None}, {}, "config has hidden_size, an int, found None in Network's"),
        (
            {"num_hidden_layers": 3},
            {},
            "weights: .*: no tensors for blocks.2.bias, blocks.2.weight",
        ),
        ({}, {"hop_ms": 200}, "hop_ms: expected 20 as the config tells, found 200"),
        ({}, {"first_ms": 30}, "expected timestamps inside the clip, found 30 to"),
    ],
)
def test_mistakes_are_named(save, config, options, message):
    folder = Path(save("conv"))
    (folder / "config.json").write_text(json.dumps(CONV | config))
    with pytest.raises(ModelError, match=message):
        validate_model(ADAPTER, str(folder), options)


def test_a_hop_that_no_config_tells_comes_from_ours(save):
    folder = Path(save("positions", extractor={"chunk_length": 2}))
    unknown = {key: value for key, value in POSITIONS.items() if key != "max_source_positions"}
    (folder / "config.json").write_text(json.dumps(unknown))
    with pytest.raises(ModelError, match="hop_ms: expected how far apart the frames are"):
        HearModel(ADAPTER, str(folder))
    model = HearModel(ADAPTER, str(folder), {"hop_ms": 100, "first_ms": 10.0})
    assert model.embed(noise(8_000), "timestamp")[1][:2].tolist() == [10.0, 110.0]


def raises(error: Exception):
    """Return a function that takes anything and raises an error."""

    def function(*given, **named):
        raise error

    return function


def test_folders_that_are_none(package, save, monkeypatch):
    with pytest.raises(ModelError, match="weights: expected a folder with config.json, found 'no'"):
        HearModel(ADAPTER, "no")
    folder = Path(save("conv"))
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelError, match="weights: .*conv: "):
        HearModel(ADAPTER, str(folder))
    raised = ValueError("Unrecognized configuration.\nModel type should be one of 200")
    with monkeypatch.context() as patch:
        patch.setattr(package.AutoModel, "from_pretrained", raises(raised))
        with pytest.raises(ModelError, match="weights: .*conv: Unrecognized configuration.'"):
            HearModel(ADAPTER, str(folder))
    folder = Path(save("conv", extractor={"sampling_rate": None}))
    with pytest.raises(ModelError, match="weights: .*conv: Extractor is not of audio"):
        HearModel(ADAPTER, str(folder))


def test_a_config_of_more_weights_than_bytes_is_refused_before_it_is_built(tmp_path):
    config = {"model_type": "wav2vec2", "num_hidden_layers": 2**31, "hidden_size": 16}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"bytes, found 2147483648 layers of width 16"):
        transformers_folder.check_size(tmp_path)


def test_a_missing_package_is_named_with_both_ways_to_have_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelError, match=r"pip install transformers, or environment: \{requirem"):
        HearModel(ADAPTER, str(tmp_path))
