"""Laws of the representation: shapes, sizes, independence, determinism, refused input."""

from __future__ import annotations

import dataclasses
import re
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import passt
from passt import mkl, windows
from passt.architecture import Architecture
from passt.checkpoints import RELEASED, Checkpoint, CheckpointError, released_modules
from passt.checks import AudioError, check_spectrogram_length
from passt.files import sha256_file
from passt.lengths import longest_samples, n_windows, shortest_clip
from passt.mel import mel_bank
from passt.transformer import PaSST, initialize
from passt.variants import Embedding, Variant
from passt.weights import infer_architecture, load_embedder, load_network, read_tensors
from passt.windows import timestamps_ms
from zoo import logmel

TINY_SHAPE = {"embed_dim": 64, "depth": 1, "num_heads": 1, "n_classes": 5}
TINY = {"init": "random", "hop": 320, "embed_dim": 64, "depth": 1, "num_heads": 1, "n_classes": 5}


@pytest.fixture(scope="module")
def embedder():
    return load_embedder(Checkpoint.from_config("tiny", TINY))


@pytest.fixture
def audio():
    return 0.1 * torch.randn(3, 32000, generator=torch.Generator().manual_seed(0))


def test_shapes_and_timestamps(embedder, audio):
    scene, none = embedder.embed(audio, "scene")
    assert none is None
    assert scene["M"].shape == (3, 64) and scene["H"].shape == (3, 5)
    window, timestamps = embedder.embed(audio, "rf160")
    assert window["M"].shape == (3, 21, 64)
    assert timestamps.dtype == torch.float32
    assert timestamps.tolist() == [50.0 * i for i in range(21)]
    mel, _ = embedder.embed(audio, "mel")
    assert mel["L"].shape == (3, 21, 768)


def test_convolutions_are_float32_on_a_gpu_too(embedder, audio):
    found = []
    hook = embedder.network.patch_embed.register_forward_hook(
        lambda *_: found.append(torch.backends.cudnn.allow_tf32)
    )
    before = torch.backends.cudnn.allow_tf32
    embedder.embed(audio, "rf160")
    hook.remove()
    assert found and not any(found) and torch.backends.cudnn.allow_tf32 == before


def test_timestamps_stay_exact_in_long_clips():
    timestamps = timestamps_ms(24001)  # 20 minutes, the longest that HEAR allows
    assert timestamps[-1].item() == 1_200_000.0


