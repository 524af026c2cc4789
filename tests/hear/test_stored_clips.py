"""Laws of clips that stay in their file: the samples, and the embeddings, of whole clips."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from hear.audio.read import ClipError, read_clip
from hear.audio.stored import StoredClip
from hear.features import embed
from hear.features.cost import CPU, Meter
from passt.checkpoints import Checkpoint
from passt.weights import load_embedder

WANTED_HZ = 32_000
TINY = {"init": "random", "hop": 320, "embed_dim": 64, "depth": 1, "num_heads": 1, "n_classes": 9}


@pytest.fixture
def write(tmp_path: Path):
    def write(n_samples: int, rate_hz: int) -> Path:
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, n_samples)
        soundfile.write(tmp_path / "a.wav", noise, rate_hz)
        return tmp_path / "a.wav"

    return write


@pytest.fixture
def small_blocks(monkeypatch) -> None:
    monkeypatch.setattr("hear.audio.stored.BLOCK_S", 0.1)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("n_samples", [1, 1600, 20_001, 20_002, 20_003])
def test_stretches_are_those_of_the_whole_clip(write, small_blocks, rate_hz, n_samples):
    path = write(n_samples, rate_hz)
    whole = read_clip(path, WANTED_HZ)
    clip = StoredClip(path, WANTED_HZ)
    assert clip.shape == (1, len(whole))
    for start in [*range(0, len(whole), 3000), 0]:  # the last one has been forgotten
        stop = min(start + 5000, len(whole))
        np.testing.assert_array_equal(clip.stretch(start, stop)[0], whole[start:stop])


def test_what_lies_far_behind_is_forgotten(write, small_blocks):
    clip = StoredClip(write(160_000, 48_000), WANTED_HZ)
    for start in range(0, clip.shape[1] - 1000, 1000):
        clip.stretch(start, start + 1000)
        assert len(clip._kept) <= 3 * 0.1 * WANTED_HZ


@pytest.mark.slow
@pytest.mark.parametrize("view", ["scene", "rf160", "rf640", "mel"])
def test_a_clip_in_its_file_is_embedded_as_a_whole_one(write, monkeypatch, small_blocks, view):
    monkeypatch.setattr("passt.embedder.BATCH_TOKENS", 12 * 8)
    path = write(99_991, 48_000)
    scene = {"scene_window_ms": 300.0, "scene_hop_ms": 70.0}
    model = load_embedder(Checkpoint.from_config("tiny", TINY | scene))
    whole, timestamps = model.embed(torch.from_numpy(read_clip(path, WANTED_HZ))[None], view)
    parts = list(model.stream(StoredClip(path, WANTED_HZ), view))
    for level, values in whole.items():
        torch.testing.assert_close(
            torch.cat([part[level] for part, _ in parts], dim=-2), values, rtol=0, atol=0
        )
    if timestamps is not None:
        assert torch.cat([times for _, times in parts]).equal(timestamps)


def test_long_clips_stay_in_their_file_and_keep_their_place(write, tmp_path):
    model = SimpleNamespace(sample_rate=WANTED_HZ, batch_s=1.0)
    paths = []
    for name, n_samples in {"one": 9600, "two": 9600, "long": 40_000, "last": 9600}.items():
        paths.append(write(n_samples, WANTED_HZ).rename(tmp_path / f"{name}.wav"))
    batches = list(embed._batches(paths, model, Meter(CPU, float)))
    names = [[path.stem for path in batch] for batch, _ in batches]
    assert names == [["one", "two"], ["long"], ["last"]]
    assert [isinstance(audio, StoredClip) for _, audio in batches] == [False, True, False]


def test_bad_files_are_named(write, small_blocks, tmp_path):
    with pytest.raises(ClipError, match="missing.wav: expected a readable audio file"):
        StoredClip(tmp_path / "missing.wav", WANTED_HZ)
    with pytest.raises(ClipError, match="a.wav: expected audio, found no samples"):
        StoredClip(write(0, WANTED_HZ), WANTED_HZ)
    soundfile.write(tmp_path / "a.wav", np.zeros((9, 2)), WANTED_HZ)
    with pytest.raises(ClipError, match="a.wav: expected one channel, found 2"):
        StoredClip(tmp_path / "a.wav", WANTED_HZ)
    samples = np.zeros(9600)
    samples[5000] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, WANTED_HZ, subtype="FLOAT")
    with pytest.raises(ClipError, match="found 1 of 3200 NaN or infinite, first 5000"):
        StoredClip(tmp_path / "a.wav", WANTED_HZ).stretch(0, 9600)
    clip = StoredClip(write(9600, WANTED_HZ), WANTED_HZ)
    write(4000, WANTED_HZ)  # someone writes it anew
    with pytest.raises(ClipError, match="a.wav: expected 9600 samples, found 4000"):
        clip.stretch(0, 9600)


def test_stored_audio_out_of_scale_is_refused_when_it_is_met(write, tmp_path):
    soundfile.write(tmp_path / "a.wav", 3.0 * np.ones(40_000), WANTED_HZ, subtype="FLOAT")
    model = load_embedder(Checkpoint.from_config("tiny", TINY))
    with pytest.raises(ValueError, match="a.wav: .* a peak of 3"):
        list(model.stream(StoredClip(tmp_path / "a.wav", WANTED_HZ), "rf160"))


def test_clips_keep_their_place_whatever_many_threads_read_them(tmp_path):
    model = SimpleNamespace(sample_rate=WANTED_HZ, batch_s=0.7)
    rng, paths = np.random.default_rng(1), []
    for i in range(23):
        n_samples = 8000 if i % 7 else 20_000
        paths.append(tmp_path / f"{i:02d}.wav")
        soundfile.write(paths[-1], rng.uniform(-0.5, 0.5, n_samples), 16_000)
    before = torch.get_num_threads()
    try:
        found = {}
        for n_threads in (1, 3):
            torch.set_num_threads(n_threads)
            found[n_threads] = list(embed._batches(paths, model, Meter(CPU, float)))
    finally:
        torch.set_num_threads(before)
    assert [path for batch, _ in found[1] for path in batch] == paths
    for (names, one), (same, other) in zip(found[1], found[3], strict=True):
        assert names == same and isinstance(one, StoredClip) == isinstance(other, StoredClip)
        if isinstance(one, torch.Tensor):
            assert one.equal(other)


def test_the_first_bad_clip_is_named_whoever_reads_it(tmp_path):
    model = SimpleNamespace(sample_rate=WANTED_HZ, batch_s=60.0)
    paths = [tmp_path / f"{i}.wav" for i in range(9)]
    for i, path in enumerate(paths):
        samples = np.full(4000, np.nan) if i in (4, 7) else np.zeros(4000)
        soundfile.write(path, samples, WANTED_HZ, subtype="FLOAT")
    with pytest.raises(ClipError, match="4.wav: .*NaN"):
        list(embed._batches(paths, model, Meter(CPU, float)))
