"""Laws of the mini tasks: format, determinism, held-out sources, clear errors."""

from __future__ import annotations

import csv
import importlib.util
import itertools
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from small_tasks import SCALE, hashes, make_small

from mini.draws import N_SLOTS, PRETRAINING_SLOTS, Draws
from mini.make import make_task
from mini.recipes import dcase2016_task2, libricount, maestro, nsynth_pitch, speech_commands
from mini.registry import MINI_TASKS, find_mini_task
from mini.sounds.events import OFFICE_EVENTS, TEST_VOICES, TRAINING_VOICES
from mini.sounds.midi import Note, render
from mini.sounds.rooms import colored_noise
from mini.sounds.speech import CASTS
from mini.sounds.synthesis import active_rms, set_level
from mini.task import SAMPLE_RATE_HZ, MiniTask, MiniTaskError, MissingSourceError, Scale
from mini.writer import clip_generator, write_wav

MADE_AGAIN = (
    "beehive_states", "crema_d", "dcase2016_task2", "esc50", "fsd50k", "gtzan_genre",
    "gtzan_music_speech", "maestro", "speech_commands_5h", "vocal_imitation", "vox_lingua_top10",
)  # fmt: skip
TASKS = {slug: find_mini_task(slug) for slug in MINI_TASKS}
PARTS = {part.folder: (slug, part) for slug, task in TASKS.items() for part in task.parts}
MadeTask = tuple[MiniTask, Path]


@pytest.fixture
def made_part(made: Callable[[str], list[Path]], name: str) -> MadeTask:
    """A part of a task by the name of its folder, and this folder."""
    slug, part = PARTS[name]
    (folder,) = (folder for folder in made(slug) if folder.name == name)
    return part, folder


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def _leaves(labels: list[Any]) -> set[str]:
    return {label["label"] if isinstance(label, dict) else label for label in labels}


