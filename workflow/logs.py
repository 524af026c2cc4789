"""What a job says: on the terminal and in its log file, errors in one clear line."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


class _Tee:
    """Write to two streams; of a progress bar's redrawn line the log keeps the last state."""

    def __init__(self, terminal: TextIO, log: TextIO) -> None:
        self.terminal, self.log, self.line = terminal, log, ""

    def write(self, text: str) -> int:
        self.terminal.write(text)
        self.line += text
        *complete, self.line = self.line.split("\n")
        for line in complete:
            self.log.write(line.rsplit("\r", 1)[-1] + "\n")
        self.line = self.line.rsplit("\r", 1)[-1]
        return len(text)

    def flush(self) -> None:
        self.terminal.flush()
        self.log.flush()

    def isatty(self) -> bool:
        return self.terminal.isatty()


@contextmanager
def logged(path: str) -> Iterator[None]:
    """Copy standard error to a log file, and end the process with one line on bad input.

    The message of a ``ValueError`` or ``OSError`` inside goes to the terminal, its traceback to
    the log.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    terminal = sys.stderr
    with open(path, "w") as log:
        sys.stderr = _Tee(terminal, log)
        try:
            yield
        except (ValueError, OSError) as error:
            traceback.print_exc(file=log)
            print(f"\nerror: {error}\n(traceback in {path})", file=terminal)
            raise SystemExit(1) from None
        finally:
            sys.stderr = terminal
