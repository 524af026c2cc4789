"""Caller: runs a model's embedding function on generated sounds; findings of its checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from hear.api.model import HearModel

FUNCTIONS = {"scene": "get_scene_embeddings", "event": "get_timestamp_embeddings"}
SIZES = {"scene": "scene_embedding_size", "event": "timestamp_embedding_size"}


@dataclass
class Findings:
    """Findings of the checks, as sentences."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)

    def error(self, text: str) -> None:
        """Add a finding that makes scores wrong or impossible."""
        self.errors += [text] if text not in self.errors else []

    def warn(self, text: str) -> None:
        """Add a finding that the API allows but that may lower scores."""
        self.warnings += [text] if text not in self.warnings else []

    def ok(self, text: str) -> None:
        """Add a passed check."""
        self.passed.append(text)


class Caller:
    """One embedding function of one model, called with generated sounds."""

    def __init__(self, model: HearModel, kind: str, size: int) -> None:
        self.model = model
        self.kind = kind
        self.size = size
        self.name = FUNCTIONS[kind]
        self.sample_rate = model.sample_rate

    def call(self, given: Tensor) -> Any:
        """Return the function's unmodified result; the function may write to its input."""
        with torch.no_grad():
            return self.model.call(self.name, given)

    def embed(self, audio: Tensor) -> Tensor:
        """The embeddings alone, detached, on the CPU."""
        returned = self.call(audio.clone())
        embeddings = returned if self.kind == "scene" else returned[0]
        return embeddings.detach().cpu()

    def timestamps(self, audio: Tensor) -> Tensor:
        """The timestamps of the first sound in ms, float64 on the CPU."""
        return self.call(audio.clone())[1][0].detach().cpu().double()

    def noise(self, n_sounds: int, duration_s: float, seed: int = 0) -> Tensor:
        """White noise in [-0.5, 0.5], the same for the same seed."""
        generator = torch.Generator().manual_seed(seed)
        shape = (n_sounds, round(duration_s * self.sample_rate))
        return torch.rand(shape, generator=generator) - 0.5


def difference(first: Tensor, second: Tensor) -> float:
    """Norm of the difference relative to the larger norm; infinite if the shapes differ."""
    if first.shape != second.shape:
        return float("inf")
    scale = max(float(first.double().norm()), float(second.double().norm()), 1e-12)
    return float((first.double() - second.double()).norm()) / scale
