"""Verification of a finished study: what is untouched holds, and each broken link is named."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tones import STUDY, restored, write_weights

from workflow.commands.arguments import checked_study, read_arguments
from workflow.commands.verify import again, samples
from workflow.commands.verify.chain import (
    Break,
    Tasks,
    check_features,
    check_predictions,
    check_tasks,
    compared,
)
from workflow.sources import load_source
from workflow.study import jobs, paths
from workflow.study.study import Study

COMMAND = [sys.executable, "-m", "workflow.commands.verify", "--cores", "2", "--configfile", STUDY]
KEEPING = """
import argparse, sys
from pathlib import Path
from workflow.commands.arguments import checked_study, read_arguments
from workflow.commands.verify.__main__ import verify
given = argparse.Namespace(configfile=[Path(sys.argv[1])], config=[])
sys.exit(not verify(checked_study(read_arguments(given)), Path(sys.argv[2]), cores=2))
"""
RESULTS = "results/mine"
FEATURES = f"{RESULTS}/features/tiny/tones_event/rf160/M.npy"
PREDICTIONS = f"{RESULTS}/predictions/mlp-reference/tiny.scene.M/tones_scene/seed42.npz"
INDEX = f"{RESULTS}/features/tiny/tones_event/rf160/index.json"
WAV = "../mine/tones_scene-v1-full/44100/fold01/fold01_3.wav"
MANIFEST = "resources/tasks/mine/tones_scene/task.json"
SCORES = f"{RESULTS}/scores/passt_lm_hop10/tones_scene.json"


@pytest.mark.parametrize(
    "expected, found, tolerance, breaks",
    [
        ({"a": [1, 2.0]}, {"a": [1, 2.0]}, 0.0, []),
        ({"a": [1, 2.0]}, {"a": [1, 2.1]}, 0.0, [("a: 2: 2.0", "2.1")]),
        ({"a": 1}, {"b": 1}, 0.0, [("a: 1", "none"), ("b: none", "1")]),
        ([1, 2], [1], 0.0, [("2 entries", "1")]),
        ({"row 2": {"a": "0.5"}}, {"row 2": {"a": "0.5001"}}, 1e-3, []),
        ({"row 2": {"a": "0.5"}}, {"row 2": {"a": "0.51"}}, 1e-3, [("row 2: a: 0.5", "0.51")]),
        ({"score": None}, {"score": 0.5}, 1e-3, [("score: None", "0.5")]),
    ],
)  # fmt: skip
def test_differences_are_named_where_they_are(
    expected: object, found: object, tolerance: float, breaks: list[tuple[str, str]]
) -> None:
    assert list(compared("f", expected, found, tolerance)) == [Break("f", *one) for one in breaks]


def read_study(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The study of tones, from its folder."""
    monkeypatch.chdir(clone)
    return checked_study(read_arguments(argparse.Namespace(configfile=[Path(STUDY)], config=[])))


@contextmanager
def changed(path: Path, change: Callable[[bytes], bytes]) -> Iterator[None]:
    """Change a file's content inside the ``with`` block, and put all back as it was."""
    content, status = path.read_bytes(), path.stat()
    assert change(content) != content
    path.write_bytes(change(content))
    yield
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flipped(content: bytes) -> bytes:
    """Another bit in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def other(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Another text in place of the first match."""
    return lambda content: re.sub(old, new, content, count=1)


def state(clone: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of every result and task."""
    files = [f for room in ("results", "resources") for f in (clone / room).rglob("*")]
    return {f: (f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file()}


@pytest.fixture(scope="session")
def verified(finished: Path, once) -> Path:
    """The folder in which the untouched study was made again, without a change of its own."""

    def fill(place: Path) -> None:
        with restored(finished) as clone:
            before = state(clone)
            command = [sys.executable, "-c", KEEPING, STUDY, str(place)]
            done = subprocess.run(command, cwd=clone, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            assert state(clone) == before
        assert "values bit for bit" in done.stdout
        assert done.stdout.count("->") == done.stdout.count("holds: ") == 6
        assert "every link of study mine holds" in done.stdout

    return once("verified", fill)


def first_hashed_break(study: Study) -> tuple[str, list[Break]]:
    """The first link with hashes that does not hold, and what breaks it."""
    tasks: Tasks = {}
    notes: list[str] = []
    if breaks := list(check_tasks(study, tasks, notes)):
        return "tasks", breaks
    if breaks := list(check_features(study, tasks, lambda *view: iter(()), notes)):
        return "features", breaks
    return "predictions", list(check_predictions(study, notes))


def other_arrays(content: bytes) -> bytes:
    """Predictions of which one number is another, in a file that is whole."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        arrays = dict(stored)
    arrays["0/0/probabilities"] = arrays["0/0/probabilities"] + np.float32(1e-6)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    "file, change, link, named, said",
    [
        (WAV, flipped, "tasks", "tones_scene-v1-full", f"written since: .*{Path(WAV).name}"),
        (MANIFEST, lambda text: text[:-9], "tasks", MANIFEST, "expected a checked task"),
        (FEATURES, flipped, "features", FEATURES, "expected sha256 .*, found [0-9a-f]{64}"),
        (INDEX, lambda text: text.replace(b'"tiny"', b'"t"'), "features", INDEX, "changed since"),
        (PREDICTIONS, flipped, "predictions", PREDICTIONS, "expected a file of predictions"),
        (PREDICTIONS, other_arrays, "predictions", PREDICTIONS, "expected sha256 of its arrays"),
    ],
)  # fmt: skip
def test_the_first_link_that_hashes_do_not_hold_is_named(
    clone: Path, monkeypatch: pytest.MonkeyPatch,
    file: str, change: Callable[[bytes], bytes], link: str, named: str, said: str,
) -> None:  # fmt: skip
    study = read_study(clone, monkeypatch)
    assert first_hashed_break(study) == ("predictions", [])
    with changed(clone / file, change):
        found, breaks = first_hashed_break(study)
    assert found == link and breaks[0].file.endswith(named) and re.search(said, str(breaks[0]))


