"""Faults: files truncated or bit-flipped with their modification times preserved."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults.study import TASKS, Cut, Row, lacks, said, scores

RESULTS, MADE = "clone/results/mine", "clone/resources/tasks/mine"
STAGES = ("features", "predictions", "scores", "scores.csv")  # in their order
FILES = {  # patterns in the study's folder, and the first stage that reads what they match
    f"{RESULTS}/features/*/*/*/[A-Z].npy": "predictions",
    f"{RESULTS}/features/*/*/*/index.json": "predictions",
    f"{RESULTS}/predictions/*/*/*/*.npz": "scores",
    f"{RESULTS}/scores/*/*.json": "scores.csv",
    f"{MADE}/*/task.json": "predictions",
    f"{MADE}/*/*/fold0?.json": "predictions",
    f"{MADE}/*/*/*/*/*.wav": "features",
    f"{RESULTS}/models/*.json": "features",
    "mine.safetensors": "features",
}
NEXT_STEP = "remove .*start again|put the file back"


def damaged(cut: Cut, seeds: range) -> Iterator[Row]:
    """A bit is flipped or the end cut off, file times preserved; then the remedy is followed."""
    for seed in seeds:
        draw = random.Random(seed)
        pattern = [*FILES][seed % len(FILES)]
        cut.put("finished")
        path = draw.choice(sorted(cut.folder.glob(pattern)))
        name = path.relative_to(cut.folder).as_posix()
        task = next((task for task in TASKS if task in name), TASKS[seed % len(TASKS)])
        whole, status = path.read_bytes(), path.stat()
        place, is_cut = draw.randrange(len(whole)), draw.random() < 0.5
        changed = bytearray(whole[:place] if is_cut else whole)
        if not is_cut:
            changed[place] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        for stage in STAGES[STAGES.index(FILES[pattern]) :]:
            _remove(cut.results / stage)
        target = () if FILES[pattern] == "scores.csv" else scores(task)
        done = cut.run(*target)
        text = said(done.stdout)
        faults = [line for line in cut.wrong() if line.split()[0] not in name]
        if done.returncode:
            names = f"{re.escape(path.name)}|{path.parents[2].name}"  # of a clip its task
            faults += lacks(text, names, NEXT_STEP)
            if "put the file back" in text:
                path.write_bytes(whole)
            for removed in re.findall(r"remove (\S+) and start", text):
                _remove(path if removed == "it" else cut.clone / removed)
            faults += cut.go_on(task=task if target else "")
        how = "cut off" if is_cut else "bit flipped"
        ending = "" if done.returncode else ", which changed no result"
        yield Row(f"seed {seed}: {name}, {how} at byte {place}{ending}", text, faults)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
