"""Equality with hear21passt 0.0.26 on deterministic weights, within 2e-5."""

from __future__ import annotations

import pytest
import torch

from passt.architecture import Architecture
from passt.checkpoints import Checkpoint, released_modules
from passt.embedder import Embedder
from passt.mel import MelSpectrogram, mel_bank
from passt.transformer import PaSST
from passt.variants import Embedding
from tests.passt import golden

MODULES = {
    320: ("base", "base2level", "base2levelmel"),
    160: ("hop160base", "hop160base2lvl", "hop160base2lvlmel"),
    100: ("hop100base", "hop100base2lvl", "hop100base2lvlmel"),
}
SCENES = [(h, s) for h in MODULES for s in (0.2, 0.9, 5, 10, 12.5, 31) if (h, s) != (100, 31)]
RELEASED_SCENES = [(id, s) for id, lengths in golden.SCENES_S.items() for s in lengths]
TIMESTAMPS = [(320, 0.9), (320, 5), (160, 0.9), (160, 5), (100, 0.9)]


def slow_if_long(cases):
    """Parameters of a test; clips of 5 s and more take seconds."""
    marks = {True: [pytest.mark.slow], False: []}
    return [pytest.param(*case, marks=marks[case[1] >= 5]) for case in cases]


def test_mel_bank_and_window_anchors():
    bank = mel_bank()
    assert not bank[:, -1].any()
    golden.check("anchor/melbank", bank[:, :-1])
    golden.check("anchor/melbank_nonzeros_per_bin", (bank > 0).sum(1).numpy())
    golden.check("anchor/window", MelSpectrogram(320).window)


@pytest.mark.parametrize("seconds", [0.9, 5, 10, 12.5, 31])
def test_waveforms_are_those_of_the_reference_run(seconds):
    golden.check(f"anchor/wave/len{seconds}", golden.waveforms(seconds))


@pytest.mark.parametrize(("hop", "seconds"), slow_if_long(SCENES))
def test_scene_embeddings(hop, seconds):
    embedder, audio = golden.tiny_embedder(hop), golden.waveforms(seconds)
    key = f"tiny/hop{hop}/len{seconds}/b2"
    golden.check(f"{key}/mel", embedder.mel(audio))
    levels, timestamps = embedder.embed(audio, "scene")
    assert timestamps is None
    golden.check(f"{key}/scene_embed_only", levels["M"])
    golden.check(f"{key}/scene_logits", levels["H"])
    golden.check(f"{key}/scene_all", torch.cat((levels["H"], levels["M"]), dim=1))


@pytest.mark.parametrize(("hop", "seconds"), slow_if_long(TIMESTAMPS))
def test_timestamp_embeddings_of_windows_and_released_modules(hop, seconds):
    embedder, audio = golden.tiny_embedder(hop), golden.waveforms(seconds)
    key = f"tiny/hop{hop}/len{seconds}/b2"
    views = {view: embedder.embed(audio, view) for view in ("rf160", "rf640", "rf800", "mel")}
    golden.check(f"{key}/melfeat", views["mel"][0]["L"])
    for ms in (160, 640, 800):
        levels = views[f"rf{ms}"][0]
        golden.check(f"{key}/win{ms}ms", torch.cat((levels["H"], levels["M"]), dim=2))
    for module in MODULES[hop]:
        name = released_modules()[module].timestamp_embedding
        components = Embedding.parse(name).components
        embedding = torch.cat([views[view][0][level] for view, level in components], dim=2)
        golden.check(f"{key}/ts_{module}/emb", embedding)
        timestamps = views[components[0][0]][1]
        golden.check(f"{key}/ts_{module}/timestamps", timestamps.expand(2, -1))


def test_every_golden_case_is_compared():
    compared = {f"tiny/hop{hop}/len{seconds}" for hop, seconds in SCENES + TIMESTAMPS}
    assert {"/".join(key.split("/")[:3]) for key in golden.keys("tiny/")} == compared


@pytest.mark.parametrize(("id", "seconds"), slow_if_long(RELEASED_SCENES))
def test_scenes_of_other_time_positions_and_strides(id, seconds):
    levels, _ = golden.tiny_released(id).embed(golden.waveforms(seconds), "scene")
    embeddings = torch.cat((levels["H"], levels["M"]), dim=1)
    golden.check(f"released/{id}/scene{seconds}", embeddings)


@pytest.mark.parametrize("id", golden.SCENES_S)
def test_timestamps_of_other_time_positions_and_strides(id):
    audio, embedder = golden.waveforms(golden.TIMESTAMPS_S), golden.tiny_released(id)
    for ms in golden.RECEPTIVE_FIELDS_MS:
        levels, _ = embedder.embed(audio, f"rf{ms}")
        embeddings = torch.cat((levels["H"], levels["M"]), dim=2)
        golden.check(f"released/{id}/rf{ms}", embeddings)


@pytest.mark.parametrize("hop", MODULES)
def test_parameter_names_and_shapes_are_the_released_ones(hop):
    architecture = Architecture(n_time_patches=golden.TIME_POSITIONS[hop])
    with torch.device("meta"):
        state = PaSST(architecture).state_dict()
    expected = golden.FACTS["parameters"]
    expected["time_new_pos_embed"][-1] = golden.FACTS["time_positions"][str(hop)]
    assert {name: list(tensor.shape) for name, tensor in state.items()} == expected
    n_parameters = sum(tensor.numel() for tensor in state.values())
    assert n_parameters == golden.FACTS["n_parameters"][str(hop)]


@pytest.mark.slow
def test_full_size_network():
    embedder = Embedder(Checkpoint("full", 320), golden.fill(PaSST(Architecture())))
    audio = golden.waveforms(0.9)
    key = "full/hop320/len0.9/b2"
    scene, _ = embedder.embed(audio, "scene")
    golden.check(f"{key}/logits", scene["H"])
    golden.check(f"{key}/features", scene["M"])
    window, _ = embedder.embed(audio, "rf160")
    golden.check(f"{key}/win160ms", torch.cat((window["H"], window["M"]), dim=2))
    golden.check(f"{key}/melfeat", embedder.embed(audio, "mel")[0]["L"])
