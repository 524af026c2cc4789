"""Downstream probes, and the fraction of the training part that they use, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hear.protocol import Protocol
from hear.tasks.problems import EMBEDDING_TYPES


@dataclass(frozen=True)
class Probe:
    """A downstream classifier.

    Attributes
    ----------
    name, label : str
        Name in configs and paths; label on exhibits.
    kinds : tuple of str
        Kinds of tasks that it supports.
    fixed : mapping
        Protocol values that override study and task; the rest of the grid is kept where it
        applies.
    is_trained : bool
        If false, it draws no random numbers, has no seed, and uses only the protocol's metric.
    """

    name: str
    label: str
    kinds: tuple[str, ...] = EMBEDDING_TYPES
    fixed: Mapping[str, Any] = field(default_factory=dict)
    is_trained: bool = True

    def protocol(self, of_task: Protocol) -> Protocol:
        """Adapt a task's protocol, resolved by ``Protocol.for_task``, to this probe."""
        return dataclasses.replace(of_task, **self.fixed)


NO_LAYER = {"hidden_layers": (0,)}
PROBES = {
    probe.name: probe
    for probe in (
        Probe("mlp", "MLP"),  # heareval's
        Probe("linear", "linear", fixed=NO_LAYER),
        Probe("knn", "kNN", ("scene",), NO_LAYER, is_trained=False),
    )
}


@dataclass(frozen=True)
class Evaluation:
    """A probe and the fraction of each fold's training part that it uses."""

    probe: Probe
    train_fraction: float = 1.0

    @property
    def name(self) -> str:
        """Name in paths: ``mlp``, ``linear-train0.2``."""
        share = "" if self.train_fraction == 1 else f"-train{self.train_fraction}"
        return f"{self.probe.name}{share}"

    @property
    def has_seed(self) -> bool:
        """True if predictions depend on a seed: of the training, or of the drawn clips."""
        return self.probe.is_trained or self.train_fraction < 1

    @property
    def plain(self) -> dict[str, Any]:
        """The evaluation in plain types, as jobs receive it."""
        return {"probe": self.probe.name, "train_fraction": self.train_fraction}

    @property
    def facts(self) -> dict[str, Any]:
        """Entries for the provenance of predictions; none for heareval's own evaluation."""
        return {} if self == REFERENCE else self.plain


REFERENCE = Evaluation(PROBES["mlp"])
