"""Laws of the parts of Patchout training: schedule, augmentation, recipes, data, weights."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from passt.mel import MelSpectrogram, mel_bank, normalize
from passt.training import augment
from passt.training.averaging import WeightAverage
from passt.training.config import make_recipe, read_recipe
from passt.training.data import DataError, StepBatches, read_crop, read_data, sampling_weights
from passt.training.initial import initial_network
from passt.training.recipe import RecipeError
from passt.training.schedule import ramp_down, warm_up
from passt.training.step import Trainer
from passt.training.validate import macro_map
from passt.transformer import PaSST
from tests.passt.tagged_clips import TINY, write_csv, write_data

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


def test_schedule_has_the_published_values():
    factors = [warm_up(epoch, 5) for epoch in (0, 0.5, 2, 5, 80)]
    expected = [math.exp(-5 * (1 - e / 5) ** 2) for e in (0.5, 0.5, 2, 5)]
    assert factors == pytest.approx([*expected, 1]) and warm_up(0, 0) == 1
    ramp = [ramp_down(epoch, 50, 50, 0.01) for epoch in (0, 50, 75, 100, 130)]
    assert ramp == pytest.approx([1, 1, 0.505, 0.01, 0.01])
    assert ramp_down(3, 3, 0, 0.1) == 1 and ramp_down(4, 3, 0, 0.1) == 0.1


def test_learning_rate_of_a_training_warms_up_and_ramps_down():
    trainer = Trainer(dataclasses.replace(TINY, warm_up_epochs=0), np.eye(4, dtype=bool))
    rates = [trainer.learning_rate(step) / TINY.learning_rate for step in (0, 3, 6, 9)]
    assert rates == pytest.approx([1, 1, 0.505, 0.01])


def test_mixup_keeps_the_larger_part_and_the_sum_of_the_weights():
    rng = np.random.default_rng(0)
    weights = augment.mixup_weights(0.3, 1000, rng)
    assert weights.min() >= 0.5 and weights.max() <= 1
    x, y = torch.arange(8.0).view(4, 2, 1).expand(4, 2, 3), torch.eye(4)
    mixed, targets = augment.mix_spectrograms(x, y, 0.3, rng)
    torch.testing.assert_close(targets.sum(1), torch.ones(4))
    torch.testing.assert_close(mixed[:, 0, 0], targets @ x[:, 0, 0])
    assert (targets.diagonal() >= 0.5).all()


def test_waveform_mixup_removes_means_and_mixes_targets():
    rng = np.random.default_rng(0)
    first = np.full((2, 5), 3, np.float32), np.array([[1, 0]] * 2, np.float32)
    second = np.tile(np.float32([1, -1, 0, 2, -2]), (2, 1)), np.array([[0, 1]] * 2, np.float32)
    mixed, targets = augment.mix_waveforms(first, second, 2.0, rng)
    np.testing.assert_allclose(mixed, targets[:, 1:] * second[0], atol=1e-6)
    np.testing.assert_allclose(targets.sum(1), 1)


def test_gain_and_roll_stay_in_their_ranges():
    rng = np.random.default_rng(0)
    gains = augment.gain(np.ones((500, 1), np.float32), 7.0, rng)
    assert 10 ** (-7 / 20) <= gains.min() < 0.5 and 2 < gains.max() <= 10 ** (7 / 20)
    clips = np.eye(1, 300, 150, dtype=np.float32).repeat(500, 0)
    places = augment.roll(clips, 50, rng).argmax(1)
    assert (places.min(), places.max()) == (100, 200)
    assert augment.roll(clips, 0, rng) is clips


def test_masks_are_one_stretch_each_and_reach_the_network_normalized():
    log_mel = torch.full((50, 128, 100), -4.5)
    masked = augment.mask(log_mel, 48, 20, np.random.default_rng(0)) == augment.MASK_VALUE
    bands, frames = masked.all(2).sum(1), masked.all(1).sum(1)
    assert 40 < bands.max() < 48 and 15 < frames.max() < 20
    steps = masked.all(2).int().diff(dim=1).abs().sum(1)
    assert steps.max() <= 2
    assert augment.mask(log_mel, 0, 0, np.random.default_rng(0)).eq(log_mel).all()


def test_mel_edges_stay_in_range_and_the_front_end_of_inference_is_unchanged():
    rng = np.random.default_rng(0)
    low, high = np.array([augment.mel_edges(10, 2000, rng) for _ in range(500)]).T
    assert 0 <= low.min() and low.max() < 10 and 14000 < high.min() and high.max() <= 16000
    assert augment.mel_edges(0, 0, rng) == (0, 15000)
    mel, audio = MelSpectrogram(320), torch.randn(1, 6400)
    assert normalize(mel.log_mel(audio, mel_bank())).equal(mel(audio))


@pytest.mark.parametrize(
    ("hop", "tokens"), [("hop10", 8 * 59), ("hop5", 6 * 100), ("hop3", 6 * 170)]
)
def test_patchout_of_a_full_grid_is_the_papers(hop, tokens):
    recipe = make_recipe({}, hop)
    a = recipe.architecture(527, recipe.n_time_patches)
    kept = (a.n_freq_patches - a.s_patchout_f) * (a.n_time_patches - a.s_patchout_t)
    assert kept == tokens and not a.u_patchout


def test_patchout_of_a_crop_drops_the_same_share_and_leaves_a_patch():
    recipe = make_recipe({"patchout_patches": 99}, "hop10")
    assert recipe.architecture(4, 33).s_patchout_t == 13
    assert recipe.architecture(4, 33).u_patchout == 33
    assert recipe.architecture(4, 1).s_patchout_t == 0
    network = PaSST(dataclasses.replace(TINY, patchout_patches=60).architecture(4, 19)).train()
    sequence = network._patchout(torch.zeros(1, 64, 12, 19))
    assert sequence.shape[1] == 8 * 12 - 11
    assert recipe.architecture(4) == dataclasses.replace(
        recipe.architecture(4, 50), s_patchout_t=0, s_patchout_f=0, u_patchout=0
    )


def test_balanced_sampling_draws_rare_tags_more_often():
    targets = np.array([[1, 0]] * 9 + [[0, 1], [0, 0]], bool)
    weights = sampling_weights(targets, 0.0)
    assert weights.sum() == pytest.approx(1)
    assert weights[9] == pytest.approx(9 * weights[0]) and weights[10] == weights[0]
    assert sampling_weights(np.zeros((4, 2), bool), 1.0).tolist() == [0.25] * 4


def test_batches_depend_on_seed_and_step_alone(data):
    clips = read_data(data).train
    batches, again = StepBatches(clips, TINY), StepBatches(clips, TINY)
    later = again[7]
    for step in (0, 7):
        waveforms, targets = batches[step]
        assert waveforms.shape[0] == targets.shape[0] == 4 and waveforms.dtype == torch.float32
    assert waveforms.equal(later[0]) and targets.equal(later[1])
    other = StepBatches(clips, dataclasses.replace(TINY, seed=1))[7][0]
    assert other.shape != waveforms.shape or not other.equal(waveforms)


def test_an_epoch_repeats_no_clip_if_there_are_enough(data):
    batches = StepBatches(read_data(data).train, dataclasses.replace(TINY, epoch_clips=8))
    drawn = np.concatenate([batches._clips_of(step) for step in (2, 3)])
    assert sorted(drawn) == list(range(8))


def test_short_clips_are_padded(data):
    clip = read_crop(data / "0.wav", 32000, 0.99)
    assert clip.shape == (32000,) and clip[:25600].any() and not clip[25600:].any()


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("index.csv", [("file", "split")], "expected columns"),
        ("index.csv", [("file", "split", "labels"), ("0.wav", "test", "")], "line 2: split"),
        ("index.csv", [("file", "split", "labels"), ("0.wav", "train", "x;tone1")], "x not in"),
        ("index.csv", [("file", "split", "labels"), ("a.wav", "train", "")], "no file a.wav"),
        ("index.csv", [("file", "split", "labels"), ("0.wav", "train")], "expected 3 values"),
        ("index.csv", [("file", "split", "labels"), ("0.wav", "train", "")], "no clip in split v"),
        ("index.csv", [("file", "split", "labels"), *[("0.wav", "train", "")] * 2], "listed twice"),
        ("tags.csv", [("idx", "label"), (1, "tone0")], "idx: expected 0"),
        ("tags.csv", [("idx", "label"), (0, "a"), (1, "a")], "name of its own"),
    ],
)
def test_malformed_data_is_refused(tmp_path, name, rows, message):
    write_data(tmp_path)
    write_csv(tmp_path / name, rows)
    with pytest.raises(DataError, match=message):
        read_data(tmp_path)


def test_wrong_audio_is_refused(tmp_path):
    soundfile.write(tmp_path / "low.wav", np.zeros(100), 16000)
    with pytest.raises(
        DataError, match="low.wav: expected mono at 32000 Hz, found 1 channels at 16"
    ):
        read_crop(tmp_path / "low.wav", 50, 0.0)
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(DataError, match="text.wav: not a readable wav"):
        read_crop(tmp_path / "text.wav", 50, 0.0)
    with pytest.raises(DataError, match="no file .*tags.csv"):
        read_data(tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"learning_rat": 1.0}, "unknown key 'learning_rat'; did you mean 'learning_rate'"),
        ({"learning_rate": "1e-4"}, "learning_rate: expected float, found str"),
        ({"balanced": 1}, "balanced: expected bool, found int 1"),
        ({"learning_rate": math.nan}, "learning_rate: expected float, found float nan"),
        ({"learning_rate": 10**400}, "learning_rate: expected float, found int 1000"),
        ({"crop_s": [1.0, "2"]}, r"crop_s: expected tuple.float, \.\.\.., found list"),
        ({"crop_s": [1e308]}, "crop_s: expected seconds above 0, at most 3600, found 1e"),
        ({"hops": 1}, "hops: expected keys and values for some hops, found 1"),
        ({"hops": {"hop10": 1}}, "hops: expected keys and values for some hops"),
        ({"hops": {"hop7": {}}}, "hop: expected one of"),
        ({"averaging": "mean"}, "averaging: expected swa"),
        ({"crop_s": [0.1]}, "crop_s: 0.1 s are 0 patch columns"),
        ({"crop_s": [20.0]}, "crop_s: 20.0 s are 199 patch columns"),
        ({"crop_s": [1.0], "crop_shares": [0.5]}, "shares that sum to 1"),
        ({"crop_s": [1.0, 2.0]}, "one per crop_s"),
        ({"batch_size": 0}, "batch_size: expected at least 1"),
        ({"epoch_clips": 5}, "at least one batch of 12, found 5"),
    ],
)
def test_malformed_recipes_are_refused(config, message):
    with pytest.raises(RecipeError, match=message):
        make_recipe(config, "hop10")
    with pytest.raises(RecipeError, match="hop: expected one of"):
        make_recipe({}, "hop20")


@pytest.mark.parametrize(
    "content",
    [
        "2024-13-45",
        "!!bool x",
        "{1: 2}",
        "a: [",
        "[" * 2_000,
        "extends: b\0",
        "\x07",
    ],
)
def test_files_that_are_no_recipes_are_named(tmp_path, content):
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(RecipeError, match="a.yaml: "):
        read_recipe(tmp_path / "a.yaml", "hop10")


def test_recipes_have_no_aliases(tmp_path):
    (tmp_path / "a.yaml").write_text("data: x\ndepth: [&a [1, 1], &b [*a, *a], [*b, *b]]\n")
    with pytest.raises(RecipeError, match="a.yaml: expected YAML without aliases"):
        read_recipe(tmp_path / "a.yaml", "hop10")


def test_recipes_do_not_extend_each_other(tmp_path):
    for one, other in ("ab", "ba"):
        (tmp_path / f"{one}.yaml").write_text(f"extends: {other}.yaml")
    with pytest.raises(RecipeError, match="a.yaml: extends: expected another recipe file"):
        read_recipe(tmp_path / "a.yaml", "hop10")


def test_averages_of_weights():
    network = torch.nn.Linear(1, 1, bias=False)
    swa = WeightAverage(
        network, dataclasses.replace(TINY, averaging="swa", swa_start=2, swa_every=2)
    )
    for epoch, value in enumerate((1.0, 2.0, 3.0, 4.0, 5.0)):
        torch.nn.init.constant_(network.weight, value)
        swa.after_step()
        swa.after_epoch(epoch)
    assert swa.n_averaged == 2 and swa.weights()["weight"].item() == 3  # of epochs 2 and 4
    ema = WeightAverage(network, dataclasses.replace(TINY, ema_decay=0.5))
    for value in (1.0, 3.0):
        torch.nn.init.constant_(network.weight, value)
        ema.after_step()
    assert 1 < ema.weights()["weight"].item() < 3
    none = WeightAverage(network, dataclasses.replace(TINY, averaging="none"))
    none.after_step()
    assert none.weights()["weight"].item() == 3


def test_macro_map_ignores_tags_that_never_occur():
    targets = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]], bool)
    assert macro_map(targets, targets.astype(np.float32)) == 1
    assert math.isnan(macro_map(targets[:, 2:], np.zeros((3, 1), np.float32)))


def test_weights_of_an_image_transformer_are_adapted(tmp_path):
    targets = np.eye(4, dtype=bool)
    network = initial_network(TINY, targets)
    tensors = {k: v for k, v in network.state_dict().items() if not k.startswith("head")}
    positions = [name for name in tensors if name.endswith("new_pos_embed")]
    for name in positions:
        del tensors[name]
    tensors["pos_embed"] = torch.full((1, 2 + 36, 64), 0.5)
    tensors["patch_embed.proj.weight"] = torch.ones(64, 3, 16, 16)
    tensors["head.weight"] = torch.zeros(1000, 64)
    path = tmp_path / "deit.pth"
    torch.save({"model": tensors}, path)
    recipe = dataclasses.replace(TINY, initial_weights=str(path), seed=1)
    started = initial_network(recipe, targets)
    assert started.patch_embed.proj.weight.eq(3).all()
    for name in positions:
        assert (getattr(started, name) - 0.5).abs().max() < 1e-6
    assert started.blocks[0].mlp.fc1.weight.equal(network.blocks[0].mlp.fc1.weight)
    torch.save({"cls_token": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="cls_token.* missing or of another shape"):
        initial_network(recipe, targets)


@pytest.mark.parametrize("shape", [(), (3,), (1, 2, 64), (1, 13, 64), (0, 11, 64), (1, 11, 3)])
@pytest.mark.parametrize("name", ["pos_embed", "time_new_pos_embed"])
def test_positions_of_another_shape_are_no_weights_to_start_from(tmp_path, name, shape):
    path = tmp_path / "w.pt"
    tensors = PaSST(TINY.architecture(2)).state_dict()
    del tensors["time_new_pos_embed"]
    torch.save(tensors | {name: torch.zeros(shape)}, path)
    with pytest.raises(ValueError, match=f"initial_weights: {path} does not fit the network"):
        initial_network(dataclasses.replace(TINY, initial_weights=str(path)), np.eye(2, dtype=bool))


def test_random_weights_to_start_from():
    targets = np.array([[1, 0]] * 3 + [[0, 0]], bool)
    recipe = dataclasses.replace(TINY, fan_in_weights=True, prior_bias=True, row_position_std=0.2)
    network, plain = initial_network(recipe, targets), initial_network(TINY, targets)
    assert network.head[1].bias.tolist() == pytest.approx([math.log(2), math.log(1 / 5)])
    assert 0.9 < network.blocks[0].mlp.fc2.weight.abs().max() * 16 <= 1
    torch.testing.assert_close(network.freq_new_pos_embed, 10 * plain.freq_new_pos_embed)
    assert not plain.head[1].bias.any()


@pytest.mark.parametrize("hop", ["hop10", "hop5", "hop3"])
def test_recipes_that_are_shipped(hop):
    for name in ("mini", "audioset"):
        recipe, _ = read_recipe(CONFIG / f"pretrain_{name}.yaml", hop)
        assert recipe.name == name
    assert set(recipe.deviations()) == {"initial_weights"}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("index.csv", b"file,split,labels\n\xff,train,\n", "expected CSV in UTF-8"),
        ("tags.csv", b"idx,label\n0," + b"x" * 200_000, "expected CSV in UTF-8"),
        ("index.csv", b"file,split,labels\n" + b"n" * 5000 + b",train,\n", "no file nnn"),
        ("dataset.json", b"{", "expected JSON"),
        ("dataset.json", b"\xff", "expected JSON"),
        ("dataset.json", b"[]", "expected a JSON object, found list"),
    ],
)  # fmt: skip
def test_a_malformed_file_of_a_data_set_is_named(tmp_path, file, content, message):
    data = write_data(tmp_path / "data", n_clips=5)
    (data / file).write_bytes(content)
    with pytest.raises(DataError, match=rf"(?s){file}: ?.*{message}"):
        read_data(data)