def test_there_is_one_mini_task_of_each_kind() -> None:
    kinds = {(task.embedding_type, task.split_mode) for task in TASKS.values()}
    assert kinds >= set(itertools.product(("scene", "event"), ("trainvaltest", "new_split_kfold")))
    assert all(slug == part.slug for slug, task in TASKS.items() for part in task.parts)
    assert len(PARTS) == sum(len(task.parts) for task in TASKS.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_metadata_are_the_real_tasks_with_version_mini(made_part: MadeTask, name: str) -> None:
    task, folder = made_part
    metadata = _read(folder, "task_metadata.json")
    assert name == f"{metadata['task_name']}-mini-{metadata['mode']}"
    assert metadata["version"] == "mini" and metadata["mini_seed"] == 0
    assert metadata["splits"] == list(task.n_clips)
    assert metadata["evaluation"] == list(task.evaluation)
    assert metadata["sample_duration"] == task.duration_s
    assert metadata.get("nfolds", len(task.n_clips)) == len(task.n_clips)


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_every_listed_file_exists_and_nothing_else(made_part: MadeTask, name: str) -> None:
    task, folder = made_part
    with (folder / "labelvocabulary.csv").open(encoding="utf-8", newline="") as file:
        vocabulary = [(int(row["idx"]), row["label"]) for row in csv.DictReader(file)]
    assert vocabulary == list(enumerate(task.labels))
    names: list[str] = []
    for split, n_clips in task.n_clips.items():
        clips = _read(folder, f"{split}.json")
        assert len(clips) == max(1, round(SCALE.train * n_clips))
        assert sorted(clips) == sorted(
            path.name for path in (folder / str(SAMPLE_RATE_HZ) / split).iterdir()
        )
        assert set().union(*map(_leaves, clips.values())) <= set(task.labels)
        names += clips
    assert len(set(names)) == len(names)
    assert not list(folder.parent.glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_audio_is_mono_16_bit_and_as_long_as_promised(made_part: MadeTask, name: str) -> None:
    task, folder = made_part
    paths = sorted(folder.rglob("*.wav"))
    shortest_s, longest_s = task.duration_range_s or (task.duration_s, task.duration_s)
    assert paths
    for path in paths:
        info = soundfile.info(path)
        assert (info.channels, info.samplerate, info.subtype) == (1, SAMPLE_RATE_HZ, "PCM_16")
        assert shortest_s <= info.frames / SAMPLE_RATE_HZ <= longest_s
        audio, _ = soundfile.read(path)
        assert 1e-4 < np.abs(audio).max() <= 0.951


@pytest.mark.slow
@pytest.mark.parametrize("slug", ["dcase2016_task2", "maestro"])
def test_events_lie_inside_the_clip_and_do_not_overlap_themselves(
    made: Callable[[str], list[Path]], slug: str
) -> None:
    task, (folder,) = TASKS[slug], made(slug)
    for split, (_, events) in itertools.chain.from_iterable(
        ((split, item) for item in _read(folder, f"{split}.json").items()) for split in task.n_clips
    ):
        assert events, split
        assert all(0 <= e["start"] < e["end"] <= 1000 * task.duration_s for e in events)
        if slug == "maestro":
            for label in _leaves(events):
                same = sorted((e["start"], e["end"]) for e in events if e["label"] == label)
                assert all(first[1] < second[0] for first, second in itertools.pairwise(same))


@pytest.mark.slow
@pytest.mark.parametrize("slug", MADE_AGAIN)
def test_another_process_makes_the_same_bytes_at_any_time(
    made: Callable[[str], list[Path]], slug: str, tmp_path: Path
) -> None:
    first = [hashes(folder) for folder in made(slug)]
    time.sleep(1.1)  # eSpeak NG would seed its noise from the clock, in whole seconds
    assert [hashes(folder) for folder in make_small(slug, tmp_path)] == first


@pytest.mark.slow
def test_another_seed_gives_other_audio_and_replaces_the_folder(
    made: Callable[[str], list[Path]], tmp_path: Path
) -> None:
    (folder,) = made("maestro")
    first = hashes(folder)
    shutil.copytree(folder, tmp_path / folder.name)
    (tmp_path / folder.name / "stale.txt").write_text("old", encoding="utf-8")
    second = hashes(*make_small("maestro", tmp_path, seed=1))
    assert first.keys() == second.keys()
    wavs = [name for name in first if name.endswith(".wav")]
    assert wavs and all(first[name] != second[name] for name in wavs)


def test_clips_draw_from_generators_of_their_own() -> None:
    task = TASKS["maestro"]
    different = {part.audio_name: part for _, part in PARTS.values()}
    keys = itertools.product(different.values(), (0, 1), (0, 1))
    draws = [
        clip_generator(task, list(task.n_clips)[1], index, seed).random()
        for task, index, seed in keys
    ]
    assert len(set(draws)) == len(draws)
    same = [clip_generator(task, "fold03", 5, 7).random() for _ in range(2)]
    assert same[0] == same[1]


def test_voices_and_instruments_of_the_test_part_are_unseen() -> None:
    groups = [
        list(speech_commands.VOICES.values()),
        list(libricount.VOICES.values()),
        list(nsynth_pitch.PROGRAMS.values()),
        [TRAINING_VOICES, TEST_VOICES],
        [dcase2016_task2.TRAINING_ENVIRONMENTS, dcase2016_task2.TEST_ENVIRONMENTS],
        list(CASTS),
    ]
    for parts in groups:
        members = [member for part in parts for member in part]
        assert len(set(members)) == len(members)
    assert len(set(maestro.STUDIOS.values())) == len(maestro.STUDIOS)


def test_held_out_parameters_never_meet_training_parameters() -> None:
    rng = np.random.default_rng(0)
    training, test = (
        {int(N_SLOTS * Draws(rng, held_out).uniform(0, 1)) for _ in range(2000)}
        for held_out in (False, True)
    )
    assert training.isdisjoint(test)
    assert training | test == set(range(N_SLOTS)) - set(PRETRAINING_SLOTS)


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("label", OFFICE_EVENTS)
def test_every_event_sounds_and_is_short(label: str, held_out: bool) -> None:
    sound = OFFICE_EVENTS[label](Draws(np.random.default_rng(1), held_out))
    assert sound.ndim == 1 and np.isfinite(sound).all() and active_rms(sound) > 0
    assert 0.2 < len(sound) / SAMPLE_RATE_HZ < 4


def test_notes_begin_when_the_label_says() -> None:
    audio = render([Note(0.5, 1.5, 69, 100)], 2.0, 0)
    assert audio.shape == (2 * SAMPLE_RATE_HZ,)
    onset = np.flatnonzero(np.abs(audio) > 0.1 * np.abs(audio).max())[0] / SAMPLE_RATE_HZ
    assert onset == pytest.approx(0.5, abs=0.01)
    spectrum = np.abs(np.fft.rfft(audio[SAMPLE_RATE_HZ // 2 : 3 * SAMPLE_RATE_HZ // 2]))
    assert spectrum.argmax() == pytest.approx(440, abs=5)  # one bin per hertz


def test_levels_are_set_and_silence_stays_silent() -> None:
    noise = colored_noise(np.random.default_rng(0), SAMPLE_RATE_HZ, 1.0)
    assert 20 * np.log10(active_rms(set_level(noise, -20.0))) == pytest.approx(-20.0, abs=1e-6)
    assert not set_level(np.zeros(1000), -20.0).any()


@pytest.mark.parametrize(("seed", "scale", "message"), [(-1, 1.0, "seed"), (0, 0.0, "scale")])
def test_arguments_out_of_range_are_refused(
    tmp_path: Path, seed: int, scale: float, message: str
) -> None:
    with pytest.raises(MiniTaskError, match=f"maestro: {message} must be"):
        make_task("maestro", tmp_path, seed, scale=Scale(test=scale))


@pytest.mark.slow
def test_a_missing_wheel_is_named_with_the_tasks_that_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "espeakng_loader" else find_spec(name),
    )
    with pytest.raises(MissingSourceError) as caught:
        make_task("libricount", tmp_path, 0)
    message = str(caught.value)
    assert "\n" not in message and "espeakng-loader" in message
    for slug, entry in MINI_TASKS.items():
        named = f"{slug}," in message or f"{slug} need" in message
        assert named == ("espeakng-loader" in entry.needs)
    (folder,) = make_task("maestro", tmp_path, 0, scale=Scale(0.01), progress=False)
    assert folder.is_dir()


def test_a_failing_process_is_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a directory", encoding="utf-8")
    with pytest.raises(MiniTaskError, match="maestro: generating .* failed with exit status"):
        make_task("maestro", blocker, 0, scale=Scale(0.01), progress=False)
    assert "file" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_an_error_with_the_file(tmp_path):
    clip = tmp_path / "clip.wav"
    clip.symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left.*clip\.wav"):
        write_wav(clip, np.zeros(100_000))
