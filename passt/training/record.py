"""Output of a training: history, record, and weights in half precision."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from passt.files import replace_file, sha256_file
from passt.lengths import SAMPLE_RATE_HZ
from passt.training.data import TaggedData
from passt.training.recipe import Recipe


@dataclass
class History:
    """Progress of a training, accumulated over interruptions."""

    step: int = 0  # done
    wall_s: float = 0.0  # in steps and validations
    cpu_s: float = 0.0  # likewise
    audio_s: float = 0.0  # of all crops
    loss_sum: float = 0.0  # of the running epoch
    curve: list[dict] = field(default_factory=list)  # one entry per epoch

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the clocks."""
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def stop(self) -> None:
        """Add the time since the clocks were last started or stopped."""
        wall, cpu = time.monotonic(), time.process_time()
        self.wall_s += wall - self._wall
        self.cpu_s += cpu - self._cpu
        self._wall, self._cpu = wall, cpu

    def restore(self, stored: dict) -> None:
        """Go back to a stored history; ValueError for other keys or kinds of values."""
        kinds = {key: type(value) for key, value in asdict(self).items()}
        if {key: type(value) for key, value in stored.items()} != kinds:
            raise ValueError(f"history: expected {', '.join(kinds)}, found {stored!r:.200}")
        for key, value in stored.items():
            setattr(self, key, value)

    def add(self, waveforms: Tensor, loss: Tensor) -> None:
        """Count a step."""
        self.step += 1
        self.audio_s += waveforms.numel() / SAMPLE_RATE_HZ
        self.loss_sum += float(loss)


def make_record(
    recipe: Recipe, data: TaggedData, history: History, n_parameters: int, machine: dict
) -> dict:
    """JSON-serializable description of a finished training; ``machine``: device and precision."""
    counts = {"train": len(data.train), "valid": len(data.valid)}
    facts = {"sha256": data.sha256, "origin": data.origin, "n_clips": counts, "tags": data.tags}
    prevalence = data.valid.targets.mean(axis=0)
    start = recipe.initial_weights
    versions = {"torch": torch.__version__, "numpy": np.__version__}
    record = {
        "recipe": asdict(recipe),
        "initial_weights_sha256": sha256_file(Path(start)) if start else None,
        "differs_from_paper": recipe.deviations(),
        "data": facts,
        "n_parameters": n_parameters,
        "steps": history.step,
        "clips_seen": history.step * recipe.batch_size,
        "audio_hours": round(history.audio_s / 3600, 3),
        "wall_s": round(history.wall_s, 1),
        "cpu_s": round(history.cpu_s, 1),
        **machine,
        "threads": torch.get_num_threads(),
        "validation_chance": float(prevalence[prevalence > 0].mean()),  # mAP of random scores
        "curve": history.curve,
        "versions": {"python": platform.python_version(), **versions},
    }
    # Lists for tuples, null for NaN, as whoever reads it finds it.
    return json.loads(json.dumps(record), parse_constant=lambda name: None)


def write_results(directory: Path, weights: dict[str, Tensor], record: dict) -> None:
    """Write ``weights.safetensors`` in float16, then ``record.json`` with its hash."""
    half = {name: tensor.half().cpu().contiguous() for name, tensor in weights.items()}
    facts = {key: record["recipe"][key] for key in ("hop", "num_heads", "seed")}
    facts["recipe"] = record["recipe"]["name"]
    tags = "\n".join(record["data"]["tags"])
    facts["tags_sha256"] = hashlib.sha256(tags.encode()).hexdigest()
    # One entry: safetensors stores several in an order that changes from run to run.
    content = save(half, metadata={"passt": json.dumps(facts, sort_keys=True)})
    record["weights_sha256"] = hashlib.sha256(content).hexdigest()
    replace_file(directory / "weights.safetensors", lambda path: path.write_bytes(content))
    text = json.dumps(record, indent=1) + "\n"
    replace_file(directory / "record.json", lambda path: path.write_text(text))
