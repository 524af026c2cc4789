"""Variants of PaSST as data: which levels of which views, in which order.

A *view* is what one pass over the audio sees: ``scene``, ``rf160`` (windows of 160 ms around each
timestamp), ``mel`` (the front end alone). A *component* is one level of one view. An *embedding*
is an ordered list of components; its canonical name is what identical embeddings share.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from passt.architecture import Architecture

LEVELS = "LMH"  # mel, features, logits: the paper's section 4.3; also the order in names
_NAME = re.compile(r"(?P<checkpoint>[A-Za-z0-9_]+)\.(?P<views>[a-z0-9+]+)\.(?P<levels>[A-Z]+)")
_VIEW = re.compile(r"scene|mel|rf[1-9][0-9]*")


@dataclass(frozen=True)
class Variant:
    """One PaSST model of the study; other values than the comments say are a ValueError."""

    checkpoint: str  # id
    levels: str  # subset of LEVELS in that order
    receptive_fields_ms: tuple[int, ...] = (160,)  # ascending whole numbers; empty for L alone

    def __post_init__(self) -> None:
        if not self.levels or self.levels != "".join(x for x in LEVELS if x in self.levels):
            raise ValueError(
                f"levels: expected a subset of {LEVELS!r} in this order, found {self.levels!r}"
            )
        fields = self.receptive_fields_ms
        whole = all(type(ms) is int and ms > 0 for ms in fields)  # True and 160.0 are none
        if not whole or list(fields) != sorted(set(fields)):
            raise ValueError(
                "receptive_fields_ms: expected ascending positive whole numbers of ms, "
                f"found {list(fields)}"
            )
        if self.levels != "L" and not fields:
            raise ValueError(f"receptive_fields_ms: levels {self.levels} need at least one")

    @property
    def scene_embedding(self) -> str | None:
        """Canonical name of the scene embedding, None for L alone.

        L and further receptive fields act on timestamps only: every released module's scene
        embedding is of the whole clip (hear21passt 0.0.26, ``base2levelmel.py``).
        """
        levels = self.levels.replace("L", "")
        return f"{self.checkpoint}.scene.{levels}" if levels else None

    @property
    def timestamp_embedding(self) -> str:
        """Canonical name of the timestamp embedding: receptive fields ascending, mel last."""
        views = [f"rf{ms}" for ms in self.receptive_fields_ms if self.levels != "L"]
        views += ["mel"] if "L" in self.levels else []
        return f"{self.checkpoint}.{'+'.join(views)}.{self.levels}"


@dataclass(frozen=True)
class Embedding:
    """An embedding by its canonical name, e.g. ``passt_hop10.rf160+mel.LM``."""

    checkpoint: str
    views: tuple[str, ...]
    levels: str

    @classmethod
    def parse(cls, name: str) -> Embedding:
        """Read a canonical name; another form, or an unknown view or level, is a ValueError."""
        if match := _NAME.fullmatch(name):
            views = tuple(match["views"].split("+"))
            if all(map(_VIEW.fullmatch, views)) and set(match["levels"]) <= {*LEVELS}:
                return cls(match["checkpoint"], views, match["levels"])
        raise ValueError(
            f"embedding {name!r}: expected checkpoint.view[+view].levels, "
            "e.g. passt_hop10.rf160+mel.LM"
        )

    @property
    def components(self) -> tuple[tuple[str, str], ...]:
        """(view, level) pairs in the order of the released concatenations.

        Per window the logits come before the features (``wrapper.py``, mode ``all``); the mel
        level is last (``base2levelmel.py``).
        """
        pairs = []
        for view in self.views:
            levels = "L" if view == "mel" else "HM"
            pairs += [(view, level) for level in levels if level in self.levels]
        return tuple(pairs)

    def size(self, architecture: Architecture) -> int:
        """Length of the embedding's vector."""
        return sum(architecture.size(level) for _, level in self.components)
