"""Measuring what PaSST costs: the paper's sequence lengths, and positive numbers of a tiny net."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from passt.measure.networks import (
    PATCHOUTS,
    MeasureError,
    Settings,
    recipe_of,
    sequence_length,
)
from passt.measure.one import measure_apart
from passt.measure.table import COLUMNS, measure
from passt.training.step import Trainer

TINY = Settings(embed_dim=16, depth=1, num_heads=1, batch_size=2, seconds=0.0, device="cpu")
AFTER_A_PEAK = f"""
import torch
from passt.measure.networks import Settings, recipe_of
from passt.measure.one import measure_network
grown = torch.ones(2**27)  # 512 MiB
del grown
settings = {TINY!r}
found = measure_network(recipe_of("hop10", "none", settings), settings)
print(found["train_memory_per_sample_mib"])
"""
PAPER = {  # Table 2, N-S: arXiv 2110.05069, Table 1; without the two tokens counted at 10 ms
    ("hop10", "none"): 1190 - 2,
    ("hop10", "structured"): 474 - 2,
    ("hop10", "unstructured"): 1188 - 400,
    ("hop10", "no overlap, structured"): 254 - 2,
    ("hop5", "none"): 2388,
    ("hop5", "structured"): 594,
    ("hop3", "none"): 3828,
    ("hop3", "structured"): 1014,
}


def test_every_network_is_listed() -> None:
    assert {(hop, kind) for hop, kinds in PATCHOUTS.items() for kind in kinds} == set(PAPER)


@pytest.mark.parametrize(("hop", "patchout"), PAPER)
def test_sequence_lengths_are_the_papers(hop: str, patchout: str) -> None:
    assert sequence_length(recipe_of(hop, patchout, TINY)) == PAPER[hop, patchout]


@pytest.mark.slow
@pytest.mark.parametrize("patchout", ("structured", "unstructured", "no overlap, structured"))
def test_a_training_step_sees_that_sequence(patchout: str) -> None:
    recipe = recipe_of("hop10", patchout, TINY)
    trainer, seen = Trainer(recipe, torch.zeros(1, 527, dtype=torch.bool).numpy(), "cpu"), []
    trainer.network.blocks[0].register_forward_hook(lambda _, x, y: seen.append(x[0].shape[1]))
    trainer.step(0, torch.randn(2, 320000), torch.zeros(2, 527))
    assert seen == [PAPER["hop10", patchout] + 2]


def test_rows_of_a_tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passt.measure.table.PATCHOUTS", {"hop10": ("none", "structured")})
    rows = measure(TINY, progress=False)
    assert all(tuple(row) == COLUMNS and row["value"] > 0 for row in rows)
    values = {(row["quantity"], row["patchout"]): row["value"] for row in rows}
    assert values["sequence_length_with_tokens", "none"] == 1190
    kinds = [values["train_samples_per_s", kind] for kind in ("structured", "none")]
    assert values["train_speedup", "structured"] == pytest.approx(kinds[0] / kinds[1])
    assert {row["device"][:4] for row in rows} == {"CPU:"}
    assert ("inference_samples_per_s", "structured") not in values  # the same network


TWO_THREADS = f"""
import dataclasses, torch
from passt.measure import table
torch.set_num_threads(2)
torch.ones(9, 9).cos()
table.PATCHOUTS = {{"hop10": ("none",)}}
rows = table.measure(dataclasses.replace({TINY!r}, threads=2), mkl_fast_path=True)
print({{row["threads"] for row in rows}})
"""


@pytest.mark.slow
def test_several_threads_are_measured_under_the_fast_path_too() -> None:
    code = f"from passt.measure.networks import Settings\n{TWO_THREADS}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "{2}\n", done.stderr


@pytest.mark.slow
def test_memory_is_measured_below_an_earlier_peak() -> None:
    done = subprocess.run([sys.executable, "-c", AFTER_A_PEAK], capture_output=True, text=True)
    assert float(done.stdout) > 0, done.stderr  # a new process: a used heap has room for a step


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(MeasureError, match="batch_size: expected at least 2, found 1"):
        Settings(batch_size=1)
    with pytest.raises(MeasureError, match="device: expected auto, cpu or cuda, found 'tpu'"):
        Settings(device="tpu")
    if not torch.cuda.is_available():
        settings = Settings(16, 1, 1, 2, 0.0, "cuda")
        with pytest.raises(MeasureError, match="hop 10: "):
            measure_apart(recipe_of("hop10", "none", settings), settings, "hop 10")