@pytest.mark.parametrize("embed_dim", [192, 768])  # of the mini and of the full networks
@pytest.mark.parametrize(
    ("view", "seconds"),
    [("scene", 0.16), ("scene", 1.0), ("rf160", 0.1), ("rf160", 0.3), ("mel", 0.3)],
)
def test_a_clip_s_bits_do_not_depend_on_its_neighbors(embed_dim, view, seconds):
    shape = {"embed_dim": embed_dim, "depth": 2, "num_heads": embed_dim // 64, "n_classes": 527}
    embedder = load_embedder(Checkpoint.from_config("shallow", TINY | shape))
    generator = torch.Generator().manual_seed(0)
    audio = torch.rand(17, round(seconds * 32000), generator=generator) - 0.5
    together, _ = embedder.embed(audio, view)
    for n in (1, 2, 7, 16):
        some, _ = embedder.embed(audio[-n:], view)
        for level, values in some.items():
            atol = 0 if mkl.path() != "none" else 2e-6
            torch.testing.assert_close(together[level][-n:], values, atol=atol, rtol=0)


def test_windows_are_reflected_at_the_edges(embedder):
    tone = torch.sin(torch.arange(32000) * 0.05)[None] * 0.3
    _, timestamps = embedder.embed(tone, "rf160")
    padded = torch.nn.functional.pad(tone, (2560, 2560), mode="reflect")
    first = embedder._forward(padded[:, :5120])
    torch.testing.assert_close(embedder.embed(tone, "rf160")[0]["M"][:, 0], first["M"])
    assert len(timestamps) == 21


@pytest.mark.parametrize("view", ["rf160", "mel"])
def test_a_stream_gives_the_same_in_bounded_parts(embedder, view, monkeypatch):
    monkeypatch.setattr("passt.embedder.BATCH_TOKENS", 12 * 4)
    audio = 0.1 * torch.randn(1, 16000, generator=torch.Generator().manual_seed(0))
    levels, timestamps = embedder.embed(audio, view)
    parts = list(embedder.stream(audio, view))
    assert len(parts) > 2
    assert torch.cat([times for _, times in parts]).equal(timestamps)
    for level, values in levels.items():
        assert torch.cat([part[level] for part, _ in parts], dim=1).equal(values)


@pytest.mark.parametrize(("n_samples", "window"), [(2561, 5120), (20000, 5120), (5000, 101)])
def test_windows_are_those_of_the_padded_clip(n_samples, window):
    audio = torch.randn(2, n_samples, generator=torch.Generator().manual_seed(0))
    padding = window // 2
    padded = torch.nn.functional.pad(audio[None], (padding, padding), mode="reflect")[0]
    for batch_size in (1, 7, 1000):
        stacks = list(windows.batches(audio, window, 1600, batch_size, "window"))
        expected = padded.unfold(1, window, 1600)
        assert n_windows(n_samples, window, 1600) == expected.shape[1]
        assert torch.cat(stacks, dim=1).equal(expected)


def test_reduced_precision_and_devices(audio):
    checkpoint = Checkpoint.from_config("tiny", TINY)
    exact, _ = load_embedder(checkpoint, "auto").embed(audio, "scene")
    reduced, _ = load_embedder(checkpoint, "cpu", "bfloat16").embed(audio, "scene")
    assert reduced["M"].dtype == torch.float32
    assert 0 < (reduced["M"] - exact["M"]).abs().max() < 0.1
    with pytest.raises(CheckpointError, match="precision: expected .*'int8'"):
        load_embedder(checkpoint, "cpu", "int8")
    with pytest.raises(CheckpointError, match="device: expected .*'tpu'"):
        load_embedder(checkpoint, "tpu")
    if not torch.cuda.is_available():
        with pytest.raises(CheckpointError, match="torch finds no GPU"):
            load_embedder(checkpoint, "cuda")


def test_the_last_block_for_two_tokens_is_the_whole_block_s_first_two():
    network = initialize(PaSST(Architecture(**TINY_SHAPE | {"depth": 2})), 0)
    block = network.blocks[-1]
    x = torch.randn(2, 50, 64, generator=torch.Generator().manual_seed(0))
    gradients = []
    for two in (block(x)[:, :2], block(x, n_outputs=2)):
        gradients.append(torch.autograd.grad(two.square().sum(), list(block.parameters())))
        torch.testing.assert_close(two, block(x)[:, :2], atol=2e-6, rtol=0)
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-5, rtol=1e-5)


def test_same_seed_same_weights_other_seed_others():
    first, again = (load_network(Checkpoint.from_config("a", TINY)).state_dict() for _ in range(2))
    other = load_network(Checkpoint.from_config("a", TINY | {"seed": 1})).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.1.weight"], other["head.1.weight"])


def test_initialization_leaves_global_random_state_alone():
    network = PaSST(Architecture(embed_dim=64, depth=1, num_heads=1))
    before = torch.get_rng_state()
    initialize(network, 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_patchout_shortens_the_sequence_in_training_only():
    shape = Architecture(64, 1, 1, 5, s_patchout_t=40, s_patchout_f=4)
    network = initialize(PaSST(shape), 0)
    patches = torch.zeros(1, 64, 12, 99)
    assert network.train()._patchout(patches).shape == (1, 8 * 59, 64)  # table 2: 474 - 2 tokens
    assert network.eval()._patchout(patches).shape == (1, 12 * 99, 64)
    unstructured = initialize(PaSST(Architecture(64, 1, 1, 5, u_patchout=400)), 0).train()
    assert unstructured._patchout(patches).shape == (1, 788, 64)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (torch.zeros(100), "expected shape"),
        (torch.zeros(1, 2, 32000), "expected shape"),
        (torch.zeros(1, 32000, dtype=torch.float64), "expected float32"),
        (torch.zeros(1, 32000, dtype=torch.int16), "full scale"),
        (torch.full((2, 32000), torch.nan), "sound 0 holds NaN"),
        (torch.cat((torch.zeros(1, 32000), torch.full((1, 32000), torch.inf))), "sound 1 holds"),
        (torch.full((1, 32000), 3.0), r"amplitude 3, expected at most 2"),
        (torch.zeros(0, 32000), "expected sounds"),
    ],
)
def test_malformed_audio_is_refused(embedder, audio, message):
    for view in ("scene", "rf160", "mel"):
        with pytest.raises(AudioError, match=message):
            embedder.embed(audio, view)