@pytest.mark.slow
def test_other_weights_are_not_what_features_were_made_from(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def others(_: bytes) -> bytes:
        write_weights(clone / "others.safetensors", seed=2)
        return (clone / "others.safetensors").read_bytes()

    study = read_study(clone, monkeypatch)
    with changed(clone.parent / "mine.safetensors", others):
        found, breaks = first_hashed_break(study)
    assert found == "features" and {one.file for one in breaks} == {"tiny"}
    assert all("mine.safetensors: changed since" in str(one) for one in breaks)


@pytest.mark.slow
@pytest.mark.parametrize(
    "file, change, said",
    [
        (SCORES, other(b'"score": [0-9.]+', b'"score": 0.125'), "scores: 1: .*, found 0.125"),
        (SCORES, other(b'"threads": 1', b'"threads": 2'), "provenance: threads: 1, found 2"),
        (f"{RESULTS}/scores.csv", other(b"scene", b"scene_"), "row .*, found .*scene_"),
        (f"{RESULTS}/claims.csv", other(b"not tested", b"holds"), "verdict: .*, found holds"),
        (f"{RESULTS}/replicates/mlp-reference.npz", flipped, "expected a file that can be read"),
        (f"{RESULTS}/figures/ranks.csv", other(rb"\d\.\d+", b"7.5"), "row 2: .*, found 7.5"),
        (f"{RESULTS}/tables/tasks.csv", other(b"tones_", b"tons_"), "row 2: .*, found tons_"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_is_made_again_is_named(
    verified: Path, clone: Path, monkeypatch: pytest.MonkeyPatch,
    file: str, change: Callable[[bytes], bytes], said: str,
) -> None:  # fmt: skip
    study = read_study(clone, monkeypatch)
    made = again.mirrored(verified / again.TABLES.name)
    files = [*paths.scores(study), *again.table_files(study), *again.exhibit_files(study)]
    assert file in files and list(again.compare_files(files, made, is_exact=True)) == []
    with changed(clone / file, change):
        breaks = list(again.compare_files(files, made, is_exact=True))
    assert {one.file for one in breaks} == {file} and re.search(said, str(breaks[0]))
    assert [one.file for one in again.compare_files(["results/none.csv"], made, True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change, made_here, said",
    [
        (0.0, True, ""),
        (1e-5, True, "bit for bit, found a difference of 1.0e-05"),
        (1e-5, False, ""),
        (1e-3, False, "within 0.0001 of its largest value, found a difference of 1.0e-03"),
    ],
)
def test_values_differ_by_a_tolerance_where_another_machine_made_them(
    clone: Path, monkeypatch: pytest.MonkeyPatch, change: float, made_here: bool, said: str
) -> None:
    study, tasks = read_study(clone, monkeypatch), Tasks()
    assert not list(check_tasks(study, tasks, []))
    directory = Path(RESULTS, "features/bands/tones_event/timestamp")
    (entry,) = jobs.embed_entries(study, "tones_event", [("bands", "timestamp")])
    model, _ = load_source(entry, jobs.validated(study, [("bands", "timestamp")]))
    (made_by,) = json.loads((directory / "cost.json").read_text())
    monkeypatch.setattr(samples, "where", lambda _: made_by)

    def moved(content: bytes) -> bytes:
        array = np.load(io.BytesIO(content))
        array[0, 0] += change * np.abs(array).max()
        stream = io.BytesIO()
        np.save(stream, array)
        return stream.getvalue() + bytes(1)  # not the same file, whatever the change

    here = samples.Here(same_versions=made_here, same_machine=made_here)
    with changed(clone / directory / "E.npy", moved):
        breaks = list(
            samples.sample_view(tasks, here, "tones_event", model, "timestamp", directory, ["E"])
        )
    assert [said in str(one) for one in breaks] == ([True] if said else [])
    assert (here.n_exact, here.n_close) == (int(not change), int(change > 0 and not said))


@pytest.mark.slow
def test_a_broken_link_ends_the_command(clone: Path) -> None:
    before = state(clone)
    with changed(
        clone / MANIFEST, lambda text: text.replace(b'"task_hash": "', b'"task_hash": "f')
    ):
        done = subprocess.run(COMMAND, cwd=clone, capture_output=True, text=True)
    assert done.returncode == 1 and state(clone) == before
    assert "archives -> tasks is the first link that does not hold" in done.stdout
    assert re.search(r"task.json: .* expected content of .*, found [0-9a-f]{64}", done.stdout)
    assert "tasks -> features" not in done.stdout
