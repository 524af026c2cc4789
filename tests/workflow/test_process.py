"""Settings of a computing process: torch's threads, and memory that stays."""

import subprocess
import sys
from pathlib import Path

import pytest

LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
STEPS = """
import os, pathlib, resource, sys
import torch
from workflow.process import configure
before = dict(os.environ)
if sys.argv[1] == "yes":
    configure(1, mkl_fast_path=sys.argv[2] == "fast")
assert dict(os.environ) == before
step = lambda: torch.ones(12 * 2**20).sum().item()  # 48 MiB, above any default of glibc
for _ in range(10):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
total = [step() for _ in range(20)]
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
large, smaps = torch.ones(32 * 2**20), pathlib.Path("/proc/self/smaps")
lines = smaps.read_text().splitlines() if smaps.exists() else []
asks = any(line.startswith("VmFlags") and " hg" in line for line in lines)
print(torch.get_num_threads(), faults, asks, total)
"""


def run(configured: str, path: str) -> tuple[int, int, bool, str]:
    command = [sys.executable, "-c", STEPS, configured, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    n_threads, faults, asks, total = done.stdout.split(maxsplit=3)
    return int(n_threads), int(faults), asks == "True", total


@pytest.mark.slow
@pytest.mark.parametrize("path", ["slow", "fast"])
def test_a_configured_process_keeps_its_memory_and_its_numbers(path):
    _, faults_before, _, expected = run("no", path)
    n_threads, faults, asks_for_large_pages, found = run("yes", path)
    assert n_threads == 1
    assert found == expected
    if sys.platform == "linux":
        assert faults < faults_before / 10
    if LARGE_PAGES.exists() and "[never]" not in LARGE_PAGES.read_text():
        assert asks_for_large_pages