@pytest.mark.parametrize(
    ("n_samples", "view", "message"),
    [
        (4800, "scene", "scene too short: expected at least 4801 samples"),
        (2560, "rf160", "reflect padding needs more than 2560 samples, found 2560"),
        (10240, "rf640", "reflect padding needs more than 10240"),
        (960, "mel", "reflect padding needs more than 960"),
        (32000, "rf100", "window of 100 ms too short"),
        (32000 * 30, "rf20000", "too long: 640000 samples"),
    ],
)
def test_lengths_that_cannot_be_embedded_are_refused(embedder, n_samples, view, message):
    with pytest.raises(AudioError, match=message):
        embedder.embed(torch.zeros(1, n_samples), view)


def test_shortest_scene_and_longest_grid(embedder):
    embedder.embed(torch.zeros(1, 4801), "scene")
    assert Architecture().time_patches(1005) == 99 and Architecture().time_patches(1006) == 100
    with pytest.raises(ValueError, match="100 patch columns, the network has positions for 99"):
        embedder.network(torch.zeros(1, 128, 1006))


def test_mel_bank_refuses_edges_above_nyquist():
    with pytest.raises(ValueError, match="found 0 and 17000 Hz"):
        mel_bank(max_hz=17000.0)


def test_variants_name_their_embeddings():
    improved = Variant("passt_hop5", "LM", (160, 640))
    assert improved.timestamp_embedding == "passt_hop5.rf160+rf640+mel.LM"
    assert improved.scene_embedding == Variant("passt_hop5", "M").scene_embedding
    assert improved.scene_embedding == "passt_hop5.scene.M"
    assert Variant("c", "L", ()).scene_embedding is None
    assert Variant("c", "L", ()).timestamp_embedding == "c.mel.L"
    released = Embedding.parse("c.rf160+rf640+mel.LMH").components
    assert released == (
        ("rf160", "H"), ("rf160", "M"), ("rf640", "H"), ("rf640", "M"), ("mel", "L"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("levels", "fields"),
    [("", (160,)), ("ML", (160,)), ("X", (160,)), ("M", ()), ("M", (640, 160)), ("M", (160, 160))],
)
def test_variants_that_make_no_sense_are_refused(levels, fields):
    with pytest.raises(ValueError, match="expected|need"):
        Variant("c", levels, fields)


@pytest.mark.parametrize("ms", [0, -160, True, 160.0, float("inf"), float("nan"), "160", None])
def test_receptive_fields_are_positive_whole_numbers_of_ms(ms):
    with pytest.raises(ValueError, match="receptive_fields_ms: expected ascending positive whole"):
        Variant("c", "M", (ms,))


@pytest.mark.parametrize("name", ["", "c.scene", "c.rf0.M", "c.scene.Q", "c/x.scene.M"])
def test_names_that_are_no_embeddings_are_refused(name):
    with pytest.raises(ValueError, match="expected checkpoint"):
        Embedding.parse(name)


def test_hear_api_from_a_file(tmp_path, audio):
    network = initialize(PaSST(Architecture(64, 2, 1, 5)), 0)
    path = tmp_path / "weights.safetensors"
    save_file(network.state_dict(), path)
    model = passt.load_model(str(path), levels="LMH", receptive_fields_ms=(160, 640))
    assert model.sample_rate == 32000
    scene = passt.get_scene_embeddings(audio, model)
    assert scene.shape == (3, model.scene_embedding_size) == (3, 69)
    embeddings, timestamps = passt.get_timestamp_embeddings(audio, model)
    assert embeddings.shape == (3, 21, model.timestamp_embedding_size) == (3, 21, 2 * 69 + 768)
    assert timestamps.shape == (3, 21)
    released = passt.load_model(str(path), module="base2levelmel")
    assert torch.equal(passt.get_timestamp_embeddings(audio, released)[0], embeddings)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    again = passt.load_model(str(tmp_path / "weights.pt"))
    assert torch.equal(passt.get_scene_embeddings(audio, again), scene)


def test_the_hop_follows_from_the_file(tmp_path):
    for hop, positions in ((320, 99), (160, 200), (100, 320)):
        shape = Architecture(64, 1, 1, 5, n_time_patches=positions)
        path = tmp_path / f"{hop}.safetensors"
        save_file(initialize(PaSST(shape), 0).state_dict(), path)
        name = "passt_hop5" if hop == 160 else None  # passt_20s has as many positions
        assert passt.load_model(str(path), name).embedder.mel.hop == hop
        entry = {"file": str(path), "hop": hop, **TINY_SHAPE}
        assert load_network(Checkpoint.from_config("c", entry)).architecture == shape
    with pytest.raises(CheckpointError, match="320 time positions at stride 10, which passt_hop3"):
        passt.load_model(str(tmp_path / "100.safetensors"), checkpoint="passt_hop10")


@pytest.fixture
def twins(tmp_path, monkeypatch):
    """Files of two checkpoints that only the hop and the window tell apart; the 20 s one's hash."""
    paths = [tmp_path / f"{name}.safetensors" for name in ("hop5", "20s")]
    for seed, path in enumerate(paths):
        shape = Architecture(64, 1, 1, 5, n_time_patches=200)
        save_file(initialize(PaSST(shape), seed).state_dict(), path)
    hashed = dataclasses.replace(RELEASED["passt_20s"], sha256=sha256_file(paths[1]))
    monkeypatch.setitem(RELEASED, "passt_20s", hashed)
    return [str(path) for path in paths]


def test_a_file_of_a_shape_that_two_checkpoints_have_says_which_it_is(twins):
    hop5, long = twins
    with pytest.raises(CheckpointError, match="passt_hop5 and passt_20s have: say by checkpoint="):
        passt.load_model(hop5)
    with pytest.raises(CheckpointError, match="passt_20s have: expected .*'passt_hop10'"):
        passt.load_model(hop5, checkpoint="passt_hop10")
    for checkpoint, hop, window in (("passt_hop5", 160, 10_000.0), ("passt_20s", 320, 20_000.0)):
        embedder = passt.load_model(hop5, checkpoint=checkpoint).embedder
        assert embedder.mel.hop == embedder.checkpoint.hop == hop
        assert embedder.checkpoint.scene_window_ms == window


def test_a_released_file_is_recognized_by_its_hash_or_its_name(twins, tmp_path):
    model = passt.load_model(twins[1])
    assert model.variant.checkpoint == "passt_20s" and model.embedder.mel.hop == 320
    with pytest.raises(CheckpointError, match="which passt_20s has"):
        passt.load_model(twins[1], checkpoint="passt_hop5")
    path = tmp_path / Path(RELEASED["passt_hop5"].file).name
    torch.save(load_file(twins[0]), path)
    assert passt.load_model(str(path)).variant.checkpoint == "passt_hop5"
    assert passt.load_model(str(path), checkpoint="passt_20s").embedder.mel.hop == 320


@pytest.mark.parametrize("id", ["passt_hop10", "passt_s12", "passt_s14", "passt_s16", "passt_30s"])
def test_strides_are_read_off_the_tensors(tmp_path, id):
    shape = dataclasses.replace(
        RELEASED[id].architecture, embed_dim=64, depth=1, num_heads=1, n_classes=5
    )
    path = tmp_path / "weights.safetensors"
    save_file(initialize(PaSST(shape), 0).state_dict(), path)
    embedder = passt.load_model(str(path)).embedder
    assert embedder.network.architecture == shape
    facts = ("id", "hop", "scene_window_ms", "scene_hop_ms")
    assert [getattr(embedder.checkpoint, f) for f in facts] == [
        getattr(RELEASED[id], f) for f in facts
    ]


def test_frequency_positions_that_no_stride_makes_are_refused():
    state = PaSST(Architecture(64, 1, 1, 5)).state_dict()
    state["freq_new_pos_embed"] = torch.zeros(1, 64, 20, 1)
    with pytest.raises(CheckpointError, match="no stride .* cuts 128 mel bins into 20 rows"):
        infer_architecture(state)


def test_all_that_is_known_of_a_released_checkpoint_is_its_entry(twins):
    model = passt.load_model(twins[1], module="base20sec")
    assert model.variant == Variant("passt_20s", "MH") == released_modules()["base20sec"]
    entry = {"released": "passt_20s", "scene_hop_ms": 2_500.0}
    mine = Checkpoint.from_config("mine", entry)
    assert (mine.id, mine.hop, mine.scene_window_ms, mine.scene_hop_ms) == (
        "mine", 320, 20_000.0, 2_500.0,
    )  # fmt: skip
    assert mine.architecture.n_time_patches == 200
    hop10 = Checkpoint.from_config("c", {"init": "random", "hop": 320}).architecture
    assert hop10.n_time_patches == 99  # of the first released checkpoint at this hop


def test_scenes_longer_than_the_window_are_means_over_windows(audio):
    scene = {"scene_window_ms": 400.0, "scene_hop_ms": 100.0}
    embedder = load_embedder(Checkpoint.from_config("tiny", TINY | scene))
    window, hop = 12_800, 3_200
    padded = torch.nn.functional.pad(audio, (window // 2, window // 2), mode="reflect")
    windows = padded.unfold(1, window, hop)
    expected = torch.stack([embedder._forward(w)["M"] for w in windows.unbind(1)]).mean(0)
    torch.testing.assert_close(embedder.embed(audio, "scene")[0]["M"], expected)


def test_time_positions_decide_the_scene_window():
    windows = {}
    for positions in (25, 99, 200, 300):
        checkpoint = Checkpoint.from_config("c", TINY | {"n_time_patches": positions})
        windows[positions] = checkpoint.scene_window_ms
        longest = longest_samples(320, checkpoint.architecture)
        check_spectrogram_length(longest, 320, checkpoint.architecture, "all positions")
        with pytest.raises(AudioError, match="too long"):
            check_spectrogram_length(longest + 1, 320, checkpoint.architecture, "one more")
    assert Checkpoint.from_config("c", TINY | {"n_time_patches": 25}).scene_hop_ms == 2_000.0
    assert windows == {25: 2_000.0, 99: 10_000.0, 200: 20_000.0, 300: 30_000.0}
    long = Checkpoint.from_config("c", {"released": "passt_hop10", "n_time_patches": 300})
    assert long.scene_window_ms == 30_000.0
    hop5 = Checkpoint.from_config("c", {"released": "passt_hop10", "hop": 160})
    assert hop5.scene_window_ms == 5_000.0  # its 99 positions at half the hop


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        ({"scene_window_ms": 12_000}, "scene_window_ms: expected at most 10050 ms.*99 time pos"),
        (
            {"scene_window_ms": 400, "scene_hop_ms": 500},
            "scene_hop_ms: expected at most the window of 400 ms.*500",
        ),
    ],
)
def test_scene_windows_that_do_not_fit_are_refused(scene, message):
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.from_config("c", TINY | scene)


@pytest.mark.parametrize("value", [0, -1.0, True, float("inf"), float("nan"), "10"])
@pytest.mark.parametrize("key", ["scene_window_ms", "scene_hop_ms"])
def test_scene_windows_that_make_no_sense_are_refused(key, value):
    with pytest.raises(CheckpointError, match=f"{key}: expected at least 1 ms"):
        Checkpoint.from_config("c", TINY | {key: value})


def test_embeddings_can_be_trained_on_and_changed(embedder, audio):
    scene, _ = embedder.embed(audio, "scene")
    torch.nn.Linear(64, 2)(scene["M"]).sum().backward()
    embeddings, timestamps = logmel.get_timestamp_embeddings(audio, logmel.load_model())
    torch.nn.Linear(256, 2)(embeddings).sum().backward()
    timestamps.div_(1000)


def test_hear_api_errors(tmp_path, audio):
    with pytest.raises(CheckpointError, match="no checkpoint file"):
        passt.load_model(str(tmp_path / "none.pt"))
    with pytest.raises(ValueError, match="expected one of"):
        passt.load_model(module="base3level")
    (tmp_path / "junk.pt").write_bytes(b"junk")
    with pytest.raises(CheckpointError, match="not a readable checkpoint: .*; put the file back"):
        passt.load_model(str(tmp_path / "junk.pt"))


def test_checkpoints_that_do_not_fit_name_every_tensor(tmp_path):
    state = initialize(PaSST(Architecture(64, 1, 1, 5)), 0).state_dict()
    state["extra"] = torch.zeros(1)
    state["norm.weight"] = torch.ones(63)
    state["head.0.bias"][0] = torch.nan
    del state["cls_token"]
    path = tmp_path / "weights.safetensors"
    save_file(state, path)
    with pytest.raises(CheckpointError) as error:
        load_network(Checkpoint.from_config("c", TINY | {"file": str(path)}))
    message = str(error.value)
    assert "missing cls_token" in message and "unexpected extra" in message
    assert "head.0.bias: NaN or infinite values" in message
    assert "norm.weight: expected shape (64,), found (63,)" in message
    with pytest.raises(CheckpointError, match="missing cls_token"):
        infer_architecture(state)


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (torch.zeros(1).expand(10**12), "expected a value in the file for each .* norm.bias"),
        (torch.zeros(64).to_sparse(), "expected a value in the file for each .* norm.bias"),
        (torch.empty(2**40, device="meta"), "expected a value in the file for each .* norm.bias"),
        (torch.zeros(64, dtype=torch.int64), "norm.bias: expected floating-point values, found"),
        (torch.zeros(64, dtype=torch.complex64), "norm.bias: expected floating-point values"),
    ],
)
def test_tensors_that_are_no_weights_are_refused(tmp_path, odd, message):
    state = initialize(PaSST(Architecture(64, 1, 1, 5)), 0).state_dict()
    torch.save(state | {"norm.bias": odd}, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=message):
        load_network(Checkpoint.from_config("c", TINY | {"file": str(tmp_path / "weights.pt")}))


