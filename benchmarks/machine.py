"""Versions, CPU seconds and peak memory of a measurement."""

from __future__ import annotations

import functools
import platform
import resource
from pathlib import Path

import numpy as np
import torch

from hear.heareval.backend import environment
from passt import mkl
from workflow.machine import machine_name

STATUS = Path("/proc/self/status")
PATHS = ("slow", "fast")  # of MKL


@functools.cache
def origin(heareval_python: str = "", mkl_path: str = "") -> dict[str, str]:
    """Machine and versions of what computes, those of heareval's environment too if it is given.

    ``mkl_path`` is that of the jobs, where other processes computed.
    """
    here, path = f"torch {torch.__version__}", f"MKL's path {mkl_path or mkl.path()}"
    numpy, python = f"numpy {np.__version__}", platform.python_version()
    if not heareval_python:
        return {"machine": machine_name(), "versions": f"python {python} {here} {numpy} {path}"}
    there = environment(heareval_python)
    beside = f"heareval {there['heareval']}, torch {there['torch']} there and"
    versions = f"{beside} {torch.__version__} here, {numpy}, Python {python}, {path}"
    return {"versions": versions, "machine": machine_name()}


def reference_paths() -> tuple[str, ...]:
    """MKL's paths to measure a reference under: first the one that its users have.

    Call it before `passt.mkl.take_fast_path`.
    """
    return PATHS if mkl.path() == "slow" else ("fast",)


def cpu_seconds() -> float:
    """CPU seconds of this process and of its ended children."""
    usages = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_mib() -> float:
    """Largest resident memory of this program so far, MiB (Linux).

    Not getrusage's, which starts a program at what its parent held.
    """
    fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024
