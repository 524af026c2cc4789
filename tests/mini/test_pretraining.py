"""Laws of the pretraining clips: disjoint from the mini tasks, deterministic, correctly tagged."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import midirenderer
import mido
import numpy as np
import pytest
import soundfile

from mini import allotment
from mini.draws import N_SLOTS, PRETRAINING_SLOTS, TEST_SLOTS, TRAINING_SLOTS, Draws
from mini.pretraining import happenings, music, people, struck, surroundings, tags
from mini.pretraining.building import CLIP_S, render_batch
from mini.pretraining.scenes import MAKERS, NOISES, PLACES, draw_sources, scene_generator
from mini.pretraining.shards import SHARD_SIZE, make_dataset, shards_of
from mini.pretraining.tags import TAGS
from mini.pretraining.words import COMMANDS, invent_word, spell
from mini.recipes import speech_commands, vox_lingua
from mini.registry import MINI_TASKS, find_mini_task
from mini.sounds import speech
from mini.sounds.midi import Note, Part, render
from mini.sounds.synthesis import active_rms, n_samples
from mini.task import SAMPLE_RATE_HZ, MiniTaskError
from mini.writer import clip_generator

N_CLIPS, N_VALID = 6, 3
N_DRAWS = {  # how often a maker is asked for a source: enough for each of its tags
    music.phrase: 120, music.strokes: 60, music.band: 60, people.word: 150, people.monologue: 80,
    happenings.happening: 120, surroundings.lasting: 60, surroundings.insect: 25,
    people.crowd: 3, people.singing: 12,
}  # fmt: skip
UNFOUND = {  # tags that are not a maker's but the mix's
    *PLACES, *NOISES, "muffled", *tags.GROUPS["voices"],
}  # fmt: skip


class Spy:
    """What the synthesizers were asked for: programs, kits, eSpeak voices with their variants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs: set[int] = set()
        self.kits: set[int] = set()
        self.voices: set[str] = set()
        library, _ = speech.load_espeak()
        render_midi, set_voice = midirenderer.render_wave_from, library.espeak_SetVoiceByName

        def played(soundfont: bytes, score: bytes) -> bytes:
            for message in mido.MidiFile(file=io.BytesIO(score)):
                if message.type == "program_change":
                    programs = self.kits if message.channel == 9 else self.programs
                    programs.add(message.program)
            return render_midi(soundfont, score)

        def spoken(name: bytes) -> int:
            self.voices.add(name.decode())
            return set_voice(name)

        monkeypatch.setattr(midirenderer, "render_wave_from", played)
        monkeypatch.setattr(library, "espeak_SetVoiceByName", spoken)

    @property
    def variants(self) -> set[str]:
        return {voice.partition("+")[2] for voice in self.voices}

    @property
    def languages(self) -> set[str]:
        return {voice.partition("+")[0] for voice in self.voices}


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    return Spy(monkeypatch)


def _clips(slug: str) -> Iterator[tuple]:
    for task in find_mini_task(slug).parts:
        for split, index in itertools.product(task.n_clips, (0, 4)):
            yield task, split, index % task.n_clips[split]


@pytest.mark.slow
@pytest.mark.parametrize("slug", MINI_TASKS)
def test_a_task_uses_its_own_sources_only(
    spy: Spy, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Draws, "for_pretraining")
    for task, split, index in _clips(slug):
        task.recipe(clip_generator(task, split, index, 0), split, index)
    assert spy.programs <= set(allotment.TASK_PROGRAMS)
    assert spy.kits <= set(allotment.TASK_KITS)
    assert spy.variants <= set(allotment.TASK_VOICES)


@pytest.mark.slow
def test_pretraining_uses_its_own_sources_only(spy: Spy) -> None:
    everything = []
    for index in range(40):
        everything += draw_sources(Draws.for_pretraining(scene_generator("train", index, 0)))
    render_batch([source.parts for source in everything if source.parts])
    own = {voice for kind in allotment.PRETRAINING_VOICES.values() for voice in kind}
    languages = {code for group in allotment.PRETRAINING_LANGUAGES.values() for code in group}
    assert spy.programs and spy.programs <= set(allotment.PRETRAINING_PROGRAMS)
    assert spy.kits and spy.kits <= set(allotment.PRETRAINING_KITS)
    assert spy.variants and spy.variants <= own
    assert spy.languages <= languages