@pytest.mark.parametrize("changes", [{1: torch.zeros(1)}, {"cls_token": torch.zeros(())}])
def test_names_and_shapes_of_no_network_are_refused(tmp_path, changes):
    state = initialize(PaSST(Architecture(64, 1, 1, 5)), 0).state_dict()
    torch.save(state | changes, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError):
        passt.load_model(str(tmp_path / "weights.pt"))


def test_a_file_with_another_hash_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(
        CheckpointError, match=f"{re.escape(str(path))} has sha256 .* expected {'0' * 64}"
    ):
        Checkpoint.from_config("c", TINY | {"file": str(path), "sha256": "0" * 64}).verify()


@pytest.mark.parametrize(
    ("wrap", "found"),
    [
        (lambda state: state, None),
        (lambda state: {"model": state, "epoch": 3}, None),
        (lambda state: {"state_dict": _under("net_swa.", state), "loops": {"fit": {}}}, None),
        (lambda state: {"state_dict": _under("net.", state) | {"mel.window": torch.ones(3)}}, None),
        (lambda state: _under("module.", state), None),
        (
            lambda state: {"state_dict": _under("net.", state) | _under("net_swa.", state)},
            r"found 2, whose names begin with 'net\.', 'net_swa\.'; keep one: torch\.save",
        ),
        (
            lambda state: {"model": state, "model_ema": state},
            "found a dict of model, model_ema, of which model, model_ema are such dicts; keep one",
        ),
        (
            lambda state: {"state_dict": state, "hyper_parameters": Namespace(lr=1)},
            r"holds more than tensors and plain values: argparse\.Namespace; save its",
        ),
        (lambda state: [1, 2], "found a list; save its tensors alone"),
        (lambda state: {"epoch": 3}, "found a dict of epoch; save its tensors alone"),
    ],
)
def test_the_one_network_in_a_file_is_found_or_how_to_keep_it_is_said(tmp_path, wrap, found):
    state = initialize(PaSST(Architecture(64, 1, 1, 5)), 0).state_dict()
    path = tmp_path / "weights.ckpt"
    torch.save(wrap(state), path)
    checkpoint = Checkpoint.from_config("c", {"file": str(path), "hop": 320, **TINY_SHAPE})
    if found is None:
        loaded = load_network(checkpoint).state_dict()
        assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())
        assert infer_architecture(read_tensors(path)) == Architecture(64, 1, 1, 5)
    else:
        with pytest.raises(CheckpointError, match=found):
            load_network(checkpoint)


