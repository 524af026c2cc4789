"""Order of task categories in figures and tables."""

from __future__ import annotations

from collections.abc import Iterable

CATEGORIES = ("general", "music", "speech")  # the paper's three, in its figures' order
ALL = "all"  # category of what is over all tasks


def ordered_categories(categories: Iterable[str]) -> list[str]:
    """Return the categories present: the paper's three in its order, then others by name."""
    present = set(categories)
    return [c for c in CATEGORIES if c in present] + sorted(present - set(CATEGORIES))
