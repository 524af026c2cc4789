"""Variants of PaSST as data: the levels and views of an embedding, in order.

A *view* is the input of one pass over the audio: ``scene``, ``rf160`` (windows of 160 ms around
each timestamp), ``mel`` (the front end alone). A *component* is one level of one view. An
*embedding* is an ordered list of components; identical embeddings share a canonical name.

Levels are written in the order L, M@<block> with ascending blocks, M, H; each is optional and
occurs at most once. The values of an embedding have the order of the released code
(`Embedding.components`): in each window H, M@<block>, M, and L last. ``M@6`` is the mean of the two
tokens after block 6, through the network's final norm; M is the same after the last block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from passt.architecture import Architecture

LEVELS = "LMH"  # mel, features, logits: the paper's section 4.3; also the order in names
_BLOCK = "M@(?:0|[1-9][0-9]{0,8})"
_LEVEL = re.compile(f"L|{_BLOCK}|M|H")
_LEVELS = re.compile(f"(?=.)L?(?:{_BLOCK})*M?H?")
_NAME = re.compile(
    rf"(?P<checkpoint>[A-Za-z0-9_]+)\.(?P<views>[a-z0-9+]+)\.(?P<levels>{_LEVELS.pattern})"
)
_VIEW = re.compile(r"scene|mel|rf[1-9][0-9]*")


def split_levels(levels: str) -> tuple[str, ...]:
    """Levels in a text such as ``LM@3M@6H``; ValueError for unknown levels or a wrong order."""
    found = tuple(_LEVEL.findall(levels))
    blocks = blocks_of(found)
    if not _LEVELS.fullmatch(levels) or blocks != sorted(set(blocks)):
        raise ValueError(
            f"levels: expected some of {LEVELS!r} in this order, before M maybe those of blocks, "
            f"ascending (M@3M@6M), found {levels!r}"
        )
    return found


def blocks_of(levels: Iterable[str]) -> list[int]:
    """Block numbers of levels: 6 for ``M@6``; L, M and H have none."""
    return [int(block) for _, mark, block in (level.partition("@") for level in levels) if mark]


def levels_of(levels: str, depth: int) -> str:
    """Normalize levels for a network of ``depth`` blocks, in which M@<depth> is M.

    ValueError for a block that the network does not have, and for M together with M@<depth>.
    """
    found = split_levels(levels)
    for block in blocks_of(found):
        if not 1 <= block <= depth:
            raise ValueError(
                f"levels: {levels}: expected a block from 1 to {depth}, those of the network, "
                f"found {block}"
            )
    last = f"M@{depth}"
    if {last, "M"} <= {*found}:
        raise ValueError(f"levels: {levels}: expected M once, found it again as {last}")
    return "".join("M" if level == last else level for level in found)


@dataclass(frozen=True)
class Variant:
    """One PaSST model of the study; values that contradict the comments raise ValueError."""

    checkpoint: str  # id
    levels: str  # as in the module's docstring
    receptive_fields_ms: tuple[int, ...] = (160,)  # ascending whole numbers; empty for L alone

    def __post_init__(self) -> None:
        split_levels(self.levels)
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
    def blocks(self) -> tuple[int, ...]:
        """Block numbers among the levels, without the last block (M)."""
        return tuple(blocks_of(split_levels(self.levels)))

    @property
    def scene_embedding(self) -> str | None:
        """Canonical name of the scene embedding, None for L alone.

        L and receptive fields apply to timestamps only: in every released module, the scene
        embedding covers the whole clip (hear21passt 0.0.26, ``base2levelmel.py``).
        """
        levels = self.levels.replace("L", "")
        return f"{self.checkpoint}.scene.{levels}" if levels else None

    @property
    def timestamp_embedding(self) -> str:
        """Canonical name of the timestamp embedding: ascending receptive fields, then mel."""
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
        """Parse a canonical name; ValueError for a malformed name, an unknown view or level."""
        if match := _NAME.fullmatch(name):
            views = tuple(match["views"].split("+"))
            if all(map(_VIEW.fullmatch, views)):
                return cls(match["checkpoint"], views, match["levels"])
        raise ValueError(
            f"embedding {name!r}: expected checkpoint.view[+view].levels, "
            "e.g. passt_hop10.rf160+mel.LM"
        )

    @property
    def components(self) -> tuple[tuple[str, str], ...]:
        """(view, level) pairs in the order of the released concatenations.

        In each window, the logits come before the features (``wrapper.py``, mode ``all``), which
        are in ascending order of their blocks; the mel level is last (``base2levelmel.py``).
        """
        levels, pairs = split_levels(self.levels), []
        for view in self.views:
            kinds = "L" if view == "mel" else "HM"
            pairs += [(view, level) for kind in kinds for level in levels if level[0] == kind]
        return tuple(pairs)

    def size(self, architecture: Architecture) -> int:
        """Length of the embedding's vector."""
        return sum(architecture.size(level) for _, level in self.components)
