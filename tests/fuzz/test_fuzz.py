"""A few hostile cases of each reader, in the command that tries more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_no_reader_does_more_than_read_or_refuse(tmp_path):
    command = [sys.executable, "-m", "tests.fuzz", "--cases", "25", "--write", "counts.csv"]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len((tmp_path / "counts.csv").read_text().splitlines()) > 20
