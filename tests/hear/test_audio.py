"""Laws of audio: what is read, at which rate; then every damaged file, by its message."""

from __future__ import annotations

import gc
import json
import os
import re
import struct
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hear.audio.read import ClipError, read_clip, read_samples, read_wav_header
from hear.audio.stored import StoredClip
from hear.tasks.audio_checks import Limits, check_audio, source_sample_rate
from hear.tasks.check import write_manifest
from hear.tasks.folder import read_task
from hear.tasks.manifest import task_warnings
from hear.tasks.problems import TaskError

MakeTask = Callable[..., Path]
CLIP = "16000/train/train_1.wav"  # the clip that is damaged


def message_of(folder: Path) -> str:
    with pytest.raises(TaskError) as error:
        check_audio(read_task(folder), progress=False)
    return str(error.value)


def noise(n_samples: int, n_channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (n_samples, n_channels))


def test_a_clip_at_its_own_rate_is_read_as_it_is(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, 1000, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    clip = read_clip(tmp_path / "a.wav", 16000)
    assert clip.dtype == np.float32
    np.testing.assert_array_equal(clip, samples / np.float32(2**15))


@pytest.mark.parametrize("rate_hz", [16000, 22050, 44100, 48000])
def test_resampling_keeps_length_pitch_and_level(tmp_path: Path, rate_hz: int) -> None:
    times_s = np.arange(rate_hz) / rate_hz
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 1000 * times_s), rate_hz)
    clip = read_clip(tmp_path / "a.wav", 32000)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(32000) / 32000)
    assert clip.shape == (32000,)
    np.testing.assert_allclose(clip[1000:-1000], expected[1000:-1000], atol=1e-3)


@pytest.mark.parametrize(
    ("subtype", "is_float"), [("PCM_16", False), ("PCM_24", False), ("FLOAT", True)]
)
def test_the_header_says_what_was_written(tmp_path: Path, subtype: str, is_float: bool) -> None:
    soundfile.write(tmp_path / "a.wav", noise(101, 2), 22050, subtype=subtype)
    header = read_wav_header(tmp_path / "a.wav")
    assert (header.n_samples, header.n_channels, header.sample_rate_hz) == (101, 2, 22050)
    assert header.is_float is is_float
    assert header.bytes_present == header.data_bytes


def test_an_extensible_header_and_extra_chunks_are_understood(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(7), 16000, subtype="FLOAT", format="WAVEX")
    assert read_wav_header(tmp_path / "a.wav").is_float
    content = (tmp_path / "a.wav").read_bytes()
    extra = content[:12] + b"LIST\x03\x00\x00\x00abc\x00" + content[12:]
    (tmp_path / "b.wav").write_bytes(extra)
    assert read_wav_header(tmp_path / "b.wav") == read_wav_header(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a RIFF WAVE file, found an empty file"),
        (
            b"fLaC and more bytes",
            "expected a RIFF WAVE file, found 19 bytes that start with b'fLaC",
        ),
        (b"RIFF\x00\x00\x00\x00WAVE", "expected a fmt chunk, found the end of the file"),
    ],
)
def test_what_is_no_wav_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(ClipError, match=message):
        read_wav_header(tmp_path / "a.wav")
    with pytest.raises(ClipError, match="a.wav: expected a readable audio file"):
        read_clip(tmp_path / "a.wav", 32000)


def test_reading_refuses_stereo_silence_of_no_length_and_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(10, 2), 16000)
    with pytest.raises(ClipError, match="a.wav: expected one channel, found 2"):
        read_clip(path, 16000)
    soundfile.write(path, noise(0), 16000)
    with pytest.raises(ClipError, match="expected audio, found no samples"):
        read_clip(path, 16000)
    soundfile.write(path, np.array([0.0, np.nan, np.inf]), 16000, subtype="FLOAT")
    with pytest.raises(ClipError, match="found 2 of 3 NaN or infinite, first 1"):
        read_clip(path, 16000)


def test_a_good_folder_passes_and_is_summed_up(make_task: MakeTask) -> None:
    summary = check_audio(read_task(make_task()), progress=False)
    assert summary == {
        "sample_rate_hz": 16000,
        "n_clips": 12,
        "duration_s": 3.0,
        "shortest_s": 0.25,
        "warnings": [],
    }


def test_extra_files_are_a_warning(make_task: MakeTask) -> None:
    folder = make_task()
    soundfile.write(folder / "16000/train/extra.wav", noise(10), 16000)
    warnings = check_audio(read_task(folder), progress=False)["warnings"]
    assert warnings == ["16000/train: files that no split file names: extra.wav"]


