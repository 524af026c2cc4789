"""A few hostile cases of each reader, in the command that tries more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.run import find_readers

ROOT = Path(__file__).parents[2]


WATCHED = """
import os, sys
from pathlib import Path
from tests.fuzz.watch import Fault, Reader, Watch

def read(case, inside):
    exec(case)

watch = Watch(Reader("any", None, read, (ValueError,), ("x",), "", bool), Path(sys.argv[1]))
for case in sys.argv[2:]:
    try:
        watch.run(case)
        print("no fault")
    except Fault as fault:
        print(fault)
"""
CASES = {
    "open('x', 'w')": "no fault",
    "open('../escaped', 'w')": "writes outside its folder",
    "os.mkdir('../escaped')": "writes outside its folder",
    "os.symlink('..', 'x'); open('x/escaped', 'w')": "writes outside its folder",
    "os.mkfifo('../fifo')": "leaves outside its folder: fifo",  # without an event, as C code writes
    "1": "no fault",
    "os.system('true')": "os.system",
    "raise ValueError('an x')": "no fault",
    "raise ValueError('a y')": "names none of",
    "raise KeyError('x')": "KeyError",
}


def test_a_case_that_does_more_than_read_or_refuse_is_a_fault(tmp_path):
    command = [sys.executable, "-c", WATCHED, tmp_path, *CASES]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, text=True, capture_output=True, env=environment, check=True)
    for said, expected in zip(done.stdout.splitlines(), CASES.values(), strict=True):
        assert expected in said


def test_readers_of_bytes_have_seeds_of_bytes():
    readers = [reader for reader in find_readers().values() if reader.from_bytes]
    assert len(readers) > 10
    for reader in readers:
        assert all(isinstance(seed, bytes) and seed for seed in reader.corpus()), reader.name


@pytest.mark.slow
def test_no_reader_does_more_than_read_or_refuse(tmp_path):
    command = [sys.executable, "-m", "tests.fuzz", "--cases", "25", "--write", "counts.csv"]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len((tmp_path / "counts.csv").read_text().splitlines()) > 20
