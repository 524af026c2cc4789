"""Registry of the mini tasks: read without numpy, agreeing with the records, open to more."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import mini
from hear.tasks.folder import read_task
from mini.registry import MINI_TASKS, WHEEL_MODULES, find_entry, find_mini_task
from mini.task import MiniTaskError

ROOT = Path(__file__).parents[2]
RECIPE = """
import numpy as np
from mini.task import SAMPLE_RATE_HZ, Clip, MiniTask

def whale_songs(rng, split, index):
    label = ("blue", "humpback")[index % 2]
    whale = "Moby" if split == "test" and index else ""
    return Clip(0.1 * rng.normal(size=SAMPLE_RATE_HZ // 2).astype(np.float32), [label], whale)

TASK = MiniTask(
    slug="whale_songs", task_name="whale_songs", mode="full", stands_for="Noise.",
    recipe=whale_songs, labels=("blue", "humpback"), n_clips={"train": 4, "valid": 2, "test": 2},
    duration_s=0.5, embedding_type="scene", prediction_type="multiclass",
    split_mode="trainvaltest", evaluation=("top1_acc",),
)
"""
ENTRY = """
MINI_TASKS["whale_songs"] = MiniEntry("whale_songs", "general", "scene", "whale_songs.TASK")
"""


def run(program: str, path: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(path), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )


def test_the_registry_and_the_version_are_read_without_numpy() -> None:
    program = (
        "import sys, mini.registry; from mini.task import GENERATOR_VERSION; "
        "print({'numpy', 'scipy', 'torch', 'mido', 'soundfile'} & sys.modules.keys())"
    )
    assert run(program, ROOT).stdout == "set()\n"


@pytest.mark.parametrize("slug", MINI_TASKS)
def test_an_entry_agrees_with_its_record(slug: str) -> None:
    entry, task = find_entry(slug), find_mini_task(slug)
    assert entry.slug == task.slug == slug
    assert entry.embedding_type == task.embedding_type
    assert entry.category in ("general", "music", "speech")
    assert set(entry.needs) <= WHEEL_MODULES.keys()


def test_the_tasks_of_hear_are_all_there_with_their_categories() -> None:
    with (ROOT / "config" / "tasks.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        entry = find_entry(row["task"])
        assert (entry.category, entry.embedding_type) == (row["category"], row["embedding_type"])


@pytest.mark.parametrize("key", ["slug", "embedding_type"])
def test_a_record_that_contradicts_its_entry_is_refused(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MINI_TASKS, "esc50", replace(MINI_TASKS["esc50"], **{key: "other"}))
    with pytest.raises(MiniTaskError, match=rf"esc50.TASK: {key}: expected 'other'.*found"):
        find_mini_task("esc50")


def test_a_further_task_is_a_recipe_and_an_entry(tmp_path: Path) -> None:
    package = tmp_path / "mini"
    shutil.copytree(mini.__path__[0], package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "recipes" / "whale_songs.py").write_text(RECIPE)
    with (package / "registry.py").open("a") as file:
        file.write(ENTRY)
    program = (
        "from pathlib import Path; from mini.make import make_task; "
        f"make_task('whale_songs', Path({str(tmp_path)!r}), 0, progress=False)"
    )
    run(program, tmp_path)
    task = read_task(tmp_path / "whale_songs-mini-full")
    assert {split: len(clips) for split, clips in task.clips.items()} == {
        "train": 4, "valid": 2, "test": 2,
    }  # fmt: skip
    assert task.sources == {"test": {"whale_songs-test-0001.wav": "Moby"}}


def test_an_unknown_slug_is_refused_with_the_nearest_one() -> None:
    for find in (find_entry, find_mini_task):
        with pytest.raises(MiniTaskError, match="'libri_count'.*did you mean 'libricount'"):
            find("libri_count")