def silence(folder: Path, *splits: str) -> None:
    """As HEAR's TFDS tasks were written: 16 bits too low."""
    for split in splits:
        for path in (folder / "16000" / split).iterdir():
            soundfile.write(path, noise(4000) / 2**14, 16000)


@pytest.mark.parametrize("key", ["is_official", "tfds_task_name"])
def test_a_task_whose_scale_was_lost_is_refused_if_it_is_hears(make_task, key, tmp_path) -> None:
    folder = make_task(**({} if key == "is_official" else {key: "tones"}))
    official = {key: True} if key == "is_official" else {}
    manifest = tmp_path / "task.json"
    silence(folder, "train")
    found = write_manifest(manifest, "tones", [folder], {}, progress=False, **official)
    assert any("are silent" in text for text in task_warnings(found))  # the others can be heard
    silence(folder, "valid", "test")
    with pytest.raises(TaskError, match="12 of 12 .* peak at .*16 bits too quiet.*6332517"):
        write_manifest(manifest, "tones", [folder], {}, progress=False, **official)


def test_a_quiet_task_of_a_user_is_a_warning(make_task, tmp_path) -> None:
    folder = make_task()
    silence(folder, "train", "valid", "test")
    found = write_manifest(tmp_path / "task.json", "tones", [folder], {}, progress=False)
    assert any("their scale is lost" in text for text in task_warnings(found))


@pytest.mark.parametrize(
    ("present", "wanted", "picked"),
    [
        ((16000, 32000, 48000), 32000, 32000),
        ((16000, 44100, 48000), 32000, 44100),
        ((16000, 22050), 32000, 22050),
        ((48000,), 16000, 48000),
    ],
)
def test_the_rate_is_the_models_or_the_next_above_or_the_best_below(
    make_task: MakeTask, present: tuple[int, ...], wanted: int, picked: int
) -> None:
    folder = make_task(rate_hz=present[0])
    for rate_hz in present[1:]:
        (folder / str(rate_hz)).mkdir()
    assert source_sample_rate(read_task(folder), wanted) == picked


def test_a_folder_without_audio_is_refused(make_task: MakeTask) -> None:
    folder = make_task()
    (folder / "16000").rename(folder / "8000")
    expected = re.escape("expected an audio folder (16000, 22050, 32000, 44100, 48000), found 8000")
    with pytest.raises(TaskError, match=expected):
        source_sample_rate(read_task(folder), 32000)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def write(samples: np.ndarray, rate_hz: int = 16000, subtype: str = "PCM_16") -> Callable:
    return lambda path: soundfile.write(path, samples, rate_hz, subtype=subtype)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "expected 8000 bytes of audio by its header, found 7000 (truncated)"),
        (Path.unlink, "expected the file, found no such file"),
        (write(noise(4000, 2)), "expected one channel, found 2"),
        (write(noise(4000), 22050), "expected 16000 Hz as its folder says, found 22050 Hz"),
        (write(noise(4200)), "expected 0.25 s (sample_duration) within 0.010 s, found 0.263 s"),
        (write(noise(0)), "expected audio, found no samples"),
        (
            write(np.append(noise(3999), np.nan), subtype="FLOAT"),
            "expected finite samples, found 1 of 4000 NaN or infinite, first 3999",
        ),
        (lambda path: path.write_bytes(b"no wav"), "expected a RIFF WAVE file, found 6 bytes"),
    ],
)
def test_a_damaged_file_is_named(
    make_task: MakeTask, damage: Callable[[Path], None], message: str
) -> None:
    folder = make_task()
    damage(folder / CLIP)
    assert message_of(folder).splitlines()[1].startswith(f"  {CLIP}: {message}")


def test_an_unreadable_encoding_is_named(make_task: MakeTask) -> None:
    folder = make_task()
    content = bytearray((folder / CLIP).read_bytes())
    content[20:22] = b"\x99\x99"  # an unknown WAVE format tag
    (folder / CLIP).write_bytes(content)
    assert (
        f"{CLIP}: expected a coding that libsndfile decodes, as PCM and floating point, found "
        "format 39321: "
    ) in message_of(folder)


def test_lengths_may_differ_by_a_rounding_and_where_the_metadata_say_so(
    make_task: MakeTask,
) -> None:
    folder = make_task("short-v1-full")
    soundfile.write(folder / CLIP, noise(4150), 16000)
    check_audio(read_task(folder), progress=False)
    free = make_task("free-v1-full", sample_duration=None)
    soundfile.write(free / CLIP, noise(9000), 16000)
    check_audio(read_task(free), progress=False)


