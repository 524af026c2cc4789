"""Faults: inputs, configs and file times that change; stale locks; concurrent runs."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.faults.study import CALM_S, PATIENCE_S, SCORES, Cut, Row, lacks, said, send, tree
from tests.workflow import tones

SLOW = {"BANDS_WAIT_S": "1.5"}
DAY_S = 86400.0
CLOCKS = ("all results", "all results and inputs", "every file by itself")


def edited_task(cut: Cut, seeds: range) -> Iterator[Row]:
    """A clip or label changes between two runs or during embedding, and is then restored."""
    for seed in seeds:
        during, kind = seed % 2 == 1, ("clip", "label")[seed // 2 % 2]
        folder = cut.folder / "mine/tones_event-v1-full"
        path = folder / ("44100/test/test_0.wav" if kind == "clip" else "test.json")
        change = _reverse if kind == "clip" else _relabel
        cut.put("fresh" if during else "finished")
        whole, status = path.read_bytes(), path.stat()
        text, faults = _changed(cut, path, change, during)
        edited = cut.run()
        if edited.returncode:
            faults.append(f"the run after the edit failed: {said(edited.stdout)}")
        elif not any("tones_event" in line for line in cut.wrong()):
            faults.append("the edit changed no result")
        faults += [line for line in cut.wrong() if "tones_scene" in line]
        path.write_bytes(whole)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        faults += cut.go_on()
        when = "while it is embedded" if during else "between runs"
        yield Row(f"seed {seed}: {kind}, {when}", text, faults)


def edited_config(cut: Cut, seeds: range) -> Iterator[Row]:
    """The probe's number of epochs changes between two runs or during one, and is then restored."""
    for seed in seeds:
        during = seed % 2 == 1
        cut.put("fresh" if during else "finished")
        path = cut.clone / tones.STUDY
        whole = path.read_bytes()
        text, faults = _changed(cut, path, _retrain, during)
        if during:  # the run goes by what it has read
            faults += [*cut.wrong(), *lacks("".join(cut.hashes()), "scores.csv")]
        edited = cut.run()
        if edited.returncode or not cut.wrong():
            faults.append(f"the edit changed no result: {said(edited.stdout)}")
        path.write_bytes(whole)
        faults += cut.go_on()
        yield Row(f"seed {seed}: {'during a run' if during else 'between runs'}", text, faults)


def _changed(
    cut: Cut, path: Path, change: Callable[[Path], None], during: bool
) -> tuple[str, list[str]]:
    """Change a file, now or while a run embeds; return that run's messages."""
    if not during:
        change(path)
        return "", []
    log = cut.work / "log"
    process = cut.start(log, env=SLOW)
    end = time.monotonic() + PATIENCE_S
    while len(tones.events_of(cut.clone)) < 2 and time.monotonic() < end:
        time.sleep(CALM_S)
    change(path)
    code = process.wait(PATIENCE_S)
    text = log.read_text(errors="replace")
    wanted = [] if path.suffix == ".yaml" else [r"changed while .*start again"]
    return said(text), lacks(said(text), *wanted) if code or not wanted else ["it was not noticed"]


def clocks(cut: Cut, seeds: range) -> Iterator[Row]:
    """Modification times are shifted by up to a year into the past or the future."""
    for seed in seeds:
        draw, what = random.Random(seed), CLOCKS[seed % len(CLOCKS)]
        cut.put("finished")
        before = cut.numbers()
        folders = [cut.clone / "results", cut.clone / "resources"]
        folders += [cut.folder / "mine"] if what != CLOCKS[0] else []
        jump_s = draw.uniform(-365, 365) * DAY_S
        for path in sorted(p for folder in folders for p in folder.rglob("*") if p.is_file()):
            if what == CLOCKS[2]:
                jump_s = draw.uniform(-365, 365) * DAY_S
            status = path.stat()
            os.utime(path, (status.st_atime + jump_s, status.st_mtime + jump_s))
        faults = cut.go_on(before)
        yield Row(f"seed {seed}: {what}", "", faults)


def stale_lock(cut: Cut, seeds: range) -> Iterator[Row]:
    """A killed run leaves Snakemake's lock; then `make` or `snakemake` runs."""
    for seed in seeds:
        by_make = seed % 2 == 0
        cut.put("fresh")
        process = cut.start(cut.work / "log")
        _wait_for_lock(cut)
        send(tree(process), 9)
        process.wait(PATIENCE_S)
        done = cut.run() if by_make else _snakemake(cut, SCORES)
        wanted = "removing the lock" if by_make else "--unlock"
        faults = [*lacks(done.stdout, wanted), *cut.wrong(), *cut.go_on()]
        yield Row(f"seed {seed}: {'make' if by_make else 'snakemake'}", said(done.stdout), faults)


def two_runs(cut: Cut, seeds: range) -> Iterator[Row]:
    """A second run starts during the first, each started with `make` or `snakemake`."""
    for seed in seeds:
        first, second = seed % 2, seed // 2 % 2
        cut.put("fresh")
        log = cut.work / "log"
        if first:
            with log.open("w") as stream:
                process = subprocess.Popen(_plain(SCORES), cwd=cut.clone, stderr=stream)
        else:
            process = cut.start(log, SCORES)
        _wait_for_lock(cut)
        done = _snakemake(cut, SCORES) if second else cut.run(SCORES)
        faults = [] if done.returncode else ["the second run was not refused"]
        faults += lacks(done.stdout, "another run is active|cannot be locked")
        if process.wait(PATIENCE_S):
            faults.append(f"the first run failed: {said(log.read_text())}")
        names = ("make", "snakemake")
        faults += cut.go_on(cut.numbers())
        yield Row(f"seed {seed}: {names[second]} beside {names[first]}", said(done.stdout), faults)


def _plain(*targets: str) -> list[str]:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *targets]
    return [*command, "--configfile", tones.STUDY]


def _snakemake(cut: Cut, *targets: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        _plain(*targets),
        cwd=cut.clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
    )


def _wait_for_lock(cut: Cut) -> None:
    end = time.monotonic() + PATIENCE_S
    while not any((cut.clone / ".snakemake/locks").glob("*")) and time.monotonic() < end:
        time.sleep(CALM_S)


def _reverse(path: Path) -> None:
    audio, rate = soundfile.read(path)
    soundfile.write(path, np.ascontiguousarray(audio[::-1]), rate, "PCM_16")


def _relabel(path: Path) -> None:
    clips = json.loads(path.read_text())
    for events in clips.values():
        events[0]["label"] = "high"
    path.write_text(json.dumps(clips))


def _retrain(path: Path) -> None:
    path.write_text(path.read_text() + "protocols: {reference: {max_epochs_cap: 3}}\n")
