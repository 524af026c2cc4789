"""Generation of a mini task in a process of its own.

eSpeak NG keeps noise and phase state between calls, so its output depends on all previous calls.
With one fresh process per task and a fixed order of clips, the bytes depend on the seed alone.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

from mini.registry import check_sources, find_entry, find_mini_task
from mini.task import SCALE_1, MiniTaskError, Scale

PACKAGE_ROOT = Path(__file__).resolve().parents[1]  # the folder that holds `mini/`


def make_task(
    slug: str, destination: Path, seed: int, *, scale: Scale = SCALE_1, progress: bool = True
) -> list[Path]:
    """Make a mini task: the same arguments give the same bytes.

    Returns the finished folders `<destination>/<task>-mini-<mode>`, one per part of the task;
    existing ones are replaced. `seed` (>= 0) determines all random draws. A `scale` below 1 is for
    trials: with few clips, splits do not contain every class.

    Raises
    ------
    MissingSourceError
        If a wheel that the task needs is not installed.
    MiniTaskError
        If the slug is unknown, an argument is out of range, or the generating process failed.
    """
    entry = find_entry(slug)
    if seed < 0:
        raise MiniTaskError(f"{slug}: seed must be >= 0, found {seed}")
    if not (0 < scale.train < math.inf and 0 < scale.test < math.inf):
        raise MiniTaskError(f"{slug}: scale must be above 0, found {scale}")
    check_sources(entry)
    task, parent = find_mini_task(slug), Path(destination).resolve()
    if task.is_kfold and scale.test not in (1, scale.train):
        print(
            f"{slug}: scale {scale.test:g} of test parts has no effect: the clips of every fold "
            f"are trained on and tested, so that they are made {scale.train:g} times",
            file=sys.stderr,
        )
    arguments = [slug, str(parent), "--seed", str(seed)]
    arguments += ["--scale", repr(scale.train), repr(scale.test)]
    if status := run_fresh("mini", *arguments, *([] if progress else ["--quiet"])):
        raise MiniTaskError(
            f"{slug}: generating {parent / task.folder} failed with exit status {status}; "
            "the reason is on standard error above"
        )
    return [parent / part.folder for part in task.parts]


def run_fresh(module: str, *arguments: str) -> int:
    """Exit status of ``python -m module arguments`` in a fresh process, with fresh eSpeak state."""
    paths = [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONSAFEPATH": "1",  # the working directory must not hide this package
    }
    return subprocess.run([sys.executable, "-m", module, *arguments], env=environment).returncode
