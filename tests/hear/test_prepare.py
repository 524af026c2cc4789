"""Archives unpacked once and resampled: same samples, killed in the middle, damaged, wrong."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hear.archives.downsample import STEPS, Resampled, resample_folder
from hear.archives.prepare import prepare_archives
from hear.archives.unpack import ArchiveError
from hear.audio.read import read_clip, read_samples
from hear.files import sha256_file
from hear.tasks.audio_checks import check_audio
from hear.tasks.folder import read_task
from hear.tasks.problems import TaskError

FROM_HZ, TO_HZ = 48000, 32000


@pytest.fixture
def folder(make_task) -> Path:
    """A task at 48 kHz whose clips have noise up to the highest frequencies."""
    path, rng = make_task(rate_hz=FROM_HZ), np.random.default_rng(0)
    for file in (path / str(FROM_HZ)).rglob("*.wav"):
        soundfile.write(file, rng.uniform(-0.5, 0.5, 12000), FROM_HZ, "PCM_16")
    return path


@pytest.fixture
def archive(folder, tmp_path) -> Path:
    path = tmp_path / "hear2021-tones-v1-full-48000.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder, f"hear-2021.0.6/tasks/{folder.name}")
    return path


def prepare(archive: Path, resample: str = "on_the_fly", **settings) -> tuple[Path, dict]:
    destination = archive.parent / "unpacked"
    (folder,), origin = prepare_archives(
        [archive], destination, resample, progress=False, **settings
    )
    assert folder.parent == destination
    return folder, origin


def resample(folder: Path, **settings) -> Resampled:
    return resample_folder(read_task(folder), FROM_HZ, TO_HZ, progress=False, **settings)


def rates(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


@pytest.mark.parametrize("n_threads", [1, 3])
def test_copies_are_what_reading_would_give_to_half_a_step(folder, n_threads):
    done = resample(folder, n_threads=n_threads)
    originals = sorted((folder / "48000").rglob("*.wav"))
    assert (done.n_written, done.n_kept, done.n_clipped) == (len(originals), 0, 0)
    worst = 0.0
    for path in originals:
        copy = folder / "32000" / path.relative_to(folder / "48000")
        assert soundfile.info(copy).subtype == "PCM_16"
        stored, rate_hz = read_samples(copy)
        wanted = read_clip(path, TO_HZ)
        assert rate_hz == TO_HZ and stored.shape == wanted.shape == (8000,)
        worst = max(worst, float(np.abs(stored - wanted).max()))
    assert 0.4 / STEPS < worst <= 0.5 / STEPS + 1e-7
    assert check_audio(read_task(folder), progress=False)["sample_rate_hz"] == TO_HZ


def test_what_is_done_is_kept_and_half_a_file_is_not(folder):
    resample(folder)
    copies = sorted((folder / "32000").rglob("*.wav"))
    before = {copy: copy.stat().st_mtime_ns for copy in copies[1:]}
    copies[0].rename(copies[0].with_name(copies[0].name + ".part"))  # as a killed call leaves it
    done = resample(folder)
    assert (done.n_written, done.n_kept) == (1, len(copies) - 1)
    assert before == {copy: copy.stat().st_mtime_ns for copy in copies[1:]}
    assert sorted((folder / "32000").rglob("*")) == sorted({*copies, *(c.parent for c in copies)})


def test_originals_go_one_by_one_and_only_after_their_copy(folder):
    broken = sorted((folder / "48000").rglob("*.wav"))[5]
    content = broken.read_bytes()
    broken.write_bytes(b"junk")
    with pytest.raises(TaskError, match=f"{broken.name}: expected a readable audio file"):
        resample(folder, keep_source=False)
    left = {path.name for path in (folder / "48000").rglob("*.wav")}
    copied = {path.name for path in (folder / "32000").rglob("*.wav")}
    assert broken.name in left and not left & copied and len(left | copied) == 12
    broken.write_bytes(content)
    resample(folder, keep_source=False)
    assert rates(folder) == ["32000"]
    again = resample(folder, keep_source=False)
    assert (again.n_written, again.n_kept) == (0, 12)


def test_full_scale_is_clipped_and_counted(folder):
    path = sorted((folder / "48000").rglob("*.wav"))[0]
    square = np.sign(np.sin(2 * np.pi * 1000 * (np.arange(12000) + 0.5) / FROM_HZ))
    soundfile.write(path, square, FROM_HZ, "PCM_16")  # the filter overshoots at its edges
    assert resample(folder).n_clipped == 1
    copy = folder / "32000" / path.relative_to(folder / "48000")
    wanted = read_clip(path, TO_HZ).clip(-1, 1 - 1 / STEPS)
    assert np.abs(read_samples(copy)[0] - wanted).max() <= 0.5 / STEPS + 1e-7


def test_clips_far_beyond_full_scale_are_all_named(folder):
    paths = sorted((folder / "48000").rglob("*.wav"))[3:5]
    for path in paths:
        soundfile.write(path, 2.9 * np.ones(12000), FROM_HZ, "FLOAT")
    with pytest.raises(TaskError, match="2 problems") as error:
        resample(folder)
    assert all(f"{path.name}: expected samples in [-1, 1]" in str(error.value) for path in paths)


def test_a_clip_is_resampled_whatever_its_names_case_and_form(folder):
    entries = json.loads((folder / "train.json").read_text())
    (labels, *_), names = entries.values(), ("train_0.WAV", "\u00e9.wav")
    (folder / "train.json").write_text(json.dumps(dict.fromkeys(names, labels)))
    audio = folder / "48000/train"
    for i, name in enumerate(("train_0.WAV", "e\u0301.wav")):
        (audio / f"train_{i}.wav").rename(audio / name)
    (audio / "._train_0.WAV").write_bytes(b"no audio")
    resample(folder)
    assert {path.name for path in (folder / "32000/train").iterdir()} == {*names}


def test_a_missing_clip_is_named_before_anything_is_resampled(folder):
    (folder / "48000/train/train_1.wav").unlink()
    expected = "48000/train/train_1.wav: expected the file, found no such file"
    with pytest.raises(TaskError, match=expected):
        resample(folder)
    assert rates(folder) == ["48000"]


@pytest.mark.parametrize("how", ["disk", "disk_only"])
def test_clips_that_split_files_name_are_resampled_and_no_other_file(folder, archive, how):
    clips = json.loads((folder / "train.json").read_text())
    clips["LOUD.WAV"] = clips.pop("train_0.wav")
    (folder / "train.json").write_text(json.dumps(clips))
    (folder / "48000/train/train_0.wav").rename(folder / "48000/train/LOUD.WAV")
    (folder / "48000/train/._x.wav").write_bytes(b"what macOS leaves")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    for _ in range(2):  # a second call finds all done, and says the same
        unpacked, origin = prepare(archive, how)
        said = "48000/train: files that no split file names: ._x.wav"
        assert origin["warnings"] == [f"{folder.name}/{said}"]
        assert sorted(os.listdir(unpacked / "32000/train")) == sorted(clips)
        assert ("48000" in rates(unpacked)) == (how == "disk")
        assert check_audio(read_task(unpacked), progress=False)["n_clips"] == 12
    assert prepare(archive, "on_the_fly")[1]["warnings"] == []  # its own check says it


def test_archives_are_unpacked_once(archive):
    folder, origin = prepare(archive)
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    names = {"archives": {archive.name: sha256_file(archive)}, "md5": {archive.name: md5}}
    assert origin == names | {"warnings": []}
    (folder / "seen").touch()
    assert (prepare(archive)[0] / "seen").exists()
    (folder / "task_metadata.json").unlink()  # not whole any more
    assert not (prepare(archive)[0] / "seen").exists()


def test_another_archive_of_the_name_is_unpacked_instead(archive, folder):
    unpacked, _ = prepare(archive)
    (unpacked / "seen").touch()
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(folder, "tones-v2-full")
    again, _ = prepare(archive)
    assert again.name == "tones-v2-full" and not unpacked.exists()


def test_every_way_of_resampling_follows_every_other(archive):
    expected = {"on_the_fly": ["48000"], "disk": ["32000", "48000"], "disk_only": ["32000"]}
    order = ["disk", "disk_only", "on_the_fly", "disk_only", "disk", "on_the_fly", "disk", "disk"]
    for resample in order:
        folder, origin = prepare(archive, resample)
        assert rates(folder) == expected[resample], resample
        assert len(list(folder.rglob("*.wav"))) == 12 * len(expected[resample])
        assert ("resampled" in origin) == (resample != "on_the_fly")
    with pytest.raises(ValueError, match="resample: expected one of on_the_fly, disk"):
        prepare(archive, "never")


def test_audio_at_the_models_rate_is_left_alone(archive, folder):
    shutil.move(folder / "48000", folder / "16000")
    for rate in ("16000", "32000"):
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(folder, folder.name)
        unpacked, origin = prepare(archive, "disk_only")
        assert rates(unpacked) == [rate] and "resampled" not in origin
        shutil.move(folder / "16000", folder / "32000") if rate == "16000" else None


def test_a_damaged_or_another_archive_is_refused_and_leaves_nothing(archive):
    whole, known = archive.read_bytes(), sha256_file(archive)
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArchiveError, match=f"{archive.name}: .*corrupted or truncated"):
        prepare(archive)
    archive.write_bytes(whole)
    with pytest.raises(ArchiveError, match=f"{archive.name}: md5: expected 0, found [0-9a-f]+"):
        prepare(archive, hashes={archive.name: {"md5": "0", "sha256": known}})
    assert not list((archive.parent / "unpacked").iterdir())
    assert prepare(archive, hashes={archive.name: {"sha256": known}, "other": {"md5": "0"}})


def test_an_archive_is_read_once_and_not_again_when_it_is_unpacked(archive, monkeypatch):
    n_opened, opened = [], Path.open

    def counted(path: Path, *arguments, **settings):
        n_opened.append(path == archive)
        return opened(path, *arguments, **settings)

    monkeypatch.setattr(Path, "open", counted)
    prepare(archive)
    prepare(archive, "disk")
    assert sum(n_opened) == 1