def _under(prefix: str, state: dict) -> dict:
    return {prefix + name: tensor for name, tensor in state.items()}


@pytest.mark.parametrize("view", ["scene", "rf160", "rf640", "mel"])
@pytest.mark.parametrize("hop", [320, 100])
def test_the_shortest_clip_of_a_view_is_embedded_and_no_shorter_one(view, hop):
    embedder = load_embedder(Checkpoint.from_config("tiny", TINY | {"hop": hop}))
    n_samples = shortest_clip(view, hop)
    embedder.embed(torch.zeros(1, n_samples), view)
    with pytest.raises(AudioError, match="too short"):
        embedder.embed(torch.zeros(1, n_samples - 1), view)


def test_checkpoints_with_code_in_them_are_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    torch.save({"cls_token": Bomb()}, tmp_path / "bomb.pt")
    with pytest.raises(CheckpointError):
        passt.load_model(str(tmp_path / "bomb.pt"))
    assert not (tmp_path / "exploded").exists()


def test_fingerprints_follow_the_weights():
    seeds = [Checkpoint.from_config("c", TINY | {"seed": s}).fingerprint() for s in (0, 0, 1)]
    assert seeds[0] == seeds[1] != seeds[2]
    renamed = Checkpoint.from_config("other", TINY).fingerprint()
    assert renamed == seeds[0]


