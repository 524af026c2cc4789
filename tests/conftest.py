"""Shared by all tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
torch.set_num_threads(min(2, os.cpu_count() or 1))

from passt.mkl import take_fast_path  # noqa: E402 (the root must be on the path)

if os.environ.get("TESTS_MKL_PATH") != "slow":  # as jobs do; tests/passt/test_mkl.py asks for both
    take_fast_path()


@pytest.fixture(scope="module")
def one_thread():
    """As a job has: two slow down small products, and a fork of several waits for them forever."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
