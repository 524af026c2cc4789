"""The downstream probes and the share of the training part that one is given, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hear.protocol import Protocol

BOTH_KINDS = ("scene", "event")


@dataclass(frozen=True)
class Probe:
    """A downstream classifier.

    Attributes
    ----------
    name, label : str
        In configs and paths, and on exhibits.
    kinds : tuple of str
        Kinds of task that it can evaluate.
    fixed : mapping
        Values of the protocol that it fixes, whatever study and task say; the rest of the grid
        stays as far as it applies.
    is_trained : bool
        If false it draws no random number, has no seed, and of the protocol only the metric counts.
    """

    name: str
    label: str
    kinds: tuple[str, ...] = BOTH_KINDS
    fixed: Mapping[str, Any] = field(default_factory=dict)
    is_trained: bool = True

    def protocol(self, of_task: Protocol) -> Protocol:
        """Change a task's protocol, as ``Protocol.for_task`` resolves it, to this probe's."""
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
    """A probe that is given a share of each fold's training part."""

    probe: Probe
    train_fraction: float = 1.0

    @property
    def name(self) -> str:
        """In paths: ``mlp``, ``linear-train0.2``."""
        share = "" if self.train_fraction == 1 else f"-train{self.train_fraction}"
        return f"{self.probe.name}{share}"

    @property
    def has_seed(self) -> bool:
        """True if a seed changes predictions: of the training, or of the clips that are drawn."""
        return self.probe.is_trained or self.train_fraction < 1

    @property
    def facts(self) -> dict[str, Any]:
        """What stands in the provenance of predictions; nothing for heareval's own evaluation."""
        if self == REFERENCE:
            return {}
        return {"probe": self.probe.name, "train_fraction": self.train_fraction}


REFERENCE = Evaluation(PROBES["mlp"])