def test_fingerprints_follow_the_scene_windows():
    scenes = [{}, {"scene_window_ms": 10_000}, {"scene_window_ms": 9e3}, {"scene_hop_ms": 2e3}]
    found = [Checkpoint.from_config("c", TINY | scene).fingerprint() for scene in scenes]
    assert found[0] == found[1] and len(set(found)) == 3


@pytest.mark.parametrize(
    ("name", "rows", "columns", "scene_s"),
    [
        ("passt_hop10", 12, 99, 10),
        ("passt_hop5", 12, 200, 10),
        ("passt_hop3", 12, 320, 10),
        ("passt_20s", 12, 200, 20),
        ("passt_30s", 12, 300, 30),
        ("passt_s12", 10, 83, 10),
        ("passt_s14", 9, 71, 10),
        ("passt_s16", 8, 62, 10),
    ],
)
def test_released_checkpoints_have_the_published_grids(name, rows, columns, scene_s):
    checkpoint = Checkpoint.from_config("mine", {"released": name})
    shape = checkpoint.architecture
    assert (shape.n_freq_patches, shape.n_time_patches) == (rows, columns)
    assert checkpoint.scene_window_ms == 1000 * scene_s
    check_spectrogram_length(32_000 * scene_s, checkpoint.hop, shape, "a window")