def test_the_allotment_is_a_partition() -> None:
    own = [voice for kind in allotment.PRETRAINING_VOICES.values() for voice in kind]
    everybody = [*own, *allotment.TASK_VOICES, *allotment.UNUSED_VOICES]
    assert len(set(everybody)) == len(everybody)
    assert not set(allotment.PRETRAINING_PROGRAMS) & set(allotment.TASK_PROGRAMS)
    assert not set(allotment.PRETRAINING_KITS) & set(allotment.TASK_KITS)
    slots = sorted(TRAINING_SLOTS + TEST_SLOTS + PRETRAINING_SLOTS)
    assert slots == list(range(N_SLOTS))


def test_no_language_of_vox_lingua_is_heard_in_pretraining() -> None:
    groups = dict(allotment.PRETRAINING_LANGUAGES)
    groups.pop("english")  # the tasks speak it too, and it is none of the mini VoxLingua's
    assert not {code for group in groups.values() for code in group} & set(vox_lingua.LABELS)


def test_instruments_and_kits_are_those_of_the_allotment() -> None:
    programs = {program for group in music.INSTRUMENTS.values() for program in group}
    assert programs <= set(allotment.PRETRAINING_PROGRAMS)
    for index in range(50):
        draws = Draws.for_pretraining(np.random.default_rng(index))
        slot = int(draws.uniform(0, N_SLOTS))
        assert slot in PRETRAINING_SLOTS


def test_invented_words_are_no_commands() -> None:
    rng = np.random.default_rng(0)
    words = {invent_word(rng) for _ in range(5_000)}
    assert len(words) > 1_000 and not words & COMMANDS
    assert not {spell(*word) for word in words} & set(speech_commands.WORDS)


@pytest.mark.slow
def test_every_tag_occurs_and_every_source_is_heard() -> None:
    found: set[str] = set()
    for position, maker in enumerate(MAKERS):
        for index in range(N_DRAWS.get(maker, 30)):
            source = maker(Draws.for_pretraining(np.random.default_rng([position, index])))
            found.update(source.tags)
            if source.audio is None:
                assert source.parts
                ends_s = [note.end_s for part in source.parts for note in part.notes]
                assert max(ends_s) <= CLIP_S + 0.2
            elif index < 10:
                assert source.audio.shape == (n_samples(CLIP_S),)
                assert np.isfinite(source.audio).all() and active_rms(source.audio) > 0
    assert found | UNFOUND == set(TAGS)
    counts = {tag for n_voices in range(1, 11) for tag in people.voices_tag(n_voices)}
    assert counts == set(tags.GROUPS["voices"])


def test_the_tags_fit_into_an_index() -> None:
    assert len(set(TAGS)) == len(TAGS) and not any(set(tag) & set(";, \n") for tag in TAGS)


def test_pitch_tags_name_class_octave_and_band() -> None:
    assert tags.pitch_tags(69) == ("pitch_a", "octave_4", "pitch_band_12")
    assert tags.pitch_tags(21, 108)[::3] == ("pitch_a", "pitch_c")
    assert tags.frequency_hz(69) == 440


def test_pulse_and_tempo_tags() -> None:
    assert tags.pulse_tag(1.9) == "pulse_slow" and tags.pulse_tag(20) == "pulse_very_fast"
    assert tags.tempo_tag(85) == "tempo_medium" and tags.tempo_tag(170) == "tempo_rapid"


def test_the_pitch_of_a_voice_is_measured() -> None:
    times_s = np.arange(n_samples(1)) / SAMPLE_RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 150 * h * times_s) / h for h in range(1, 20))
    assert people.median_pitch_hz(buzz) == pytest.approx(150, rel=0.02)


