"""What a measurement ran on: machine, versions, and its peak rate of matrix products."""

from __future__ import annotations

import platform
import time
from pathlib import Path

import numpy as np
import psutil
import torch

# (rows, columns, inner): a square product that fits the caches, and ViT-B's layers on 10 s.
PEAK_SHAPES = ((1024, 1024, 1024), (1190, 2304, 768), (1190, 3072, 768))
PEAK_REPEATS = 3
STATUS = Path("/proc/self/status")


def machine() -> str:
    """Processor and how many there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if platform.system() == "Linux" else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()} x{psutil.cpu_count()}"


def versions() -> str:
    """Versions of what computes."""
    return f"python {platform.python_version()} torch {torch.__version__} numpy {np.__version__}"


def peak_mib() -> float:
    """Largest resident memory of this program so far, MiB (Linux).

    Not getrusage's, which starts a program at what its parent held.
    """
    fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024


def sgemm_flops_per_s() -> float:
    """Float32 operations per CPU second, a multiply-add as two: the best of several products.

    CPU seconds, so that waiting for a shared machine does not count; with several threads they
    add up, and this is the rate of one.
    """
    best = 0.0
    for rows, columns, inner in PEAK_SHAPES:
        left, right = torch.randn(rows, inner), torch.randn(inner, columns)
        for _ in range(PEAK_REPEATS):
            start = time.process_time()
            left @ right
            best = max(best, 2.0 * rows * columns * inner / (time.process_time() - start))
    return best
