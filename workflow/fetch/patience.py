"""How long to wait before a download is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_ASKED_S = 3600.0  # a server that asks for a longer pause gets this one


@dataclass
class Patience:
    """Exponential back-off with jitter.

    Parameters
    ----------
    attempts : int
        Tries in a row that bring no new byte before an address is given up; a long download that
        is dropped often but advances each time is never given up.
    first_s, longest_s : float
        The pause doubles from the first to the longest: with the defaults, eight tries span
        about five minutes, which a restarted server or router needs.
    random : random.Random
        Draws the jitter: half to the whole pause, so that many clients do not come back at once.
    sleep : callable
        Takes seconds.
    """

    attempts: int = 8
    first_s: float = 2.0
    longest_s: float = 120.0
    random: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], None] = time.sleep

    def pause_s(self, failures: int, asked_s: float | None = None) -> float:
        """Return the pause in seconds after ``failures`` (1, 2, ...) tries in vain.

        ``asked_s`` is what the server asked for (Retry-After); it is kept, up to an hour.
        """
        if asked_s is not None:
            return min(max(asked_s, 0.0), MAX_ASKED_S)
        longest_s = min(self.first_s * 2.0 ** (failures - 1), self.longest_s)
        return longest_s * self.random.uniform(0.5, 1.0)
