"""Progress line on standard error: redrawn on a terminal, printed rarely elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

REDRAWN_S, WRITTEN_S = 0.5, 30.0  # between two lines on a terminal, and in a log


class ProgressLine:
    """A line that shows progress and speed."""

    def __init__(self) -> None:
        self.began = self.shown = time.monotonic()

    def show(self, text: Callable[[float], str], is_end: bool = False) -> None:
        """Show ``text(seconds since the start)``, if an update is due or ``is_end``."""
        now, is_terminal = time.monotonic(), sys.stderr.isatty()
        if not is_end and now - self.shown < (REDRAWN_S if is_terminal else WRITTEN_S):
            return
        self.shown = now
        end = "    \r" if is_terminal and not is_end else "\n"
        print(text(max(now - self.began, 1e-3)), end=end, file=sys.stderr, flush=True)