# Bytes of the released files, of which torch.save's container takes some 50 KB.
FILE_BYTES = {
    "passt_hop10": 344_665_734,
    "passt_20s": 344_975_942,
    "passt_30s": 345_283_206,
    "passt_openmic": 341_546_630,
}


@pytest.mark.parametrize("id", FILE_BYTES)
def test_released_checkpoints_are_as_large_as_their_files(id):
    with torch.device("meta"):
        network = PaSST(RELEASED[id].architecture)
    n_bytes = 4 * sum(tensor.numel() for tensor in network.state_dict().values())
    assert 50_000 < FILE_BYTES[id] - n_bytes < 51_000


def test_an_unknown_released_checkpoint_is_refused():
    with pytest.raises(CheckpointError, match="released: expected one of"):
        Checkpoint.from_config("x", {"released": "passt_hop7"})


def test_logmel_baseline(audio):
    model = logmel.load_model()
    scene = logmel.get_scene_embeddings(audio, model)
    assert scene.shape == (3, model.scene_embedding_size)
    mel = model.mel(audio)
    torch.testing.assert_close(scene[:, :128], mel.mean(2))
    torch.testing.assert_close(scene[:, 128:], mel.var(2, correction=0).sqrt())
    embeddings, timestamps = logmel.get_timestamp_embeddings(audio, model)
    assert embeddings.shape == (3, 21, model.timestamp_embedding_size)
    assert timestamps[0].tolist() == [50.0 * i for i in range(21)]
    with pytest.raises(AudioError, match="scene too short"):
        logmel.get_scene_embeddings(torch.zeros(1, 1000), model)
    assert logmel.get_scene_embeddings(torch.zeros(1, 32000 * 15), model).shape == (1, 256)