def test_lengths_of_official_clips_may_differ_by_5_percent(make_task: MakeTask) -> None:
    folder = make_task()
    soundfile.write(folder / CLIP, noise(4180), 16000)
    summary = check_audio(read_task(folder), is_official=True, progress=False)
    assert summary["duration_s"] == (11 * 4000 + 4180) / 16000
    with pytest.raises(TaskError, match="within 0.010 s, found 0.261 s"):
        check_audio(read_task(folder), progress=False)
    soundfile.write(folder / CLIP, noise(4300), 16000)
    with pytest.raises(TaskError, match="within 0.013 s, found 0.269 s"):
        check_audio(read_task(folder), is_official=True, progress=False)


def test_events_after_the_end_of_a_clip_of_free_length_are_named(make_task: MakeTask) -> None:
    folder = make_task(embedding_type="event", sample_duration=None)
    soundfile.write(folder / CLIP, noise(160), 16000)
    expected = "expected events that start before the clip's end (0.010 s), found high at 10.0 ms"
    assert f"{CLIP}: {expected}" in message_of(folder)


def test_all_damaged_files_are_reported_at_once(make_task: MakeTask) -> None:
    folder = make_task()
    truncate(folder / CLIP)
    (folder / "16000/valid/valid_0.wav").unlink()
    assert message_of(folder).splitlines()[0] == f"{folder}: 2 problems"


def streamed(path: Path, n_bytes: int, riff_bytes: int) -> None:
    """Put the lengths into a header that an encoder writes who cannot go back to it."""
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4], content[4:8] = struct.pack("<I", n_bytes), struct.pack("<I", riff_bytes)
    path.write_bytes(content)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT", "ULAW"])
@pytest.mark.parametrize(
    ("n_bytes", "riff_bytes"),
    [
        (0xFFFFFFFF, 0xFFFFFFFF),  # ffmpeg to a pipe
        (0x7FFFF000, 0x7FFFF024),  # sox
        (0x80000000, 0x80000024),  # arecord
        (0, 0),  # GStreamer
        (0, 36),  # Python's wave
    ],
)
def test_a_streamed_file_is_read_to_its_end(
    make_task: MakeTask, subtype: str, n_bytes: int, riff_bytes: int
) -> None:
    folder = make_task(rate_hz=32000)
    path = folder / "32000/train/train_1.wav"
    soundfile.write(path, noise(8000), 32000, subtype)
    expected, _ = read_samples(path)
    streamed(path, n_bytes, riff_bytes)
    np.testing.assert_array_equal(read_samples(path)[0], expected)
    np.testing.assert_array_equal(StoredClip(path, 32000).stretch(0, 8000)[0], expected)
    assert read_wav_header(path).is_streamed
    warnings = check_audio(read_task(folder), progress=False)["warnings"]
    told = "files that do not say how long they are, read to their end: train_1.wav"
    assert warnings == [f"32000/train: {told}"]


def test_a_streamed_file_is_closed_after_reading(tmp_path: Path) -> None:
    path = tmp_path / "streamed.wav"
    soundfile.write(path, noise(8000), 32000, "PCM_16")
    streamed(path, 0xFFFFFFFF, 0xFFFFFFFF)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        read_samples(path)
        gc.collect()
    assert not said


def test_a_closed_file_without_samples_has_none_whatever_follows(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(0), 16000)
    content = (tmp_path / "a.wav").read_bytes() + b"LIST\x04\0\0\0INFO"
    (tmp_path / "a.wav").write_bytes(
        content[:4] + struct.pack("<I", len(content) - 8) + content[8:]
    )
    assert read_wav_header(tmp_path / "a.wav").n_samples == 0


def test_the_form_for_large_files_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(1000), 16000, "PCM_16", format="RF64")
    header = read_wav_header(tmp_path / "a.wav")
    assert (header.n_samples, header.data_bytes, header.bytes_present) == (1000, 2000, 2000)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:-100])
    assert read_wav_header(tmp_path / "a.wav").bytes_present == 1900


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610", "G721_32"])
def test_the_length_of_a_block_coding_is_the_decoders(make_task: MakeTask, subtype: str) -> None:
    folder = make_task()
    soundfile.write(folder / CLIP, noise(4000), 16000, subtype)
    n_samples = len(read_clip(folder / CLIP, 16000))
    assert read_wav_header(folder / CLIP).n_samples == n_samples
    summary = check_audio(read_task(folder), progress=False)  # a padded last block is no fault
    assert summary["duration_s"] == 3.0 + (n_samples - 4000) / 16000
    soundfile.write(folder / CLIP, noise(12000), 16000, subtype)
    assert "expected 0.25 s (sample_duration)" in message_of(folder)


