"""Injected faults: their page, and two trials of the command that runs more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.faults.__main__ import COLUMNS, FAULTS, OUTPUT, page

ROOT = Path(__file__).parents[2]


def rows(*trials: tuple) -> pd.DataFrame:
    return pd.DataFrame([(*trial, "machine", "versions") for trial in trials], columns=COLUMNS)


def test_the_page_counts_what_held_and_names_what_did_not():
    text = page(
        rows(
            ("damaged", "seed 0: a.npy", True, "", "put the file back"),
            ("damaged", "seed 1: b.npy", False, "b.npy is wrong", ""),
        )
    )
    (damaged,) = (line for line in text.splitlines() if line.startswith("| A file is damaged"))
    assert "| 2 | 1 of 2 |" in damaged
    assert text.count("| 0 | not run |") == len(FAULTS) - 1
    assert "- A file is damaged: `put the file back`" in text
    assert "- **Did not hold**: A file is damaged, seed 1: b.npy: b.npy is wrong" in text


def test_every_fault_was_tried_and_held():
    table = pd.read_csv(OUTPUT, keep_default_na=False)
    assert set(table["fault"]) == {*FAULTS} and table["held"].all()
    assert (table["fault"] == "kill_run").sum() >= 50
    assert page(table) == (ROOT / "docs" / "faults.md").read_text()


@pytest.mark.slow
def test_a_killed_run_and_a_damaged_file_cost_nothing(tmp_path):
    command = [sys.executable, "-m", "benchmarks.faults", "kill_run", "damaged"]
    command += ["--seeds", "1", "1", "--work", str(tmp_path / "work")]
    command += ["--output", str(tmp_path / "faults.csv")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout + done.stderr
    table = pd.read_csv(tmp_path / "faults.csv", keep_default_na=False)
    assert list(table["fault"]) == ["kill_run", "damaged"]
    assert table["held"].all(), done.stdout