def test_a_batch_sounds_like_single_calls() -> None:
    notes = tuple(Note(start_s, start_s + 0.4, 60, 100) for start_s in (0.5, 1.5, 2.5))
    drums = (Part((Note(1.0, 1.1, 38, 100),), 16, is_drums=True),)
    scores = [(Part(notes, program),) for program in music.INSTRUMENTS["flutes"] * 6]
    batch = render_batch([*scores, drums])
    assert len(batch) == 19 and {len(audio) for audio in batch} == {n_samples(CLIP_S)}
    for score, audio in list(zip(scores, batch, strict=False))[:3]:
        alone = render(score[0].notes, CLIP_S, score[0].program)
        assert active_rms(audio) == pytest.approx(active_rms(alone), rel=0.1)
        assert np.abs(audio[: n_samples(0.45)]).max() < 0.02 * np.abs(audio).max()
    assert np.abs(batch[-1][: n_samples(0.95)]).max() < 0.02 * np.abs(batch[-1]).max()


def test_shots_at_a_distance_have_less_treble() -> None:
    treble: dict[str, list[float]] = {}
    for index in range(40):
        source = struck.gun_shot(Draws.for_pretraining(np.random.default_rng(index)))
        spectrum = np.abs(np.fft.rfft(source.audio)) ** 2
        share = spectrum[len(spectrum) // 4 :].sum() / spectrum.sum()
        treble.setdefault(source.tags[1], []).append(share)
    means = [np.mean(treble[name]) for name in tags.GROUPS["shot"]]
    assert means == sorted(means, reverse=True)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same data set made twice, once in another order."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    assert not make_dataset(first, N_CLIPS, N_VALID, 3, numbers=[1]).exists()
    make_dataset(first, N_CLIPS, N_VALID, 3)
    make_dataset(second, N_CLIPS, N_VALID, 3)
    return [first, second]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_any_order(datasets: list[Path]) -> None:
    hashes = [
        {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        for folder in datasets
    ]
    assert len(hashes[0]) == N_CLIPS + N_VALID + 5  # record, tags, index, two shards
    assert hashes[0] == hashes[1]
    other = [scene_generator("train", 0, seed).random() for seed in (3, 4)]
    assert other[0] != other[1]


@pytest.mark.slow
def test_index_and_tags_describe_the_files(datasets: list[Path]) -> None:
    folder = datasets[0]
    with (folder / "tags.csv").open(encoding="utf-8", newline="") as file:
        assert [(int(row["idx"]), row["label"]) for row in csv.DictReader(file)] == list(
            enumerate(TAGS)
        )
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["split"] for row in rows] == ["train"] * N_CLIPS + ["valid"] * N_VALID
    assert {row["file"] for row in rows} == {
        str(path.relative_to(folder)) for path in folder.rglob("*.wav")
    }
    for row in rows:
        labels = row["labels"].split(";")
        assert labels and set(labels) <= set(TAGS)
        info = soundfile.info(folder / row["file"])
        assert (info.samplerate, info.channels, info.subtype) == (SAMPLE_RATE_HZ, 1, "PCM_16")
        assert info.frames == n_samples(CLIP_S)
        assert np.abs(soundfile.read(folder / row["file"])[0]).max() > 0.01


@pytest.mark.slow
def test_a_folder_of_another_data_set_is_refused(datasets: list[Path]) -> None:
    with pytest.raises(MiniTaskError, match="dataset.json"):
        make_dataset(datasets[0], N_CLIPS, N_VALID, 4)


def test_shards_are_fixed() -> None:
    names = [shard.name for shard in shards_of(2 * SHARD_SIZE + 1, 10)]
    assert names == ["train-000", "train-001", "train-002", "valid-000"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 0), "at least 1 clip"),
        ((1, 1, -1), "seed must be >= 0"),
        ((1, 1, 0, [2]), "shards must be in 0 to 1"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, arguments: tuple, message: str) -> None:
    with pytest.raises(MiniTaskError, match=message):
        make_dataset(tmp_path, *arguments)