def test_all_clips_that_are_too_short_for_a_model_are_named(make_task: MakeTask) -> None:
    folder = make_task(sample_duration=None)
    for clip in (CLIP, "16000/test/test_2.wav"):
        soundfile.write(folder / clip, noise(400), 16000)
    task = read_task(folder)
    assert check_audio(task, progress=False)["shortest_s"] == 0.025
    with pytest.raises(TaskError) as error:
        check_audio(task, limits=Limits(0.15, "passt_hop10, scene"), progress=False)
    expected = "expected at least 0.150 s (passt_hop10, scene), found 0.025 s"
    assert [line for line in str(error.value).splitlines() if expected in line] == [
        f"  16000/test/test_2.wav: {expected}",
        f"  {CLIP}: {expected}",
    ]


@pytest.mark.parametrize("rate_hz", [32000, 48000])
def test_float_clips_beyond_full_scale_get_one_answer(make_task: MakeTask, rate_hz: int) -> None:
    folder = make_task(rate_hz=rate_hz)
    path = folder / f"{rate_hz}/train/train_1.wav"
    samples, _ = read_samples(path)
    soundfile.write(path, 2 * 1.4 * samples, rate_hz, "FLOAT")
    told = f"{rate_hz}/train: files with samples beyond full scale: train_1.wav"
    assert check_audio(read_task(folder), progress=False)["warnings"] == [told]
    soundfile.write(path, 2 * 2.9 * samples, rate_hz, "FLOAT")
    expected = "train_1.wav: expected samples in [-1, 1], at most 2 after resampling, found a peak"
    assert f"{expected} of 2.9" in message_of(folder)
    with pytest.raises(ClipError, match="found a peak of 2.9"):
        read_clip(path, 32000)


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_names_in_the_other_unicode_form_are_found(make_task: MakeTask, stored: str) -> None:
    folder, forms = make_task(), {"NFC": "\u00e9", "NFD": "e\u0301"}
    given = forms["NFD" if stored == "NFC" else "NFC"]
    entries = json.loads((folder / "train.json").read_text())
    entries = {name.replace("train", given): labels for name, labels in entries.items()}
    (folder / "train.json").write_text(json.dumps(entries))
    for path in (folder / "16000/train").iterdir():
        path.rename(path.with_name(path.name.replace("train", forms[stored])))
    task = read_task(folder)
    assert check_audio(task, progress=False)["warnings"] == []
    paths = task.audio(16000, "train")
    assert list(paths) == list(entries) and all(path.is_file() for path in paths.values())

    both = paths[f"{given}_1.wav"]
    both.with_name(f"{given}_1.wav").write_bytes(both.read_bytes())  # the very name comes first
    assert task.audio(16000, "train")[f"{given}_1.wav"].name == f"{given}_1.wav"


def test_a_name_that_differs_in_case_or_form_is_shown_beside_the_missing_one(
    make_task: MakeTask,
) -> None:
    folder = make_task()
    (folder / CLIP).rename((folder / CLIP).with_suffix(".WAV"))
    found = "no such file ('train_1.wav'); there is 'train_1.WAV'"
    assert f"{CLIP}: expected the file, found {found}" in message_of(folder)


def test_a_name_that_is_not_utf_8_is_only_told(make_task: MakeTask) -> None:
    folder = make_task()
    Path(os.fsdecode(os.fsencode(folder / "16000/train") + b"/\xfc.txt")).touch()
    warnings = check_audio(read_task(folder), progress=False)["warnings"]
    assert warnings == ["16000/train: files that no split file names: \\udcfc.txt"]


@pytest.mark.parametrize("duration", [0.25, None])
def test_events_in_seconds_are_noticed(make_task: MakeTask, duration: float | None) -> None:
    folder = make_task(embedding_type="event", sample_duration=duration)
    check_audio(read_task(folder), progress=False)
    entries = json.loads((folder / "test.json").read_text())
    for event in sum(entries.values(), []):
        event["start"], event["end"] = event["start"] / 1000, event["end"] / 1000 * 0.75
    (folder / "test.json").write_text(json.dumps(entries))
    found = "expected times of events in ms, found all of them in the first 0.1% of their clips"
    assert f"test.json: {found}; are they in seconds?" in message_of(folder)


def test_a_chunk_that_claims_a_gigabyte_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVEfmt " + (2**30).to_bytes(4, "little") + bytes(40))
    tracemalloc.start()
    with pytest.raises(ClipError, match="a data chunk"):
        read_wav_header(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
