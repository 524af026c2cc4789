"""Features of blocks before the last: what they are, what they leave alone, how they are named."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

import passt
from passt.__main__ import main
from passt.architecture import Architecture
from passt.checkpoints import Checkpoint
from passt.embedder import Embedder
from passt.transformer import PaSST, initialize
from passt.variants import Embedding, Variant, levels_of

DEPTH = 3
SHAPE = Architecture(embed_dim=64, depth=DEPTH, num_heads=1, n_classes=5)


@pytest.fixture(scope="module")
def network():
    return initialize(PaSST(SHAPE), 0).eval()


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_file(network.state_dict(), path)
    return str(path)


@pytest.fixture
def audio():
    return 0.1 * torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))


def embedder(network, blocks):
    checkpoint = Checkpoint("tiny", 320, SHAPE, scene_window_ms=300, scene_hop_ms=100)
    return Embedder(checkpoint, network, blocks=blocks)


@torch.no_grad()
def test_a_block_s_features_are_its_two_tokens_normed(network):
    spectrogram = torch.randn(2, 128, 60, generator=torch.Generator().manual_seed(0))
    outputs = {}
    hooks = [
        block.register_forward_hook(lambda *given, n=n: outputs.update({n: given[-1]}))
        for n, block in enumerate(network.blocks, start=1)
    ]
    found = network.features(spectrogram, blocks=[1, 2])
    for hook in hooks:
        hook.remove()
    assert sorted(found) == [1, 2, DEPTH]
    for n, tokens in outputs.items():
        assert found[n].equal(network.norm(tokens)[:, :2].mean(dim=1))
    assert not found[1].isclose(found[2]).all() and not found[2].isclose(found[DEPTH]).all()
    logits, features = network(spectrogram)
    assert features.equal(found[DEPTH]) and logits.equal(network.classify(features))


@pytest.mark.parametrize(
    ("view", "n_samples"),
    [("scene", 8000), ("scene", 16000), ("rf160", 8000), ("rf320", 8000)],  # 16000: windows' mean
)
def test_one_pass_gives_blocks_and_leaves_m_and_h_as_they_are(network, audio, view, n_samples):
    audio = audio.repeat(1, n_samples // 8000)
    plain, times = embedder(network, []).embed(audio, view)
    found, same_times = embedder(network, [1, 2]).embed(audio, view)
    assert found.keys() == {"M", "H", "M@1", "M@2"} and plain.keys() == {"M", "H"}
    assert all(found[level].equal(values) for level, values in plain.items())
    assert times is same_times is None or times.equal(same_times)
    assert found["M@1"].shape == found["M@2"].shape == found["M"].shape
    assert len({tuple(found[f"M{at}"].flatten().tolist()) for at in ("@1", "@2", "")}) == 3
    alone, _ = embedder(network, [2]).embed(audio, view)
    assert alone.keys() == {"M", "H", "M@2"} and alone["M@2"].equal(found["M@2"])


@pytest.mark.parametrize(
    ("levels", "canonical"),
    [
        ("M@3", "M"),
        ("M@2", "M@2"),
        ("LM@1", "LM@1"),
        ("M@1M@3", "M@1M"),
        ("LM@1M@2MH", "LM@1M@2MH"),
        ("M@2H", "M@2H"),
        ("LMH", "LMH"),
        ("L", "L"),
    ],
)
def test_m_of_the_last_block_is_m(levels, canonical):
    assert levels_of(levels, DEPTH) == canonical
    assert levels_of("M@10", 12) == "M@10" and levels_of("M@12", 12) == "M"


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ("M@4", "expected a block from 1 to 3, those of the network, found 4"),
        ("M@0", "expected a block from 1 to 3, those of the network, found 0"),
        ("LM@1M@30H", "expected a block from 1 to 3, those of the network, found 30"),
        ("M@3M", "expected M once, found it again as M@3"),
        *((levels, f"found '{levels}'") for levels in ("M@2M@1", "M@1M@1", "MM@1", "M@1L")),
        *((levels, f"found '{levels}'") for levels in ("HM@1", "M@", "M@01", "M@-1", "M@x", "H@1")),
    ],
)
def test_levels_that_a_network_does_not_have_are_refused(weights, levels, message):
    with pytest.raises(ValueError, match=f"^levels: .*{message}$"):
        levels_of(levels, DEPTH)
    with pytest.raises(ValueError, match=message):
        passt.load_model(weights, levels=levels)


def test_components_keep_the_released_order():
    variant = Variant("c", "LM@3M@10MH", (160, 640))
    assert variant.blocks == (3, 10) and Variant("c", "LMH").blocks == ()
    assert variant.scene_embedding == "c.scene.M@3M@10MH"
    assert variant.timestamp_embedding == "c.rf160+rf640+mel.LM@3M@10MH"
    embedding = Embedding.parse(variant.timestamp_embedding)
    window = [("H", "M@3", "M@10", "M")[i] for i in range(4)]
    views = [(view, level) for view in ("rf160", "rf640") for level in window]
    assert embedding.components == (*views, ("mel", "L"))
    assert embedding.size(SHAPE) == 2 * (5 + 3 * 64) + 768


def test_the_hear_api_concatenates_blocks(weights, network, audio):
    expected, _ = embedder(network, [1, 2]).embed(audio, "scene")
    for levels, parts in (
        ("M@3", ["M"]),
        ("M@1", ["M@1"]),
        ("M@2H", ["H", "M@2"]),
        ("LM@1M@2MH", ["H", "M@1", "M@2", "M"]),
    ):
        model = passt.load_model(weights, levels=levels)
        scene = passt.get_scene_embeddings(audio, model)
        assert scene.equal(torch.cat([expected[level] for level in parts], dim=1))
        assert scene.shape[1] == model.scene_embedding_size
        timestamps, _ = passt.get_timestamp_embeddings(audio, model)
        assert timestamps.shape[2] == model.timestamp_embedding_size


def test_the_command_line_embeds_blocks(weights, audio, tmp_path, capsys):
    (tmp_path / "clips").mkdir()
    soundfile.write(tmp_path / "clips" / "a.wav", audio[0].numpy(), 32000, subtype="FLOAT")
    found = {}
    for levels in ("M", "M@3", "M@1"):
        output = tmp_path / f"{levels}.npz"
        command = ["embed", str(tmp_path / "clips"), "-o", str(output), "--weights", weights]
        assert main([*command, "--levels", levels]) == 0
        found[levels] = np.load(output, allow_pickle=False)["embedding"]
    assert (found["M"] == found["M@3"]).all() and (found["M"] != found["M@1"]).any()
    assert main([*command, "--levels", "M@4"]) == 1
    assert "levels: M@4: expected a block from 1 to 3" in capsys.readouterr().err
