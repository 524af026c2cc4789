"""Faults: too little memory, models that crash in their worker, cluster nodes that die."""

from __future__ import annotations

import os
import random
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.faults.study import PATIENCE_S, SCORES, TASKS, Cut, Row, lacks, said, scores
from tests.workflow import tones

MIB = 2**20
LEAST_MIB, MOST_MIB = 300, 3000  # of address space, of which torch alone takes two thirds
CRASHES = {  # of the worker, at the first clips of the event task
    "os._exit(7)": "ended with code 7",
    "os.kill(os.getpid(), 11)": "killed by SIGSEGV",
    "os.kill(os.getpid(), 9)": "killed by SIGKILL",
    "raise RuntimeError('cannot go on')": "cannot go on",
}
SLURM = ("start", "kill", "restore", "stop")  # commands, in the environment as FAULTS_SLURM_...


def little_memory(cut: Cut, seeds: range) -> Iterator[Row]:
    """Every process of a run has a small ``ulimit -v``; then the limit is removed."""
    for seed in seeds:
        limit = random.Random(seed).randrange(LEAST_MIB, MOST_MIB)
        cut.put("fresh")
        task = TASKS[seed % len(TASKS)]
        failed = cut.run(*scores(task), before=("prlimit", f"--as={limit * MIB}"))
        text = said(failed.stdout)
        wanted = r"memory|failed to map|allocate|was killed|ended with code"
        faults = lacks(failed.stdout, wanted) if failed.returncode else []
        faults += [*cut.wrong(), *cut.go_on(cut.numbers(), task)]
        yield Row(f"seed {seed}: {limit} MiB", text or "nothing: it was enough", faults)


def crashing_model(cut: Cut, seeds: range) -> Iterator[Row]:
    """The model's worker exits, is killed or raises an error while embedding; then it is fixed."""
    for seed in seeds:
        crash, words = list(CRASHES.items())[seed % len(CRASHES)]
        cut.put("fresh")
        path = cut.clone / "bands.py"
        whole = path.read_text()
        where = f"if str(tuple(audio.shape)) == {tones.EVENT_BATCH!r}:"
        lines = f"{where}\n        {crash}\n    time.sleep("
        path.write_text(whole.replace("time.sleep(", lines))
        failed = cut.run(*scores(TASKS[0]))
        text = said(failed.stdout)
        faults = lacks(text, re.escape(words), "bands") if failed.returncode else ["no crash"]
        path.write_text(whole)
        faults += [*cut.wrong(), *cut.go_on(task=TASKS[0])]
        yield Row(f"seed {seed}: {words}", text, faults)


def slurm_is_possible() -> str:
    """Reason why no cluster can be started; empty if it can."""
    missing = [f"FAULTS_SLURM_{name.upper()}" for name in SLURM]
    missing = [name for name in missing if name not in os.environ]
    return f"needs commands for a cluster: {', '.join(missing)}" if missing else ""


def dead_node(cut: Cut, seeds: range) -> Iterator[Row]:
    """Slurm with two nodes: one node's daemon is killed at a random moment, then restarted."""
    for seed in seeds:
        after_s = random.Random(seed).uniform(10, 60)
        cut.put("fresh")
        _slurm("start")
        try:
            text = _on_slurm(cut, after_s)
            _slurm("restore")
            faults = [*cut.wrong()]
            second = _on_slurm(cut, None)
            faults += cut.go_on(cut.numbers())
        finally:
            _slurm("stop")
        yield Row(f"seed {seed}: after {after_s:.0f} s", f"{text} | {second}", faults)


def _slurm(name: str) -> None:
    subprocess.run(shlex.split(os.environ[f"FAULTS_SLURM_{name.upper()}"]), check=True)


def _on_slurm(cut: Cut, kill_after_s: float | None) -> str:
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", SCORES]
    command += ["--configfile", tones.STUDY, "--slurm-no-account", "--config", "job_size=task"]
    command += ["--slurm-status-command", "squeue", "--latency-wait", "10", "--jobs", "2"]
    command += ["--default-resources", "mem_mb=600", "runtime=10"]
    with (cut.work / "log").open("w") as stream:
        process = subprocess.Popen(command, cwd=cut.clone, stdout=stream, stderr=stream)
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            _slurm("kill")
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(PATIENCE_S)
    return said((cut.work / "log").read_text(errors="replace")) or "finished"
