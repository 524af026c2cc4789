"""Laws of the mini tasks of synthesized sounds: drums, hives, guns, imitations, environments."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_tasks import SCALE, hashes

from hear.tasks.audio_checks import check_audio
from hear.tasks.folder import read_task
from mini.allotment import TASK_PROGRAMS
from mini.catalog import ENVIRONMENTAL_SOUNDS
from mini.draws import PRETRAINING_SLOTS, Draws
from mini.recipes import beehive_states, fsd50k, gunshot_triangulation
from mini.recipes.mridangam import TONICS_HZ
from mini.registry import find_mini_task
from mini.sounds import animals, bodies, machines
from mini.sounds.imitations import CONTOURS, imitate
from mini.sounds.percussion import OPERA_INSTRUMENTS, STROKES, daluo, mridangam, xiaoluo
from mini.sounds.synthesis import SAMPLE_RATE_HZ, active_rms, n_samples
from mini.task import Clip, MiniTaskError
from mini.writer import write_task

ACCURACY = ["top1_acc", "mAP", "d_prime", "aucroc"]
HIVE = ["aucroc", "mAP", "d_prime", "top1_acc"]
PRECISION = ["mAP", "d_prime", "aucroc", "top1_acc"]
REAL = {  # slug -> folders, labels, split mode, folds, prediction, metrics of the real task
    "beehive_states": (2, 2, "trainvaltest", None, "multiclass", HIVE),
    "beijing_opera": (1, 4, "new_split_kfold", 5, "multiclass", ACCURACY),
    "esc50": (1, 50, "presplit_kfold", 5, "multiclass", ACCURACY),
    "fsd50k": (1, 20, "trainvaltest", None, "multilabel", PRECISION),
    "gunshot_triangulation": (1, 4, "new_split_kfold", 7, "multiclass", ACCURACY),
    "mridangam_stroke": (1, 10, "new_split_kfold", 5, "multiclass", ACCURACY),
    "mridangam_tonic": (1, 6, "new_split_kfold", 5, "multiclass", ACCURACY),
    "vocal_imitation": (1, 20, "new_split_kfold", 3, "multiclass", PRECISION),
}
SOURCES = {
    **ENVIRONMENTAL_SOUNDS,
    **OPERA_INSTRUMENTS,
    **{f"fsd50k {label}": source for label, source in fsd50k.SOUNDS.items()},
}


Made = Callable[[str], list[Path]]


@pytest.mark.slow
@pytest.mark.parametrize("slug", REAL)
def test_the_benchmark_reads_them_as_the_real_tasks(made: Made, slug: str) -> None:
    n_folders, n_labels, split_mode, n_folds, prediction_type, evaluation = REAL[slug]
    assert len(made(slug)) == n_folders
    for folder in made(slug):
        task = read_task(folder)
        assert check_audio(task, progress=False)["warnings"] == []
        assert len(task.labels) == n_labels and task.embedding_type == "scene"
        assert (task.split_mode, task.prediction_type) == (split_mode, prediction_type)
        assert list(task.evaluation) == evaluation
        assert task.metadata.get("nfolds") == n_folds
        assert len(task.folds) == (n_folds or 1)
        assert slug.replace("_", " ") not in task.metadata["stands_for"].lower()


@pytest.mark.slow
@pytest.mark.parametrize("slug", ["beehive_states", "esc50", "fsd50k", "vocal_imitation"])
def test_no_two_clips_are_equal(made: Made, slug: str) -> None:
    for folder in made(slug):
        found = hashes(folder, "*.wav")
        assert len(set(found.values())) == len(found)


@pytest.mark.slow
def test_stroke_and_tonic_ask_about_the_same_clips(made: Made) -> None:
    (stroke,), (tonic,) = made("mridangam_stroke"), made("mridangam_tonic")
    assert hashes(stroke, "*.wav") and hashes(stroke, "*.wav") == hashes(tonic, "*.wav")
    clips = [json.loads((path / "fold00.json").read_text()) for path in (stroke, tonic)]
    assert list(clips[0]) == list(clips[1]) and clips[0] != clips[1]


@pytest.mark.slow
def test_every_fold_has_every_stroke_on_every_drum() -> None:
    n_clips = find_mini_task("mridangam_stroke").n_clips["fold00"]
    pairs = {
        tuple(
            find_mini_task(slug).recipe(np.random.default_rng(0), "fold00", index).labels[0]
            for slug in ("mridangam_stroke", "mridangam_tonic")
        )
        for index in range(n_clips)
    }
    assert pairs == set(itertools.product(STROKES, TONICS_HZ))


@pytest.mark.slow
def test_no_hive_is_in_two_splits_or_folders(made: Made) -> None:
    names = [folder.name for folder in made("beehive_states")]
    assert names == ["beehive_states_fold0-mini-full", "beehive_states_fold1-mini-full"]
    hives = [
        hive
        for splits in beehive_states.HIVES.values()
        for split in splits.values()
        for hive in split
    ]
    assert len(set(hives)) == len(hives) == 8
    first, second = (set(hashes(folder, "*.wav").values()) for folder in made("beehive_states"))
    assert first and second and first.isdisjoint(second)


@pytest.mark.slow
def test_lengths_and_numbers_of_labels_vary(made: Made) -> None:
    task = read_task(made("fsd50k")[0])
    assert task.sample_duration_s is None
    lengths = {soundfile.info(path).frames for path in task.path.rglob("*.wav")}
    shortest_s, longest_s = fsd50k.DURATIONS_S
    assert len(lengths) > 5
    assert n_samples(shortest_s) <= min(lengths) and max(lengths) <= n_samples(longest_s)
    counts = {len(labels) for clips in task.clips.values() for labels in clips.values()}
    assert counts == {1, 2, 3}


@pytest.mark.parametrize(("slug", "seconds"), [("fsd50k", 0.4), ("fsd50k", 2.6), ("esc50", 1.2)])
def test_a_clip_of_a_wrong_length_is_refused(tmp_path: Path, slug: str, seconds: float) -> None:
    task = find_mini_task(slug)
    clip = Clip(np.full(n_samples(seconds), 0.1, np.float32), [task.labels[0]])
    broken = replace(task, recipe=lambda rng, split, index: clip)
    with pytest.raises(MiniTaskError, match=f"{slug}-.*-0000.wav: expected .* samples, found"):
        write_task(broken, tmp_path, 0, SCALE, progress=False)
    assert not (tmp_path / task.folder).exists()


@pytest.mark.parametrize("n_folds", [3, 5, 7])
def test_folds_share_no_parameters_with_each_other_or_with_pretraining(n_folds: int) -> None:
    rng = np.random.default_rng(0)
    slots = [set(Draws.for_fold(rng, fold, n_folds).slots) for fold in range(n_folds)]
    assert all(len(own) > 1 for own in slots)
    for one, other in itertools.combinations([*slots, set(PRETRAINING_SLOTS)], 2):
        assert one.isdisjoint(other)


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_sounds_and_varies(name: str) -> None:
    sounds = [SOURCES[name](Draws(np.random.default_rng(seed), seed == 1)) for seed in (0, 0, 1)]
    for sound in sounds:
        assert sound.ndim == 1 and np.isfinite(sound).all() and active_rms(sound) > 0
        assert 0.2 < len(sound) / SAMPLE_RATE_HZ < 2
    assert np.array_equal(sounds[0], sounds[1])
    assert not np.array_equal(sounds[0], sounds[2])


def test_sound_effects_are_the_tasks_programs() -> None:
    programs = {animals.BIRD_PROGRAM, bodies.APPLAUSE_PROGRAM}
    programs |= {machines.BELL_PROGRAM, machines.SHOT_PROGRAM}
    assert programs <= set(TASK_PROGRAMS)


def _shift(sound: np.ndarray) -> int:
    """Steps of 1/40 octave by which the spectrum moves up between beginning and end."""
    places_hz = 250 * 2 ** (np.arange(120) / 40)
    spectra = []
    for start_s in (0.01, 0.6):
        part = sound[n_samples(start_s) : n_samples(start_s + 0.15)]
        spectrum = np.log(np.abs(np.fft.rfft(part * np.hanning(len(part)), SAMPLE_RATE_HZ)) + 1e-3)
        level = np.interp(places_hz, np.arange(len(spectrum)), spectrum)
        spectra.append(level - level.mean())
    moves = range(-12, 13)
    likeness = [np.sum(spectra[1][20:-20] * spectra[0][20 - m : 100 - m]) for m in moves]
    return moves[int(np.argmax(likeness))]


def test_the_large_gong_falls_and_the_small_gong_rises() -> None:
    falls, rises = (
        np.median([_shift(gong(Draws(np.random.default_rng(seed), False))) for seed in range(15)])
        for gong in (daluo, xiaoluo)
    )
    assert falls < 0 < rises


@pytest.mark.parametrize("tonic", TONICS_HZ)
def test_a_free_stroke_rings_at_the_tonic(tonic: str) -> None:
    sound = mridangam(Draws(np.random.default_rng(0), False), STROKES["tham"], TONICS_HZ[tonic])
    spectrum = np.abs(np.fft.rfft(sound, SAMPLE_RATE_HZ))  # one bin per hertz
    multiple = (50 + spectrum[50:1000].argmax()) / TONICS_HZ[tonic]
    assert multiple == pytest.approx(round(multiple), abs=0.06)


def test_distance_takes_the_treble_away() -> None:
    treble = []
    for index in range(4):
        shares = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            clip = gunshot_triangulation.gunshot_triangulation(rng, "fold00", index)
            assert clip.labels == [str(index)]
            power = np.square(np.abs(np.fft.rfft(clip.audio)))
            shares.append(power[3000:].sum() / power.sum())
        treble.append(np.median(shares))
    assert treble == sorted(treble, reverse=True)
    assert len(set(gunshot_triangulation.GUNS.values())) == 7


@pytest.mark.parametrize("name", CONTOURS)
def test_imitations_fit_into_the_clip_and_differ_between_singers(name: str) -> None:
    one, other = (
        imitate(Draws.for_fold(np.random.default_rng(seed), 0, 3), CONTOURS[name], 1.5)
        for seed in (0, 1)
    )
    for sound in (one, other):
        assert len(sound) <= n_samples(1.5) and np.isfinite(sound).all() and active_rms(sound) > 0
    assert len(one) != len(other)
