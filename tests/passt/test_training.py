"""Patchout training as a whole: resuming, seeds, what it leaves, what it refuses, overfitting."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

import passt
from passt.checkpoints import Checkpoint
from passt.training.config import read_recipe
from passt.training.loop import TrainingError, train
from passt.weights import infer_architecture, load_embedder, read_tensors
from tests.passt.tagged_clips import TINY, write_csv, write_data

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    directory = tmp_path_factory.mktemp("trained")
    return directory, train(TINY, data, directory, progress=False)


def test_resumed_training_gives_the_bytes_of_an_uninterrupted_one(data, trained, tmp_path):
    random_state = torch.get_rng_state()
    for n_steps in (2, 5):  # within an epoch, twice
        assert train(TINY, data, tmp_path, n_steps, progress=False) is None
    record = train(TINY, data, tmp_path, progress=False)
    assert torch.get_rng_state().equal(random_state)
    directory, expected = trained
    assert record["weights_sha256"] == expected["weights_sha256"]
    weights = "weights.safetensors"
    assert (tmp_path / weights).read_bytes() == (directory / weights).read_bytes()
    losses = [[entry["loss"] for entry in r["curve"]] for r in (record, expected)]
    assert losses[0] == losses[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["record.json", weights]


def test_other_seeds_give_other_weights(data, trained, tmp_path):
    record = train(dataclasses.replace(TINY, seed=1), data, tmp_path, progress=False)
    assert record["weights_sha256"] != trained[1]["weights_sha256"]


def test_a_state_of_another_training_is_refused(data, tmp_path):
    train(TINY, data, tmp_path, n_steps=1, progress=False)
    with pytest.raises(TrainingError, match="other learning_rate; delete it"):
        train(dataclasses.replace(TINY, learning_rate=1.0), data, tmp_path, progress=False)
    whole = torch.load(tmp_path / "state.pt", weights_only=True)
    others = [{"identity": "{}"}, {"network": {}},
              {"history": whole["history"] | {"step": "1"}}]  # fmt: skip
    for changes in others:
        torch.save(whole | changes, tmp_path / "state.pt")
        with pytest.raises(TrainingError, match="state.pt: not a readable training state"):
            train(TINY, data, tmp_path, progress=False)
    (tmp_path / "state.pt").write_bytes(b"torn")
    with pytest.raises(TrainingError, match="state.pt: not a readable training state"):
        train(TINY, data, tmp_path, progress=False)


def test_a_diverging_training_stops(data, tmp_path):
    wild = dataclasses.replace(TINY, learning_rate=1e30, ramp_down_start=3)
    with pytest.raises(TrainingError, match="the loss became"):
        train(wild, data, tmp_path, progress=False)


def test_record_and_weights(data, trained):
    directory, record = trained
    assert json.loads((directory / "record.json").read_text()) == record
    assert record["steps"] == 9 and record["clips_seen"] == 36
    assert record["differs_from_paper"]["learning_rate"] == 1e-3
    assert 0 <= record["curve"][-1]["valid_mAP"] <= 1 and len(record["curve"]) == 3
    path = directory / "weights.safetensors"
    tensors = read_tensors(path)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    architecture = infer_architecture(tensors)
    assert architecture == TINY.architecture(4)
    audio = 0.1 * torch.randn(2, 16000)
    levels, _ = load_embedder(Checkpoint("x", 320, architecture, str(path))).embed(audio, "scene")
    model = passt.load_model(str(path), checkpoint="passt_hop10", levels="M")
    torch.testing.assert_close(passt.get_scene_embeddings(audio, model), levels["M"])


@pytest.mark.slow
def test_training_overfits_eight_clips(tmp_path):
    data = write_data(tmp_path)
    rows = [row.split(",") for row in (data / "index.csv").read_text().splitlines()[1:]]
    train_rows = [row for row in rows if row[1] == "train"]
    (data / "again").mkdir()
    for name, _, _ in train_rows:
        (data / "again" / name).write_bytes((data / name).read_bytes())
    again = [(f"again/{name}", "valid", labels) for name, _, labels in train_rows]
    write_csv(data / "index.csv", [("file", "split", "labels"), *train_rows, *again])
    recipe = dataclasses.replace(
        TINY,
        fan_in_weights=True,
        row_position_std=1.0,
        patchout_rows=1,
        n_epochs=1,
        epoch_clips=640,
        batch_size=8,
        warm_up_epochs=0,
        ramp_down_start=0.5,
        ramp_down_epochs=0.5,
        waveform_mixup_rate=0.0,
        spectrogram_mixup_rate=0.0,
        mask_bands=0,
    )
    record = train(recipe, data, tmp_path / "out", progress=False)
    assert record["curve"][-1]["valid_mAP"] > 0.99


def test_audioset_recipe_runs_dry(tmp_path):
    data = write_data(tmp_path / "data", n_clips=5, seconds=1.0)
    recipe, _ = read_recipe(CONFIG / "pretrain_audioset.yaml", "hop10")
    narrow = {"embed_dim": 16, "depth": 1, "num_heads": 1, "initial_weights": None, "workers": 1}
    recipe = dataclasses.replace(recipe, **narrow)
    assert train(recipe, data, tmp_path / "out", n_steps=1, progress=False) is None
    assert (tmp_path / "out" / "state.pt").is_file()
