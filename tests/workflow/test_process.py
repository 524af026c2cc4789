"""Settings of a computing process: torch's threads, and memory that stays."""

import subprocess
import sys

import pytest

STEPS = """
import os, resource, sys
import torch
from workflow.process import configure
before = dict(os.environ)
if sys.argv[1] == "yes":
    configure(1, mkl_fast_path=False)
assert dict(os.environ) == before
step = lambda: torch.ones(12 * 2**20).sum().item()  # 48 MiB, above any default of glibc
for _ in range(10):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
total = [step() for _ in range(20)]
print(torch.get_num_threads(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, total)
"""


def run(configured: str) -> tuple[int, int, str]:
    done = subprocess.run(
        [sys.executable, "-c", STEPS, configured], capture_output=True, text=True, check=True
    )
    n_threads, faults, total = done.stdout.split(maxsplit=2)
    return int(n_threads), int(faults), total


@pytest.mark.slow
def test_a_configured_process_keeps_its_memory_and_its_numbers():
    _, faults_before, expected = run("no")
    n_threads, faults, found = run("yes")
    assert n_threads == 1
    assert found == expected
    if sys.platform == "linux":
        assert faults < faults_before / 10
