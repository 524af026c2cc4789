"""Laws of the speech and music mini tasks: subsets, held-out sources, arrangements, prosody."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
import pytest
from small_tasks import hashes

from hear.tasks.audio_checks import check_audio
from hear.tasks.folder import read_task
from mini.allotment import PRETRAINING_LANGUAGES, TASK_KITS, TASK_PROGRAMS, TASK_VOICES
from mini.make import make_task
from mini.recipes import crema_d, gtzan, libricount, maestro, nsynth_pitch, vox_lingua
from mini.registry import find_mini_task
from mini.sounds.arranger import arrange
from mini.sounds.midi import Note, Part, render_parts
from mini.sounds.rooms import colored_noise, tilt
from mini.sounds.styles import DRUM_KEYS, STYLES
from mini.task import SAMPLE_RATE_HZ, MiniTaskError, Scale

TABLE = Path(__file__).parents[2] / "config" / "tasks.tsv"
SLUGS = (
    "crema_d", "gtzan_genre", "gtzan_music_speech", "libricount", "nsynth_pitch_50h",
    "nsynth_pitch_5h", "speech_commands_full", "speech_commands_5h", "vox_lingua_top10",
)  # fmt: skip
SUBSETS = {"nsynth_pitch_5h": "nsynth_pitch_50h", "speech_commands_5h": "speech_commands_full"}
Made = Callable[[str], list[Path]]


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_the_format_is_the_real_tasks(made: Made, slug: str) -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        real = next(row for row in csv.DictReader(file, delimiter="\t") if row["task"] == slug)
    folder = read_task(*made(slug))
    summary = check_audio(folder, progress=False)
    name, mode = real["folders"].split("-")[0], real["folders"].split("-")[-1]
    assert folder.name == f"{name}-mini-{mode}"
    assert ",".join(folder.evaluation) == real["metrics"]
    assert folder.embedding_type == real["embedding_type"]
    assert folder.prediction_type == real["prediction_type"]
    assert folder.split_mode == real["split_mode"]
    n_folds = folder.metadata.get("nfolds", 1)
    assert n_folds == int(real["n_folds"])
    assert n_folds == 1 or folder.splits == tuple(f"fold{i:02d}" for i in range(n_folds))
    assert summary["n_clips"] == sum(map(len, folder.clips.values())) and not summary["warnings"]
    assert folder.metadata["stands_for"].endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize(("small", "large"), SUBSETS.items())
def test_a_5h_task_is_part_of_the_larger_one_byte_for_byte(
    made: Made, small: str, large: str
) -> None:
    (part_folder,), (whole_folder,) = made(small), made(large)
    part, whole = hashes(part_folder), hashes(whole_folder)
    wavs = {name for name in part if name.endswith(".wav")}
    assert wavs and all(part[name] == whole[name] for name in wavs)
    same = ("valid.json", "test.json", "labelvocabulary.csv")
    assert all(part[name] == whole[name] for name in same)
    subset, train = (
        json.loads((folder / "train.json").read_text()) for folder in (part_folder, whole_folder)
    )
    assert len(subset) < len(train) and list(train)[: len(subset)] == list(subset)
    assert all(train[name] == labels for name, labels in subset.items())
    assert whole.keys() - part.keys() == {
        f"{SAMPLE_RATE_HZ}/train/{name}" for name in train.keys() - subset.keys()
    }


@pytest.mark.slow
def test_the_source_of_a_clip_is_its_voice_or_its_instrument(made: Made) -> None:
    tasks = {slug: read_task(*made(slug)) for slug in SLUGS}
    for slug, recipe in (("crema_d", crema_d), ("vox_lingua_top10", vox_lingua)):
        for split, sources in tasks[slug].sources.items():
            assert sources.keys() == tasks[slug].clips[split].keys()
            assert set(sources.values()) <= set(recipe.VOICES[split])
    for split, sources in tasks["nsynth_pitch_50h"].sources.items():
        programs = {f"program {program}" for program in nsynth_pitch.PROGRAMS[split]}
        assert set(sources.values()) <= programs and len(set(sources.values())) > 1
    for slug, silent in (("speech_commands_full", "_silence_"), ("gtzan_music_speech", "music")):
        for split, clips in tasks[slug].clips.items():
            spoken = {clip for clip, labels in clips.items() if labels != [silent]}
            assert tasks[slug].sources.get(split, {}).keys() == spoken
    for small, large in SUBSETS.items():
        assert tasks[small].sources["test"] == tasks[large].sources["test"]
    assert not tasks["libricount"].sources  # a mix of many voices has no single one


@pytest.mark.parametrize(("small", "large"), SUBSETS.items())
def test_a_5h_task_has_at_most_two_thirds_of_the_training_part(small: str, large: str) -> None:
    part, whole = find_mini_task(small), find_mini_task(large)
    assert part.subset_of is whole and part.n_made == whole.n_clips
    assert 3 * part.n_clips["train"] <= 2 * whole.n_clips["train"]
    assert part.n_clips["train"] % len(part.labels) == 0  # every label equally often
    assert all(part.n_clips[split] == whole.n_clips[split] for split in ("valid", "test"))


def test_voices_never_occur_in_two_folds_and_are_the_tasks_own() -> None:
    for recipe in (crema_d, gtzan, libricount, vox_lingua):
        voices = list(itertools.chain.from_iterable(recipe.VOICES.values()))
        assert len(set(voices)) == len(voices) and set(voices) <= set(TASK_VOICES)
        assert all(recipe.VOICES.values())


def test_programs_kits_and_languages_are_the_tasks_own() -> None:
    programs = set(gtzan.VOICE_LIKE) | {studio.program for studio in maestro.STUDIOS.values()}
    programs |= set(itertools.chain.from_iterable(nsynth_pitch.PROGRAMS.values()))
    for style in STYLES.values():
        programs |= {*style.bass, *style.comp, *style.lead}
        assert set(style.kits) <= set(TASK_KITS)
    assert programs <= set(TASK_PROGRAMS)
    pretraining = {code for codes in PRETRAINING_LANGUAGES.values() for code in codes}
    assert len(vox_lingua.LABELS) == 10 and pretraining.isdisjoint(vox_lingua.LABELS)


@pytest.mark.slow
def test_every_fold_has_every_label_about_equally_often(tmp_path: Path) -> None:
    scale = Scale(len(vox_lingua.LABELS) / vox_lingua.CLIPS_PER_FOLD)
    (folder,) = make_task("vox_lingua_top10", tmp_path, 0, scale=scale, progress=False)
    for clips in read_task(folder).clips.values():
        assert sorted(label for labels in clips.values() for label in labels) == sorted(
            vox_lingua.LABELS
        )


def test_no_single_parameter_of_the_voice_tells_the_emotion() -> None:
    rng = np.random.default_rng(0)
    prosodies = list(crema_d.EMOTIONS.values())
    for parameter in fields(crema_d.Prosody):
        means, spreads = np.array([getattr(p, parameter.name) for p in prosodies]).T
        values = rng.normal(means, spreads, (2000, len(prosodies)))
        density = np.exp(-(((values[..., None] - means) / spreads) ** 2) / 2) / spreads
        correct = density.argmax(axis=-1) == np.arange(len(prosodies))
        assert correct.mean() < 0.65, parameter.name  # the best possible guess from it alone
    assert len({astuple(prosody) for prosody in prosodies}) == len(crema_d.LABELS) == 6


@pytest.mark.parametrize("genre", STYLES)
def test_pieces_keep_to_the_clip_and_to_the_rules_of_their_style(genre: str) -> None:
    style, duration_s = STYLES[genre], 2.5
    seen = set()
    for seed in range(20):
        parts = arrange(np.random.default_rng(seed), style, duration_s)
        assert parts == arrange(np.random.default_rng(seed), style, duration_s)
        assert 2 <= len(parts) <= 4 and any(part.notes for part in parts)
        for part in parts:
            seen.add(part.is_drums)
            allowed = style.kits if part.is_drums else (*style.bass, *style.comp, *style.lead)
            assert part.program in allowed
            for note in part.notes:
                assert 0 <= note.start_s < note.end_s <= duration_s
                assert 1 <= note.velocity <= 127 and 21 <= note.key <= 108
                assert not part.is_drums or note.key in DRUM_KEYS.values()
    assert seen == ({False, True} if any(style.drums) else {False})


def test_patterns_are_a_bar_long() -> None:
    for style in STYLES.values():
        lines = itertools.chain.from_iterable(beat.values() for beat in style.drums)
        for pattern in (*style.bass_patterns, *style.comp_patterns, *lines):
            assert len(pattern) == 16 and set(pattern) <= set(".123456789")


def test_swing_delays_every_second_eighth() -> None:
    style = STYLES["jazz"]
    drums = arrange(np.random.default_rng(3), style, 8.0)[-1]
    assert drums.is_drums
    rides = [n.start_s for n in drums.notes if n.key == DRUM_KEYS["ride"]]
    gaps = np.diff(rides)
    shortest = gaps.min()
    beat_s = shortest / (1 - style.swing[0])  # from the late eighth to the next beat
    assert 60 / style.tempo_bpm[1] <= beat_s <= 60 / style.tempo_bpm[0]


def test_instruments_sound_together_and_drums_on_their_own_channel() -> None:
    notes = tuple(Note(0.0, 1.0, key, 100) for key in (69,))
    both = render_parts([Part(notes, 73), Part((Note(0.0, 1.0, 81, 100),), 73)], 1.0)
    spectrum = np.abs(np.fft.rfft(both))  # one bin per hertz
    assert min(spectrum[430:450].max(), spectrum[870:890].max()) > 20 * np.median(spectrum)
    drum = render_parts([Part((Note(0.0, 0.1, DRUM_KEYS["snare"], 100),), 0, True)], 1.0)
    flute = render_parts([Part((Note(0.0, 0.1, DRUM_KEYS["snare"], 100),), 73)], 1.0)
    assert np.abs(drum).max() > 0.01 and not np.array_equal(drum, flute)
    with pytest.raises(MiniTaskError, match="at most 15 instruments besides drums, found 16"):
        render_parts([Part(notes, 0)] * 16, 1.0)


def test_tilt_changes_the_balance_and_zero_changes_nothing() -> None:
    noise = colored_noise(np.random.default_rng(0), SAMPLE_RATE_HZ, 0.0)
    assert tilt(noise, 0.0) == pytest.approx(noise, abs=1e-12)
    before, after = (np.abs(np.fft.rfft(sound)) for sound in (noise, tilt(noise, 6.0)))
    assert after[[500, 1000, 2000]] / before[[500, 1000, 2000]] == pytest.approx(
        [10 ** (-6 / 20), 1, 10 ** (6 / 20)], rel=1e-6
    )
