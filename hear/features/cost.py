"""Cost of stored features: the model's computing time by view and machine.

The file lies beside the features and is not hashed: two runs give the same features in different
times. It has one entry per machine; a view that two machines computed has two:

    [{"machine": ..., "device": "cpu", "mkl": "fast", "threads": 1, "audio_s": 250, "seconds": 5}]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SUMS = ("audio_s", "seconds")
CPU = "cpu"  # a device; others go by their names


class Meter:
    """Computing time of a model's calls in one split, by view.

    On a CPU: CPU seconds of this process and of the model's worker (``elsewhere_s``), without those
    of read-ahead threads, divided among views in proportion to the calling thread's CPU time. On
    another device: wall-clock seconds of the calls.
    """

    def __init__(self, device: str, elsewhere_s: Callable[[], float]) -> None:
        self._on_cpu = device == CPU
        self._elsewhere_s = elsewhere_s
        self._start_s = time.process_time() + elsewhere_s()
        self._reading_s: list[float] = []
        self._calls_s: dict[str, float] = {}

    def read(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in a read-ahead thread, whose CPU seconds are excluded."""
        start_s = time.thread_time()
        try:
            return function(*arguments)
        finally:
            self._reading_s.append(time.thread_time() - start_s)

    @contextmanager
    def call(self, view: str) -> Iterator[None]:
        """Attribute the time of the ``with`` block to a view."""
        clock = time.thread_time if self._on_cpu else time.perf_counter
        start_s = clock()
        yield
        self._calls_s[view] = self._calls_s.get(view, 0.0) + clock() - start_s

    def seconds(self) -> dict[str, float]:
        """Seconds of each view so far; call it after read-ahead threads have ended."""
        if not self._on_cpu:
            return dict(self._calls_s)
        used_s = time.process_time() + self._elsewhere_s() - self._start_s - sum(self._reading_s)
        of_calls_s = sum(self._calls_s.values())
        return {view: used_s * mine_s / of_calls_s for view, mine_s in self._calls_s.items()}


def add_cost(costs: list[dict], cost: Mapping[str, Any]) -> None:
    """Add a split's cost to the entry of the same machine, or as a new entry."""
    for known in costs:
        if all(known[key] == value for key, value in cost.items() if key not in SUMS):
            for key in SUMS:
                known[key] += cost[key]
            return
    costs.append(dict(cost))
