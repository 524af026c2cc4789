"""The study that faults are injected into: two tone tasks, a checkpoint, a model in a worker.

One task comes in an archive, the other in a folder. Every trial restores the study in ``study/`` of
a working folder, fresh or finished, with its file times; results are compared with those of an
undisturbed run.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from hear.files import sha256_file
from tests.workflow import tones

SCORES = "results/mine/scores.csv"
FIGURE = "results/mine/figures/figure_9.svg"
ALL = (SCORES, FIGURE)
TASKS = ("tones_event", "tones_scene")
ARCHIVE = "tones_scene-v1-full"
CALM_S = 0.2  # between looks at a process
PATIENCE_S = 900.0
KEPT = ("features/**/*.npy", "features/**/index.json", "predictions/**/seed*[0-9].npz")
COMPARED = (*KEPT, "scores/**/*.json", "scores.csv", "figures/figure_9.svg")
SAID = re.compile(  # errors of jobs, over several lines; of Snakemake and make, in one
    r"^error: .*?(?=\n\(traceback in|\Z)|^(?:make: |\w*(?:Error|Exception)\b)[^\n]*",
    re.MULTILINE | re.DOTALL,
)
UNSAID = (
    "RuleException",
    "CalledProcessError",
    "Error in rule",
    "WorkflowError: At",
)  # of Snakemake, about a job that said more


@dataclass
class Row:
    """One trial: its conditions, the messages of the run, and the checks that failed."""

    trial: str
    said: str
    faults: list[str]


class Cut:
    """The study under test, with copies from before and after an undisturbed run."""

    def __init__(self, work: Path) -> None:
        self.work, self.folder = work, work / "study"
        self.clone = self.folder / "clone"
        self.results = self.clone / "results" / "mine"
        if not (work / "finished").exists():
            self._make()

    @property
    def seconds(self) -> float:
        """Duration of the undisturbed run."""
        return float((self.work / "seconds").read_text())

    def _make(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        clone = tones.make_clone(self.folder)
        config = yaml.safe_load((clone / tones.STUDY).read_text())
        config["models"]["bands"]["environment"] = {"interpreter": sys.executable}
        config["select_models"] = ["passt_lm_hop10", "bands"]
        (clone / tones.STUDY).write_text(yaml.safe_dump(config, sort_keys=False))
        task = self.folder / "mine" / ARCHIVE
        with tarfile.open(f"{task}.tar.gz", "w:gz", compresslevel=1) as tar:
            tar.add(task, f"hear-2021.0.6/tasks/{ARCHIVE}")
        shutil.rmtree(task)
        _copy(self.folder, self.work / "fresh")
        start = time.monotonic()
        done = self.run()
        if done.returncode:
            raise RuntimeError(done.stdout)
        (self.work / "seconds").write_text(f"{time.monotonic() - start:.1f}")
        _copy(self.folder, self.work / "finished")

    def put(self, state: str) -> None:
        """Restore the study, ``fresh`` or ``finished``."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        _copy(self.work / state, self.folder)

    def run(
        self, *targets: str, before: tuple[str, ...] = (), env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess:
        """Run the command, prefixed with ``before``, to the end; capture all output in stdout."""
        return subprocess.run(
            [*before, *tones.command(*(targets or ALL))],
            cwd=self.clone,
            env=os.environ | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
        )

    def start(self, log: Path, *targets: str, env: dict[str, str] | None = None) -> psutil.Popen:
        """Start in a session of its own; all output goes to ``log``."""
        with log.open("w") as stream:
            return psutil.Popen(
                tones.command(*(targets or ALL)),
                cwd=self.clone,
                env=os.environ | (env or {}),
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def hashes(self, patterns: tuple[str, ...] = COMPARED, of: str = "study") -> dict[str, str]:
        """SHA-256 of the finished files, by their path in the results."""
        results = self.work / of / "clone" / "results" / "mine"
        paths = {path for pattern in patterns for path in results.glob(pattern)}
        return {
            path.relative_to(results).as_posix(): sha256_file(path)
            for path in sorted(paths)
            if ".part/" not in path.as_posix()
        }

    def wrong(self) -> list[str]:
        """Files that differ from those of the undisturbed run, one message each."""
        expected = self.hashes(of="finished")
        return [
            f"{name} is wrong" for name, found in self.hashes().items() if expected[name] != found
        ]

    def numbers(self) -> dict[str, int]:
        """Inode numbers of finished features and predictions, by path."""
        return {name: (self.results / name).stat().st_ino for name in self.hashes(KEPT)}

    def go_on(self, before: dict[str, int] | None = None, task: str = "") -> list[str]:
        """Run to the end, for one task or all; return a message per wrong or recomputed file."""
        done = self.run(*scores(task))
        if done.returncode:
            return [f"the next run failed: {said(done.stdout)}"]
        expected = {name for name in self.hashes(of="finished") if task in name}
        missing, after = expected - self.hashes().keys(), self.numbers()
        again = [n for n, number in (before or {}).items() if after.get(n) != number]
        return [
            *self.wrong(),
            *(f"{name} is missing" for name in sorted(missing)),
            *(f"{name} was made again" for name in again),
        ]


def scores(task: str) -> tuple[str, ...]:
    """Snakemake targets that score one task; without a task, all targets."""
    return (f"results/mine/scores/bands/{task}.json",) if task else ALL


def said(text: str) -> str:
    """The distinct errors in a run's output, on one line."""
    found = [" ".join(match.group().split()) for match in SAID.finditer(text)]
    found = [line.removeprefix("error: ") for line in found if not line.startswith(UNSAID)]
    kept = dict.fromkeys(line for line in found if not line.endswith(":"))
    return " | ".join(kept).replace(sys.executable, "python")


def lacks(text: str, *wanted: str) -> list[str]:
    """Messages that were expected in a run's output and are missing."""
    return [f"not said: {part}" for part in wanted if not re.search(part, text)]


def tree(process: psutil.Popen) -> list[psutil.Process]:
    """A process and its running descendants, the oldest first."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to processes; those that have ended are ignored."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def wait_for(process: psutil.Popen, seconds: float) -> bool:
    """Wait for a process to end, for at most ``seconds``; return whether it ended."""
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
