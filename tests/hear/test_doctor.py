"""The doctor: every finding planted in a folder in which it finds nothing, and its command line."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from hear.doctor.__main__ import main
from hear.doctor.examine import examine
from hear.doctor.finding import Finding
from hear.doctor.labels import check_labels
from hear.doctor.sources import SCHEMES, sources_that_cross
from hear.files import CONTENT
from hear.tasks.check import write_manifest
from hear.tasks.folder import read_task
from hear.tasks.manifest import finding_rows, read_manifest, task_warnings

RATE_HZ = 16000
LENGTH_S = 0.6
Build = Callable[..., Path]


def sound(seed: int) -> np.ndarray:
    """A sound unlike any other: noise with an envelope and a color of its own, white at the top."""
    rng = np.random.default_rng(seed)
    n = round(LENGTH_S * RATE_HZ)
    noise = rng.standard_normal(n)
    times_s = np.arange(n) / RATE_HZ
    tone = np.sin(2 * np.pi * rng.uniform(200, 2000) * times_s + rng.uniform(0, 6))
    mixed = (noise + 3 * tone) * np.exp(-times_s * rng.uniform(1, 8))
    return (0.5 * mixed / np.abs(mixed).max()).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    soundfile.write(path, samples, rate_hz, "PCM_16")


def audio(folder: Path, split: str, i: int) -> Path:
    return folder / str(RATE_HZ) / split / f"{split}_{i}.wav"


@pytest.fixture
def build(make_task) -> Build:
    """Return a function that writes a folder in which there is nothing to find."""

    def make(name: str = "sounds-v1-full", n_clips: int = 8, **more) -> Path:
        folder = make_task(name, n_clips=n_clips, sample_duration=LENGTH_S, **more)
        for n, path in enumerate(sorted((folder / str(RATE_HZ)).rglob("*.wav"))):
            write(path, sound(n))
        return folder

    return make


def findings(folder: Path) -> dict[str, Finding]:
    return {finding.kind: finding for finding in examine(read_task(folder), RATE_HZ)}


def of_labels(folder: Path) -> dict[str, Finding]:
    return {finding.kind: finding for finding in check_labels(read_task(folder))}


def relabel(folder: Path, split: str, **labels) -> None:
    path = folder / f"{split}.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {f"{clip}.wav": entry for clip, entry in labels.items()}))


@pytest.mark.parametrize("kind", ["scene", "event"])
@pytest.mark.parametrize("splits", [("test", "train", "valid"), ("fold0", "fold1", "fold2")])
def test_a_clean_folder_has_no_finding(build, kind, splits):
    assert findings(build(embedding_type=kind, splits=splits)) == {}


@pytest.mark.parametrize(
    ("pair", "level", "known"),
    [
        (("train", "test"), "severe", "1 of 8 (12.5 %) test clips occur in training"),
        (("valid", "test"), "warning", "1 of 8 (12.5 %) test clips occur in validation"),
        (("train", "valid"), "warning", "1 of 8 (12.5 %) validation clips occur in training"),
    ],
)
def test_identical_clips_in_two_splits(build, pair, level, known):
    folder = build()
    samples, _ = soundfile.read(audio(folder, pair[0], 2))
    soundfile.write(audio(folder, pair[1], 4), samples, RATE_HZ, "PCM_24")  # other bytes
    found = findings(folder)
    assert set(found) == {"identical_clips"}
    finding = found["identical_clips"]
    assert finding.level == level and finding.found.startswith(known)
    assert {*finding.clips[0].split(" = ")} == {
        f"{split}/{audio(folder, split, i).name}" for split, i in zip(pair, (2, 4), strict=True)
    }


def test_any_two_folds_train_and_test_each_other(build):
    folder = build(splits=("fold0", "fold1", "fold2", "fold3"))
    for split in ("fold1", "fold2", "fold3"):
        shutil.copy(audio(folder, "fold0", 0), audio(folder, split, 1))
    finding = findings(folder)["identical_clips"]
    assert finding.level == "severe" and finding.found.startswith("4 of 32 (12.5 %) test clips")
    assert "labels differ in 3 of 6 pairs" in finding.found


def test_a_clip_that_repeats_in_its_split(build):
    folder = build()
    shutil.copy(audio(folder, "train", 0), audio(folder, "train", 2))
    found = findings(folder)
    assert {kind: finding.level for kind, finding in found.items()} == {"repeated_clips": "note"}


def lossy(samples: np.ndarray) -> np.ndarray:
    coded = io.BytesIO()
    soundfile.write(coded, samples, RATE_HZ, "MPEG_LAYER_III", format="MP3")
    coded.seek(0)
    return soundfile.read(coded, dtype="float32")[0][: len(samples)]


def later(samples: np.ndarray) -> np.ndarray:
    n = round(0.037 * RATE_HZ)
    return np.concatenate([np.zeros(n), samples[:-n]])


def narrow(samples: np.ndarray) -> np.ndarray:
    return soxr.resample(soxr.resample(samples, RATE_HZ, 8000), 8000, RATE_HZ)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 0.1 * x,
        lambda x: -x,
        later,
        narrow,
        lossy,
        lambda x: x + 0.02 * np.random.default_rng(9).standard_normal(len(x)),
        lambda x: 0.3 * lossy(later(narrow(x))),
    ],
    ids=["quieter", "upside down", "later", "resampled", "lossy", "noisy", "all"],
)
def test_near_identical_clips(build, change):
    folder = build()
    samples, _ = soundfile.read(audio(folder, "train", 3), dtype="float32")
    write(audio(folder, "test", 5), change(samples))
    found = findings(folder)
    assert set(found) == {"near_identical_clips"}
    assert found["near_identical_clips"].level == "severe"
    (pair,) = found["near_identical_clips"].clips
    assert {pair.split()[0], pair.split()[-1]} == {"test/test_5.wav", "train/train_3.wav"}


@pytest.mark.parametrize("embedding_type", ["scene", "event"])
def test_silent_clips(build, embedding_type):
    folder = build(n_clips=10, embedding_type=embedding_type)
    for i, offset in enumerate((0.0, 0.3)):  # a constant is silence too
        write(audio(folder, "train", i), np.full(round(LENGTH_S * RATE_HZ), offset))
    found = findings(folder)
    assert set(found) == {"silent_clips"}
    assert found["silent_clips"].clips == ("train/train_0.wav", "train/train_1.wav")
    assert found["silent_clips"].level == "severe"
    if embedding_type == "event":
        relabel(folder, "train", train_0=[], train_1=[])
        assert findings(folder) == {}


def test_lost_scale(build):
    folder = build()
    for path in (folder / str(RATE_HZ)).rglob("*.wav"):
        samples, _ = soundfile.read(path)
        write(path, samples * 3 / 2**15 / np.abs(samples).max())
    found = findings(folder)
    assert found["lost_scale"].level == "severe"
    assert "24 of 24 (100 %) clips peak at 3 of 32768 steps of 16-bit audio" in (
        found["lost_scale"].found
    )
    assert "silent_clips" not in found and "clipping" not in found


def test_clipping(build):
    folder = build()
    samples, _ = soundfile.read(audio(folder, "test", 0))
    write(audio(folder, "test", 0), 0.4 * np.clip(12 * samples, -1, 1))  # below full scale now
    slow = 0.9 * np.sin(2 * np.pi * 20 * np.arange(len(samples)) / RATE_HZ)  # flat, not clipped
    write(audio(folder, "test", 1), slow)
    assert findings(folder)["clipping"].clips == ("test/test_0.wav",)


def test_upsampled_audio(build):
    folder = build()
    for path in (folder / str(RATE_HZ)).rglob("*.wav"):
        write(path, narrow(soundfile.read(path)[0]))
    found = findings(folder)
    assert set(found) == {"missing_treble"}
    assert "24 of 24 (100 %) clips ends below the 8000 Hz" in found["missing_treble"].found
    assert "at 4000 Hz in 24" in found["missing_treble"].found
    assert found["missing_treble"].level == "note"


def test_bandwidth_that_tells_a_label(build):
    folder = build()
    for split in ("train", "valid", "test"):
        for i in range(0, 8, 2):  # all clips of "low"
            path = audio(folder, split, i)
            write(path, narrow(soundfile.read(path)[0]))
    finding = findings(folder)["missing_treble"]
    assert finding.level == "warning"
    assert finding.consequence.startswith("bandwidth alone reveals the label low")


def test_lengths_against_the_metadata(build):
    folder = build()
    write(audio(folder, "valid", 3), sound(99)[:8000])
    found = findings(folder)
    assert set(found) == {"odd_lengths"}
    assert found["odd_lengths"].found.startswith("1 of 24 (4.17 %) clips last 0.500 s, not 0.6 s")


def test_events_behind_the_clip(build):
    folder = build(embedding_type="event")
    relabel(folder, "train", train_1=[{"label": "low", "start": 500.0, "end": 700.0}])
    found = findings(folder)
    assert set(found) == {"late_events"} and found["late_events"].clips == ("train/train_1.wav",)


def test_clips_that_cannot_be_read(build):
    folder = build()
    audio(folder, "test", 1).write_bytes(b"RIFF")
    audio(folder, "test", 2).unlink()
    found = findings(folder)
    assert set(found) == {"unreadable_clips"} and found["unreadable_clips"].level == "severe"
    assert len(found["unreadable_clips"].clips) == 2


@pytest.mark.parametrize(
    ("n_sounding", "damage", "kind"),
    [
        (0, "silent", "lost_scale"),
        (1, "silent", "silent_clips"),
        (0, "unreadable", "unreadable_clips"),
        (1, "unreadable", "unreadable_clips"),
    ],
)
def test_folders_in_which_almost_nothing_sounds(build, n_sounding, damage, kind):
    folder = build()
    clips = sorted((folder / str(RATE_HZ)).rglob("*.wav"))
    for path in clips[n_sounding:]:
        if damage == "silent":
            write(path, np.zeros(round(LENGTH_S * RATE_HZ)))
        else:
            path.write_bytes(b"RIFF")
    found = findings(folder)[kind]
    assert found.level == "severe" and len(found.clips) == len(clips) - n_sounding


ALL_LOW = {f"{split}_{i}": ["low"] for split in ("test", "train", "valid") for i in range(8)}


@pytest.mark.parametrize(
    ("split", "kinds"),
    [
        ("test", {"constant_labels_test": "severe", "untested_labels": "warning"}),
        ("train", {"constant_labels_train": "severe", "untrained_labels": "severe"}),
    ],
)
def test_constant_labels(make_task, split, kinds):
    folder = make_task(n_clips=8)
    labels = {clip: entry for clip, entry in ALL_LOW.items() if clip.startswith(split)}
    relabel(folder, split, **labels)
    assert {kind: finding.level for kind, finding in of_labels(folder).items()} == kinds


def test_labels_that_are_tested_only_or_trained_only(make_task):
    folder = make_task(n_clips=40)
    for name, split, kind in (("rare", "test", "untrained"), ("odd", "train", "untested")):
        vocabulary = folder / "labelvocabulary.csv"
        n = len(vocabulary.read_text().splitlines()) - 1
        vocabulary.write_text(vocabulary.read_text() + f"{n},{name}\n")
        assert {"unused_labels"} <= set(of_labels(folder))
        relabel(folder, split, **{f"{split}_7": [name]})
        finding = of_labels(folder)[f"{kind}_labels"]
        assert name in finding.found
    assert "up to 2.5 % of the test is lost" in of_labels(folder)["untrained_labels"].consequence
    assert of_labels(folder)["untrained_labels"].clips == ("test/test_7.wav",)


def test_labels_of_one_another(make_task):
    folder = make_task(n_clips=8, prediction_type="multilabel")
    (folder / "labelvocabulary.csv").write_text("idx,label\n0,low\n1,high\n2,Low \n3,deep\n")
    for split in ("train", "valid", "test"):
        relabel(
            folder,
            split,
            **{f"{split}_0": ["low", "deep", "Low "], f"{split}_2": ["low", "low"]},
            **{f"{split}_4": ["deep", "Low "]},
        )
    found = of_labels(folder)
    assert set(found) == {"alike_labels", "duplicate_labels", "repeated_labels"}
    assert "'low' and 'Low '" in found["alike_labels"].found
    assert "Low  = deep" in found["duplicate_labels"].found
    assert len(found["repeated_labels"].clips) == 3


def test_the_same_event_twice(make_task):
    folder = make_task(n_clips=8, embedding_type="event")
    event = {"label": "low", "start": 0.0, "end": 300.0}
    relabel(folder, "valid", valid_0=[event, event])
    assert of_labels(folder)["repeated_labels"].clips == ("valid/valid_0.wav",)


def test_folds_of_other_labels(make_task):
    folder = make_task(n_clips=60)
    rare = {f"test_{i}": ["high" if i < 4 else "low"] for i in range(60)}
    relabel(folder, "test", **rare)
    found = of_labels(folder)
    assert set(found) == {"shifted_labels"}
    assert "is 50 % in training and" in found["shifted_labels"].found


@pytest.mark.parametrize(
    ("split", "evaluation", "level"),
    [
        ("test", ["aucroc", "mAP"], "severe"),
        ("test", ["mAP", "d_prime"], "warning"),
        ("valid", ["aucroc"], "severe"),
        ("valid", ["mAP", "aucroc"], None),  # no probe is chosen by it
        ("test", ["top1_acc", "mAP"], None),
    ],
)
def test_undefined_scores(make_task, split, evaluation, level):
    folder = make_task(n_clips=8, evaluation=evaluation)
    (folder / f"{split}.json").write_text(json.dumps({f"{split}_0.wav": ["low"]}))
    finding = of_labels(folder).get("undefined_scores")
    assert (finding and finding.level) == level
    assert not finding or finding.found.endswith(" 'low', 'high'")


def test_a_split_without_any_event(make_task):
    folder = make_task(n_clips=8, embedding_type="event")
    (folder / "valid.json").write_text(json.dumps({"valid_0.wav": [], "valid_1.wav": []}))
    assert of_labels(folder)["no_events"].level == "severe"


NAMES = {  # scheme: two clips of one source, and one of another
    "Speech Commands": ("bed_0a7c2a8d_nohash_0", "cat_0a7c2a8d_nohash_1", "bed_1a7c2a8d_nohash_0"),
    "CREMA-D": ("1001_DFA_ANG_XX", "1001_IEO_SAD_HI", "1002_DFA_ANG_XX"),
    "RAVDESS": ("03-01-06-01-02-01-12", "03-01-01-01-01-02-12", "03-01-06-01-02-01-13"),
    "Free Spoken Digit Dataset": ("0_jackson_0", "7_jackson_12", "0_theo_0"),
    "VCTK": ("p225_001_mic1", "p225_002_mic2", "p226_001_mic1"),
    "VoxCeleb": ("id10270-5r0dWxy17C8-00001", "id10270-x-00002", "id10271-5r0dWxy17C8-00001"),
    "VoxLingua107": (
        "0-dtXtrwkN8__U__S102---0723.930-0736.420",
        "0-dtXtrwkN8__U__S103---0736.420-0740.100",
        "1xdtXtrwkN8__U__S102---0723.930-0736.420",
    ),
    "LibriSpeech": ("84-121123-0000", "84-121550-0003", "85-121123-0000"),
    "NSynth": ("bass_synthetic_033-022-050", "bass_synthetic_033-023-127", "bass_synthetic_034-1"),
    "ESC-50": ("1-100032-A-0", "2-100032-B-0", "1-100038-A-14"),
    "UrbanSound8K": ("100032-3-0-0", "100032-3-0-1", "100263-2-0-117"),
    "TAU Urban Acoustic Scenes": ("bus-lisbon-1-40-a", "bus-lisbon-1-41-b", "bus-paris-2-1-a"),
    "speaker with a number": ("yes_speaker03_1", "no-speaker03-2", "yes_speaker04_1"),
    "numbered parts": ("concert_part01", "concert_part02", "talk_part01"),
    "label-source_rest": ("low-KitA_soft", "low-KitA_hard", "low-KitB_soft"),
}  # fmt: skip


@pytest.mark.parametrize("scheme", NAMES)
def test_sources_that_names_tell(make_task, scheme):
    names = [f"{name}.wav" for name in NAMES[scheme]]
    names[2] = "bass_synthetic_034-022-050.wav" if scheme == "NSynth" else names[2]
    folder = make_task(n_clips=1)
    content = {"train": [names[0]], "valid": [names[2]], "test": [names[1]]}
    for split, clips in content.items():
        (folder / f"{split}.json").write_text(json.dumps(dict.fromkeys(clips, ["low"])))
    (finding,) = sources_that_cross(read_task(folder))
    assert finding.found.startswith("1 of 1 (100 %) test clips share their ")
    assert scheme in finding.found and "1 of 2" in finding.found
    content["test"], content["valid"] = content["valid"], content["test"]
    for split, clips in content.items():
        (folder / f"{split}.json").write_text(json.dumps(dict.fromkeys(clips, ["low"])))
    assert list(sources_that_cross(read_task(folder))) == []


def test_every_scheme_has_a_test():
    assert {scheme.name for scheme in SCHEMES} < set(NAMES)


def test_sources_that_the_folder_tells(build):
    folder = build()
    sources = {"train": {"train_0.wav": "Ann"}, "test": {"test_1.wav": "Ann", "test_2.wav": "Bo"}}
    (folder / "sources.json").write_text(json.dumps(sources))
    found = findings(folder)
    assert set(found) == {"crossing_sources"} and found["crossing_sources"].level == "warning"
    assert found["crossing_sources"].clips == ("test/test_1.wav",)


def test_findings_go_with_the_manifest(build, tmp_path):
    folder = build()
    shutil.copy(audio(folder, "train", 0), audio(folder, "test", 0))
    shutil.copy(audio(folder, "train", 2), audio(folder, "train", 4))
    path = tmp_path / "task.json"
    write_manifest(path, "sounds", [folder], {}, progress=False)
    rows = finding_rows([path])
    assert [row["kind"] for row in rows] == ["identical_clips", "repeated_clips"]
    assert {row["task"] for row in rows} == {"sounds"}
    (warning,) = task_warnings(read_manifest(path)[0])
    assert "train/train_0.wav" in warning
    manifest = json.loads(path.read_text())
    del manifest["folders"][0]["findings"], manifest[CONTENT]  # of an earlier version
    path.write_text(json.dumps(manifest))
    assert finding_rows([path]) == task_warnings(manifest) == []


def test_the_command_says_by_its_status_what_it_found(build, tmp_path, capsys):
    folder = build(parent=tmp_path / "tasks")
    assert main([str(folder), "--quiet"]) == 0
    assert "24 clips: nothing found" in capsys.readouterr().out
    other = build("other-v1-full", parent=tmp_path / "tasks")
    shutil.copy(audio(other, "train", 0), audio(other, "test", 0))
    assert main([str(folder.parent), "--json", "--quiet"]) == 1
    reports = json.loads(capsys.readouterr().out)
    assert [report["task"] for report in reports] == ["other", "sounds"]
    assert reports[0]["findings"][0]["clips"] == ["test/test_0.wav = train/train_0.wav"]
    assert reports[1]["findings"] == []
    assert reports[1]["label_counts"]["test"] == {"low": 4, "high": 4}
    (other / str(RATE_HZ) / "test" / "test_3.wav").unlink()
    assert main([str(other), "--quiet"]) == 1
    assert "the workflow rejects the task" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "found no folder"),
        (lambda folder: (folder / "task_metadata.json").unlink(), "found none"),
        (lambda folder: (folder / "test.json").write_text("{"), "test.json: expected valid JSON"),
        (lambda folder: shutil.rmtree(folder / str(RATE_HZ)), "expected an audio folder"),
    ],
)
def test_what_is_no_task_is_refused_in_words(make_task, capsys, damage, message):
    folder = make_task()
    damage(folder)
    assert main([str(folder), "--quiet"]) == 2
    assert message in capsys.readouterr().err
