"""Scale of the mini tasks: clips, and the sources that can be multiplied, and what stays apart."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from mini.make import make_task
from mini.recipes.maestro import CLIPS_PER_FOLD, STUDIOS, studio_of
from mini.registry import MINI_TASKS, find_mini_task
from mini.task import MiniTask, Scale
from mini.writer import clip_generator

PARTS = {part.folder: part for slug in MINI_TASKS for part in find_mini_task(slug).parts}
SHARED = {"maestro-mini-5h"}  # three pianos for five folds
FIXED = {  # the sources of the test part at every scale, of which there are no more
    "tfds_crema_d-mini-full": 35,
    "tfds_gtzan_music_speech-mini-full": 35,
    "maestro-mini-5h": 3,
    "nsynth_pitch-mini-50h": 16,
    "nsynth_pitch-mini-5h": 16,
    "speech_commands-mini-5h": 7,
    "speech_commands-mini-full": 7,
}
MULTIPLIED = {  # at scale 1, and how many times as many at scale 8
    "beehive_states_fold0-mini-full": (1, 8),
    "beehive_states_fold1-mini-full": (1, 8),
    "dcase2016_task2-mini-full": (9, 8),
    "gunshot_triangulation-mini-full": (7, 8),
    "vox_lingua_top10-mini-full": (10, 2),
}


def sources(task: MiniTask, scale: Scale) -> dict[str, set[str]]:
    """Sources that the clips of each split are of."""
    assert task.sources
    return {
        split: set().union(*(task.sources(split, index) for index in range(n)))
        for split, n in scale.counts(task.n_clips).items()
    }


def in_test(task: MiniTask, scale: Scale) -> set[str]:
    return set().union(*(sources(task, scale)[split] for split in task.test_splits))


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("scale", [(8, 8), (1, 8), (1.5, 1)])
def test_clips_are_multiplied_and_splits_share_no_source(
    name: str, scale: tuple[float, float]
) -> None:
    task, (train, test) = PARTS[name], scale
    counts = Scale(*scale).counts(task.n_clips)
    for split, n in counts.items():
        assert n == round((test if split == "test" else train) * task.n_clips[split])
    if task.sources and name not in SHARED:
        of_split = sources(task, Scale(*scale))
        shared = {("train", "valid")} if "dcase" in name else set()  # environments
        for one, other in set(itertools.combinations(counts, 2)) - shared:
            assert of_split[one].isdisjoint(of_split[other]), (one, other)


def test_sources_are_multiplied_where_there_are_more() -> None:
    assert FIXED.keys() | MULTIPLIED.keys() == {n for n, task in PARTS.items() if task.sources}
    for name, n in FIXED.items():
        for scale in (Scale(), Scale(8, 8)):
            assert len(in_test(PARTS[name], scale)) == n
    for name, (n, times) in MULTIPLIED.items():
        assert len(in_test(PARTS[name], Scale())) == n
        assert len(in_test(PARTS[name], Scale(8, 8))) == times * n
    hives = [in_test(part, Scale(8, 8)) for part in find_mini_task("beehive_states").parts]
    assert hives[0].isdisjoint(hives[1])


@pytest.mark.parametrize("name", PARTS)
def test_a_clip_beyond_scale_1_is_of_a_source_that_the_task_names(name: str) -> None:
    task = PARTS[name]
    for split in (next(iter(task.n_clips)), task.test_splits[-1]):
        index = task.n_clips[split]
        clip = task.recipe(clip_generator(task, split, index, 0), split, index)
        assert clip.labels and len(clip.audio)
        if task.sources:
            assert clip.source in (task.sources(split, index) or {""})


def test_rooms_of_maestro_are_multiplied() -> None:
    rooms = {studio_of(fold, CLIPS_PER_FOLD * block) for fold in STUDIOS for block in range(8)}
    assert len(rooms) == 8 * len(STUDIOS)


@pytest.mark.slow
def test_a_scale_of_test_parts_alone_says_where_it_has_no_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder,) = make_task("maestro", tmp_path, 0, scale=Scale(0.3, 8), progress=False)
    assert len(list(folder.rglob("*.wav"))) == 5
    assert "maestro: scale 8 of test parts has no effect" in capsys.readouterr().err
    make_task("maestro", tmp_path, 0, scale=Scale(0.3), progress=False)
    assert not capsys.readouterr().err
