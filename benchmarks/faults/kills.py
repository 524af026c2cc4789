"""Faults: runs, jobs and slow embeddings killed or interrupted at random moments."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import soundfile

from benchmarks.faults.study import (
    PATIENCE_S,
    TASKS,
    Cut,
    Row,
    lacks,
    said,
    scores,
    send,
    tree,
    wait_for,
)

SLOW = {"BANDS_WAIT_S": "0.5"}  # seconds per batch of the model in the worker
WHOLE, SNAKEMAKE, ONE = "all processes", "Snakemake alone", "one process"
MOMENTS = 3  # a signal comes in the first third of the time that the whole study takes
GO_ON = "the same command resumes"
ROOT = Path(__file__).parents[2]
N_FILES, N_KILLS, BROKEN_EVERY = 10_000, 5, 100  # of `kill_folder`


def kill_run(cut: Cut, seeds: range) -> Iterator[Row]:
    """SIGKILL to all processes, to Snakemake alone (its jobs continue), or to one process."""
    yield from _chains(cut, seeds, signal.SIGKILL, (WHOLE, SNAKEMAKE, ONE))


def kill_job(cut: Cut, seeds: range) -> Iterator[Row]:
    """SIGKILL to the newest process of a run: a job or its worker."""
    yield from _chains(cut, seeds, signal.SIGKILL, ("the newest process",))


def kill_embed(cut: Cut, seeds: range) -> Iterator[Row]:
    """SIGKILL to all processes while a slow model embeds in its worker."""
    yield from _chains(cut, seeds, signal.SIGKILL, (WHOLE,), slowly=True)


def kill_folder(cut: Cut, seeds: range) -> Iterator[Row]:
    """SIGKILL five times to `python -m passt embed` on 10,000 files of which 1 % are broken."""
    folder = cut.work / "audio"
    _write_files(folder)
    whole = cut.work / "whole.npz"
    started = time.monotonic()
    _embed(folder, whole).wait()
    seconds = time.monotonic() - started
    for seed in seeds:
        draw, output = random.Random(seed), cut.work / f"killed{seed}.npz"
        kept = []
        for _ in range(N_KILLS):
            process = _embed(folder, output)
            if not wait_for(process, draw.uniform(0, seconds / MOMENTS)):
                process.kill()
                process.wait()
            kept.append(len(list(cut.work.glob(f"{output.name}.part/*/*.npz"))))
        said_last = _embed(folder, output, subprocess.PIPE).communicate()[1].splitlines()[-1]
        faults = [] if kept == sorted(kept) else [f"finished files are lost: {kept}"]
        if not output.is_file() or output.read_bytes() != whole.read_bytes():
            faults.append("the table is not that of an undisturbed run")
        expected = f"{N_FILES - N_FILES // BROKEN_EVERY} of {N_FILES} files in"
        faults += [] if said_last.startswith(expected) else [f"expected {expected}"]
        yield Row(f"seed {seed}, kept {', '.join(map(str, kept))} files", said_last, faults)


def _write_files(folder: Path) -> None:
    for i in range(N_FILES):
        path = folder / f"{i // 1000}" / f"{i:05d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(i).uniform(-0.5, 0.5, 8000 + i % 1000)
        soundfile.write(path, samples, 16_000)
        if i % BROKEN_EVERY == 7:
            path.write_bytes(path.read_bytes()[:20])


def _embed(folder: Path, output: Path, stderr: int = subprocess.DEVNULL) -> psutil.Popen:
    weights = ROOT / "resources" / "checkpoints_mini" / "mini_hop10.safetensors"
    command = [sys.executable, "-m", "passt", "embed", folder, "-o", output, "--weights", weights]
    root = {"PYTHONPATH": str(ROOT)}
    return psutil.Popen(command, stderr=stderr, env=os.environ | root, text=True)


def interrupt(cut: Cut, seeds: range) -> Iterator[Row]:
    """SIGINT to all processes, as Ctrl-C in a terminal sends it."""
    yield from _chains(cut, seeds, signal.SIGINT, (WHOLE,))


def terminate(cut: Cut, seeds: range) -> Iterator[Row]:
    """SIGTERM to the `make` command."""
    yield from _chains(cut, seeds, signal.SIGTERM, ("the command",))


def _chains(
    cut: Cut, seeds: range, number: signal.Signals, whom: tuple[str, ...], slowly: bool = False
) -> Iterator[Row]:
    """Send one signal per seed; each run resumes from the last, until a task is scored."""
    log, env = cut.work / "log", SLOW if slowly else None
    before: dict[str, int] | None = None
    for seed in seeds:
        draw = random.Random(seed)
        if before is None:
            task, before, started = TASKS[seed % len(TASKS)], {}, []
            cut.put("fresh")
        after_s, kind = draw.uniform(0, cut.seconds / MOMENTS), draw.choice(whom)
        process = cut.start(log, *scores(task), env=env)
        if not wait_for(process, after_s):
            started += tree(process)
            _strike(process, kind, number, draw)
            process.wait(PATIENCE_S)
        text, now = log.read_text(errors="replace"), cut.numbers()
        ended = process.returncode == 0
        faults = [] if ended or number == signal.SIGKILL else lacks(text, GO_ON)
        lost = [name for name, file in before.items() if now.get(name) != file]
        faults += [*cut.wrong(), *(f"{name} is lost or was made again" for name in lost)]
        before = now
        if ended or seed == seeds[-1]:
            faults += cut.go_on(now, task)
            send(started, signal.SIGKILL)  # what still runs
            before = None
        trial = f"seed {seed}: {task}, after {after_s:.1f} s, {kind}"
        yield Row(trial + (", had ended" if ended else ""), said(text), faults)


def _strike(process, kind: str, number: signal.Signals, draw: random.Random) -> None:
    processes = tree(process)
    if kind == WHOLE:
        send(processes, number)
    elif kind == SNAKEMAKE:
        send(processes[:2], number)
    elif kind == ONE:
        send([draw.choice(processes)], number)
    elif kind == "the command":
        send(processes[:1], number)
    else:
        newest = max(processes, key=lambda one: one.create_time()) if processes else process
        send([newest], number)
