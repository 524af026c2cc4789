"""MKL's path: taken, undone by nothing, refused by the system without harm; goldens under both."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HAS_MKL = sys.platform == "linux" and platform.machine() == "x86_64"
pytestmark = pytest.mark.skipif(not HAS_MKL, reason="torch has MKL on x86-64, and /proc is Linux's")

PRODUCT = """
import numpy as np, torch
from passt import mkl
{before}
generator = torch.Generator().manual_seed(0)
left, right = (torch.randn(257, 129, generator=generator) for _ in range(2))
found = (left @ right.T).double()
expected = left.double() @ right.double().T
assert (found - expected).abs().max() < 1e-4
print(mkl.path())
"""
REFUSED = """
import ctypes
class NoMprotect:
    def __init__(self, *arguments, **named): ...
    def mprotect(self, *arguments):
        ctypes.set_errno(13)
        return -1
functions, mkl._functions = mkl._functions(), lambda: functions
class Slow:
    def __call__(self): return 0
functions = [Slow()]
mkl.ctypes.cast = lambda *_: ctypes.c_void_p(4096)
mkl.ctypes.CDLL = NoMprotect
mkl.take_fast_path()
"""


def run(before: str) -> subprocess.CompletedProcess[str]:
    """A process that multiplies, with some lines of code before."""
    code = PRODUCT.format(before=before)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_the_fast_path_is_taken_and_products_are_right():
    done = run("mkl.take_fast_path(); mkl.take_fast_path()")
    assert (done.returncode, done.stdout, done.stderr) == (0, "fast\n", "")


def test_no_page_stays_writable_and_executable():
    done = run("mkl.take_fast_path()\nprint(*open('/proc/self/maps'), sep='')")
    assert done.returncode == 0
    rights = {line.split()[1] for line in done.stdout.splitlines() if "libtorch_cpu" in line}
    assert rights and not {right for right in rights if right.startswith("rwx")}


def test_a_system_that_forbids_it_is_told_in_one_line():
    done = run(REFUSED)
    assert done.returncode == 0
    assert done.stdout == "slow\n"
    expected = f"MKL's fast path: not taken, mprotect: {os.strerror(13)}; going on without\n"
    assert done.stderr == expected


@pytest.mark.slow
@pytest.mark.parametrize("path", ["fast", "slow"])
def test_golden_values_hold_under_both_paths(path):
    """Each in a process of its own: MKL chooses once."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "tests/passt/test_golden.py"],
        cwd=ROOT,
        env=os.environ | {"TESTS_MKL_PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
