"""Faults: full and read-only file systems under one folder of a study, or all of it."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.study import Cut, Row, lacks, said

STAGES = {  # what lies on the file system, and the first of what is to be made there
    "fetch": ("resources/tasks", "resources/tasks/mine"),
    "embed": ("results/mine/features", "results/mine/features"),
    "predict": ("results/mine/predictions", "results/mine/predictions"),
    "draw": ("results/mine/figures", "results/mine/figures"),
    "everything": (".", "results/mine/features"),
}
MADE = (  # in their order
    "resources/tasks/mine",
    *(f"results/mine/{name}" for name in ("features", "predictions", "scores", "scores.csv")),
    "results/mine/figures",
)
NAMED = {stage: rf"{first}/\w" for stage, (_, first) in STAGES.items()} | {"everything": r"/\w"}
SIZE_MIB = 64
SPARE_BYTES = 96 * 2**10  # at most free on a full disk, of which an output takes more
FREE = r"[Nn]o space left on device|no room for|disk is full"


def is_possible() -> str:
    """Reason why no file system can be mounted here; empty if one can."""
    return "" if os.geteuid() == 0 else "needs root, to mount a tmpfs"


def full_disk(cut: Cut, seeds: range) -> Iterator[Row]:
    """A tmpfs has only some KiB free; then space is freed."""
    for seed in seeds:
        draw, stage = random.Random(seed), [*STAGES][seed % len(STAGES)]
        with _mounted(cut, stage) as folder:
            filler = folder / ".filler"
            _fill(filler, draw.randrange(SPARE_BYTES))
            left = _free(folder)
            failed = cut.run()
            filler.unlink()
            faults = _judged(cut, failed, NAMED[stage], FREE, "free some")
        yield Row(f"seed {seed}: {stage}, {left // 1024} KiB free", said(failed.stdout), faults)


def read_only(cut: Cut, seeds: range) -> Iterator[Row]:
    """The same tmpfs is mounted read-only, then writable."""
    for seed in seeds:
        stage = [*STAGES][seed % len(STAGES)]
        with _mounted(cut, stage) as folder:
            _mount("remount,ro", folder)
            failed = cut.run()
            _mount("remount,rw", folder)
            faults = _judged(cut, failed, NAMED[stage], "Read-only file system", "writable")
        yield Row(f"seed {seed}: {stage}", said(failed.stdout), faults)


def full_temporary(cut: Cut, seeds: range) -> Iterator[Row]:
    """TMPDIR is a full tmpfs: Python uses another folder, or reports that there is none."""
    for seed in seeds:
        cut.put("finished")
        _remove(cut, "results/mine/features")
        folder = cut.work / "tmp"
        folder.mkdir(exist_ok=True)
        _mount(f"size={SIZE_MIB}m", folder)
        try:
            _fill(folder / ".filler", 0)
            done = cut.run(env={"TMPDIR": str(folder)})
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        faults = lacks(said(done.stdout), FREE) if done.returncode else []
        yield Row(f"seed {seed}", said(done.stdout), [*faults, *cut.wrong(), *cut.go_on()])


def _judged(cut: Cut, failed: subprocess.CompletedProcess, *wanted: str) -> list[str]:
    faults = lacks(failed.stdout, *wanted) if failed.returncode else ["the run did not fail"]
    before = cut.numbers()
    return [*faults, *cut.wrong(), *cut.go_on(before)]


@contextmanager
def _mounted(cut: Cut, stage: str) -> Iterator[Path]:
    """The finished study with one folder on a tmpfs and that folder's outputs removed."""
    place, first = STAGES[stage]
    cut.put("finished")
    _remove(cut, first)
    folder, kept = cut.clone / place, cut.work / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", f"{folder}/.", str(kept)], check=True)
    _mount(f"size={SIZE_MIB}m", folder)
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _remove(cut: Cut, first: str) -> None:
    """Remove the outputs of a stage and of all later ones."""
    for name in MADE[MADE.index(first) :]:
        path = cut.clone / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _mount(options: str, folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True)


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _fill(path: Path, left: int) -> None:
    with path.open("wb") as stream:
        stream.write(bytes(max(0, _free(path.parent) - left)))
