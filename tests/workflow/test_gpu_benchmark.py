"""The benchmark of a GPU runs through where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_part_runs_through_on_a_cpu(tmp_path):
    output = tmp_path / "gpu.csv"
    command = [sys.executable, "-m", "benchmarks.gpu", "--tiny", "--seconds", "0"]
    command += ["--parts", "embedding", "pipeline", "final_scores", "probes"]  # the rest: measure
    subprocess.run([*command, "--backend", "eager", "--output", output], cwd=ROOT, check=True)
    rows = pd.read_csv(output)
    assert rows["value"].notna().all()
    speeds = rows[rows["quantity"] == "embedding"]
    assert (speeds["value"] > 0).all() and (speeds["peak_share"] > 0).all()
    expected = speeds.set_index(["case", "precision", "compiled"]).index
    assert expected.is_unique and len(expected) == 2 * 4 * 2  # views, precisions, compiled or not
    deviation = rows[rows["quantity"] == "deviation"].groupby("precision")["value"].max()
    assert deviation["float32"] < 2e-5 < deviation["bfloat16"] < 0.2
    assert {"pipeline", "final score", "probe"} < set(rows["quantity"])
    assert not rows["busy"].notna().any()  # no GPU, nothing is claimed of one
