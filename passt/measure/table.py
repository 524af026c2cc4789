"""Cost of PaSST on a machine: sequence lengths, training and inference speed, memory.

Measures the rows of the paper's Table 2 and the PaSST part of its Figure 3, with the training step
of `passt.training` and the embedder, on 10 s of noise in memory. Timings include mel front end,
Patchout, network, loss and AdamW, but not the reading of clips.

Conventions: hop in ms as in the paper ("hop 3" is 3.125 ms). Speed in clips of 10 s per second: the
batch size over the median duration of a step. Memory in MiB: the increase of a training step's peak
per additional clip in the batch, of tensors on a GPU and of the resident set on a CPU.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from tqdm import tqdm

from passt.architecture import N_TOKENS
from passt.measure.networks import (
    PATCHOUTS,
    Settings,
    TenSeconds,
    has_own_inference,
    recipe_of,
    sequence_length,
)
from passt.measure.one import measure_apart
from passt.mkl import take_fast_path

PAPER_HOP_MS = {"hop10": 10, "hop5": 5, "hop3": 3}  # the paper's names of the hops
Row = dict[str, Any]
COLUMNS = (
    "hop_ms", "hop", "quantity", "value", "unit", "source", "patchout", "device", "threads",
    "precision", "batch_size", "architecture",
)  # fmt: skip


def measure(settings: Settings, mkl_fast_path: bool = False, progress: bool = True) -> list[Row]:
    """Measure the networks of Table 2 and Figure 3; return rows with the keys `COLUMNS`.

    Each in a process forked from this one, which computes with one thread from here on. ``source``
    is ``run``, ``patchout`` as in `recipe_of`. Speeds and memory depend on the machine
    and its load. MeasureError names the network whose measurement failed.
    """
    torch.set_num_threads(1)  # a pool of several would not survive the fork
    if mkl_fast_path:
        take_fast_path()
    networks = [(hop, patchout) for hop, kinds in PATCHOUTS.items() for patchout in kinds]
    rows = []
    for hop, patchout in tqdm(networks, "networks", disable=not progress, file=sys.stderr):
        recipe = recipe_of(hop, patchout, settings)
        found = measure_apart(recipe, settings, f"{hop}, patchout {patchout}")
        rows += _rows(hop, patchout, recipe, settings, found)
    return rows + _speedups(rows)


def _rows(
    hop: str, patchout: str, recipe: TenSeconds, settings: Settings, found: dict
) -> list[Row]:
    """Tidy rows of one network."""
    patches = sequence_length(recipe)
    quantities = {
        "sequence_length": (patches, "patches"),
        "sequence_length_with_tokens": (patches + N_TOKENS, "patches and tokens"),
        "train_samples_per_s": (found["train_samples_per_s"], "1/s"),
        "train_memory_per_sample": (found["train_memory_per_sample_mib"], "MiB"),
    }
    if has_own_inference(recipe):
        quantities["inference_samples_per_s"] = (found["inference_samples_per_s"], "1/s")
    facts = {"hop_ms": PAPER_HOP_MS[hop], "hop": recipe.hop, "source": "run", "patchout": patchout}
    size = f"{recipe.embed_dim} wide, {recipe.depth} blocks, {recipe.num_heads} heads"
    facts |= {key: found[key] for key in ("device", "precision")}
    facts |= {"threads": settings.threads, "batch_size": recipe.batch_size, "architecture": size}
    rows = [
        facts | {"quantity": quantity, "value": value, "unit": unit}
        for quantity, (value, unit) in quantities.items()
    ]
    return [{column: row[column] for column in COLUMNS} for row in rows]


def _speedups(rows: list[Row]) -> list[Row]:
    """Rows of the training speed with structured Patchout over that without, per hop."""
    speeds = [row for row in rows if row["quantity"] == "train_samples_per_s"]
    base = {row["hop_ms"]: row["value"] for row in speeds if row["patchout"] == "none"}
    return [
        row | {"quantity": "train_speedup", "unit": "", "value": row["value"] / base[row["hop_ms"]]}
        for row in speeds
        if row["patchout"] == "structured"
    ]
