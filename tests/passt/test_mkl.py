"""MKL's path: taken, close to the other one, refused by the system without harm."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
HAS_MKL = sys.platform == "linux" and platform.machine() == "x86_64"
pytestmark = pytest.mark.skipif(not HAS_MKL, reason="torch has MKL on x86-64, and /proc is Linux's")

PRODUCT = """
import hashlib, torch
from passt import mkl
{before}
generator = torch.Generator().manual_seed(0)
left, right = (torch.randn(257, 129, generator=generator) for _ in range(2))
found = (left @ right.T).double()
expected = left.double() @ right.double().T
assert (found - expected).abs().max() < 1e-4
print(mkl.path(), hashlib.sha256(found.numpy().tobytes()).hexdigest())
"""
# A library whose function lies on a page that is not there.
REFUSED = """
import ctypes
class Library:
    mkl_serv_intel_cpu_true = staticmethod(lambda: 0)
mkl._libraries, mkl._address = lambda: [Library], lambda function: 4096
mkl._detected = lambda library: ctypes.c_int(mkl.UNDETECTED)
mkl.take_fast_path()
"""
FUNCTIONS = """
import hashlib, sys, torch
from passt import mkl
torch.set_num_threads(1)
mkl.take_fast_path()
x = torch.linspace(0.01, 30, 4096).reshape(64, 64)
if sys.argv[1] == "log":
    x.log()
for found in (x @ x, x.log(), x.sqrt(), x.neg().exp(), x.cos(), torch.fft.rfft(x).real):
    print(hashlib.sha256(found.numpy().tobytes()).hexdigest())
"""
EMBED = """
import sys, numpy, torch
from passt import mkl
torch.set_num_threads(int(sys.argv[2]))
if sys.argv[1] == "fast":
    mkl.take_fast_path()
from tests.passt import golden
embedder, audio = golden.tiny_embedder(100), golden.waveforms(0.9)
levels, _ = embedder.embed(audio, "scene")
numpy.savez(sys.argv[3], L=embedder.mel(audio), M=levels["M"], H=levels["H"])
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_fast_path_is_taken_once_and_no_page_stays_writable_and_executable():
    maps = "print(*open('/proc/self/maps'), sep='')"
    done = run(PRODUCT.format(before=f"mkl.take_fast_path(); mkl.take_fast_path(); {maps}"))
    assert (done.returncode, done.stderr) == (0, "")
    *mappings, last = done.stdout.splitlines()
    path, bits = last.split()
    assert path == "fast"
    former, other_bits = run(PRODUCT.format(before="")).stdout.split()
    assert former == "fast" or bits != other_bits  # the product itself took the other path
    rights = {line.split()[1] for line in mappings if "libtorch_cpu" in line}
    assert "r-xp" in rights and "rwxp" not in rights


@pytest.mark.slow
def test_bits_do_not_depend_on_what_a_process_computed_first():
    first = [run(FUNCTIONS, name) for name in ("product", "log")]
    assert [done.returncode for done in first] == [0, 0]
    assert first[0].stdout == first[1].stdout


@pytest.mark.slow
def test_after_a_product_it_is_left_as_it_is():
    done = run(PRODUCT.format(before="torch.ones(9, 9).mm(torch.ones(9, 9)); print(mkl.path()); "
                                     "mkl.take_fast_path()"))  # fmt: skip
    before, after, _ = done.stdout.split()
    assert (done.returncode, after) == (0, before)
    said = "MKL's fast path: not used, a product or a transform was computed before; continuing"
    assert done.stderr.startswith(said) if after == "slow" else not done.stderr


@pytest.mark.slow
def test_a_system_that_forbids_it_is_told_in_one_line():
    done = run(PRODUCT.format(before=REFUSED))
    assert (done.returncode, done.stdout.split()[0]) == (0, "slow")
    assert done.stderr.startswith("MKL's fast path: not used, mprotect: ")
    assert done.stderr.count("\n") == 1


UNKNOWN = """
if mkl._libraries()[0].mkl_serv_intel_cpu_true():
    print("fast", end=" ")
mkl._detected = lambda library: None
mkl.take_fast_path()
"""


@pytest.mark.slow
def test_an_unknown_mkl_is_left_alone():
    done = run(PRODUCT.format(before=UNKNOWN))
    path = done.stdout.split()[0]
    assert path == "fast" or done.stderr.startswith("MKL's fast path: not used, this version of")
    assert done.returncode == 0 and done.stderr.count("\n") <= 1


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2"])
def test_levels_are_close_under_both_paths(threads, tmp_path):
    """L too, whose quiet bands another rounding of the Fourier transform would move further."""
    found = {}
    for path in ("slow", "fast"):
        assert run(EMBED, path, threads, str(tmp_path / path)).returncode == 0
        found[path] = dict(np.load(tmp_path / f"{path}.npz", allow_pickle=False))
    for level in "LMH":
        np.testing.assert_allclose(found["slow"][level], found["fast"][level], rtol=0, atol=2e-6)


@pytest.mark.slow
def test_golden_values_and_equal_bits_hold_under_the_slow_path_too():
    """In a process of its own: MKL chooses once; this one has the fast path, as jobs do.

    Those of short clips; `TESTS_MKL_PATH=slow pytest tests/passt` asks for all.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    law = "tests/passt/test_laws.py::test_a_clip_s_bits_do_not_depend_on_its_neighbors"
    done = subprocess.run(
        [*command, "tests/passt/test_golden.py", law],
        cwd=ROOT,
        env=os.environ | {"TESTS_MKL_PATH": "slow"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
