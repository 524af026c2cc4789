"""Encoders of X-ARES and XARES-LLM: PaSST as one of them, small ones, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from hear.api.model import HearModel
from hear.api.source import ModelError
from hear.api.validate import validate_model
from passt import hear_api
from zoo import xares_encoder

ADAPTER = xares_encoder.__file__
WEIGHTS = Path(__file__).parents[2] / "resources" / "checkpoints_mini" / "mini_hop10.safetensors"
PASST = f"""
import torch
from passt import hear_api

class PasstEncoder(torch.nn.Module):
    def __init__(self, view):
        super().__init__()
        self.model, self.view = hear_api.load_model({str(WEIGHTS)!r}), view
        self.sampling_rate, self.hop_size_in_ms = 32000, 50
        self.output_dim = self.model.scene_embedding_size

    def forward(self, audio):
        if self.view == "scene":
            return hear_api.get_scene_embeddings(audio, self.model)[:, None]
        return hear_api.get_timestamp_embeddings(audio, self.model)[0]
"""
SMALL = """
import torch

class BandsEncoder(torch.nn.Module):
    sampling_rate, output_dim, hop_size_in_ms = 16000, 2, 40

    def __init__(self, gain=1.0):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(gain))

    def forward(self, audio):
        hops = audio.unfold(1, 640, 640)
        return self.gain * torch.stack((hops.abs().mean(2), hops.square().mean(2)), dim=2)
"""
RETURN = "return self.gain * torch.stack((hops.abs().mean(2), hops.square().mean(2)), dim=2)"
LLM = (  # XARES-LLM: a mask goes in, frames and their mask come out; the last frames are padding
    SMALL.replace("sampling_rate, output_dim, hop_size_in_ms = 16000, 2, 40", "output_dim = 2")
    .replace("audio):", "audio, audio_attention_mask):")
    .replace("hops = audio", "n = int(audio_attention_mask.sum(1)[0]) // 640\n"
             "        audio = torch.nn.functional.pad(audio, (0, 64000))\n        hops = audio")
    .replace(RETURN, RETURN.replace("return", "frames =") + "\n        mask = torch.zeros("
             "frames.shape[:2]).long()\n        mask[:, :n] = 1\n        return frames, mask")
)  # fmt: skip


def write(folder: Path, source: str, name: str = "bands") -> str:
    path = folder / f"{name}.py"
    path.write_text(source)
    return str(path)


def noise(n_samples: int) -> torch.Tensor:
    return torch.rand(2, n_samples, generator=torch.Generator().manual_seed(0)) - 0.5


def test_passt_through_xares_is_passt(tmp_path):
    ours = hear_api.load_model(str(WEIGHTS))
    path, audio = write(tmp_path, PASST, "passt_as_xares"), noise(40_000)
    scenes = HearModel(ADAPTER, options={"module": path, "options": {"view": "scene"}})
    frames = HearModel(
        ADAPTER, options={"module": path, "options": {"view": "event"}, "first_ms": 0}
    )
    assert scenes.sample_rate == 32000
    expected = hear_api.get_scene_embeddings(audio, ours)
    assert torch.equal(scenes.embed(audio, "scene")[0]["E"], expected)
    expected, times = hear_api.get_timestamp_embeddings(audio, ours)
    found, found_times = frames.embed(audio, "timestamp")
    assert torch.equal(found["E"], expected) and torch.equal(found_times, times[0])


def test_frames_and_their_mean(tmp_path):
    model = HearModel(ADAPTER, options={"module": write(tmp_path, SMALL)})
    audio = noise(16_000)
    frames, times = model.embed(audio, "timestamp")
    assert frames["E"].shape == (2, 25, 2) and times.tolist() == [20.0 + 40 * i for i in range(25)]
    torch.testing.assert_close(frames["E"][:, 3, 0], audio[:, 1920:2560].abs().mean(1))
    torch.testing.assert_close(model.embed(audio, "scene")[0]["E"], frames["E"].mean(1))


@pytest.mark.parametrize("source", [SMALL, LLM], ids=["X-ARES", "XARES-LLM"])
def test_it_is_validated_like_any_model(tmp_path, source):
    options = {"module": write(tmp_path, source), "options": {"gain": 2.0}}
    options |= {"sample_rate": 16000, "hop_ms": 40} if source is LLM else {}
    report = validate_model(ADAPTER, options=options)
    assert report["sample_rate"] == 16000 and report["timestamp_hop_ms"] == 40
    assert report["shortest_scene_clip_s"] == 0.1 and not report["warnings"]
    other = validate_model(ADAPTER, options=options | {"options": {"gain": 3.0}}, kinds=["scene"])
    assert report["weights_sha256"] and report["weights_sha256"] != other["weights_sha256"]


@pytest.mark.slow
def test_it_is_the_same_model_in_a_worker(tmp_path):
    options = {"module": write(tmp_path, SMALL)}
    worker = {"python": sys.executable, "timeout_s": 60}
    here, there = HearModel(ADAPTER, "", options), HearModel(ADAPTER, "", options, worker)
    for view in ("scene", "timestamp"):
        expected = here.embed(noise(8000), view)[0]["E"]
        assert torch.equal(there.embed(noise(8000), view)[0]["E"], expected)
    assert here.fingerprint() == there.fingerprint()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (("", ""), {"class_name": "BandEncoder"}, "class_name: .*BandsEncoder.*'BandEncoder'"),
        (("BandsEncoder", "Bands"), {}, "class_name: expected one .* Encoder, found none"),
        (("import torch\n", "import torch\nclass OtherEncoder(torch.nn.Module): pass\n"), {},
         "class_name: expected one .* found OtherEncoder, BandsEncoder"),
        (("", ""), {"options": {"gian": 2}}, "unexpected keyword argument 'gian'"),
        (("output_dim", "dim"), {}, "expected output_dim of BandsEncoder, found none"),
        (("sampling_rate", "rate"), {}, "sample_rate: .*BandsEncoder.sampling_rate, found None"),
        (("16000, 2, 40", "16000, 2, 0"), {}, "hop_ms: .*BandsEncoder.hop_size_in_ms, found 0"),
        (("16000, 2", "16000, 3"), {}, "scene_embedding_size 3, found 2"),
        ((RETURN, "return hops.mean(2)"), {}, r"expected frames .*, found \(2, 68\)"),
        ((RETURN, RETURN + ", torch.ones(2, 9)"), {}, r"expected a mask of .*, found \(2, 9\)"),
        (("", ""), {"hop_ms": 400}, "expected timestamps inside the clip, found 200 to"),
        (("", ""), {"module": "nowhere.py"}, "module: nowhere.py cannot be imported: .*No such"),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path, change, options, message):
    options = {"module": write(tmp_path, SMALL.replace(*change))} | options
    with pytest.raises(ModelError, match=f"(?s){message}"):
        validate_model(ADAPTER, options=options)


def test_weights_go_to_the_class_and_an_imported_class_can_be_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    write(tmp_path, SMALL, "bands_elsewhere")
    own = "from bands_elsewhere import BandsEncoder\nclass MineEncoder(BandsEncoder):\n"
    own += "    def __init__(self, path):\n        super().__init__(float(open(path).read()))\n"
    path = write(tmp_path, own, "bands_of_mine")
    (tmp_path / "gain.txt").write_text("2.0")
    model = xares_encoder.load_model(str(tmp_path / "gain.txt"), path)
    assert type(model.encoder).__name__ == "MineEncoder" and model.encoder.gain.item() == 2.0
    model = xares_encoder.load_model("", path, "BandsEncoder", {"gain": 3.0})
    assert model.encoder.gain.item() == 3.0
