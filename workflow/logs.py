"""What a job says: on the terminal and in its log file, errors in one clear line.

The log file is also the record of the job's progress. Its first line says when and where the job
started, its last line is the progress bar as it stands, `FINISHED` at the end, and its time on the
disk is that of the job's last sign of life.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import TextIO

BEAT_S = 20.0  # between signs of life; chosen
SILENT_S = 90.0  # without one: killed; chosen, some beats and what a shared file system lags
TAIL_BYTES = 4096  # of a log that are read; chosen, a line of a progress bar has hundreds
FINISHED = "finished"
STARTED = re.compile(r"started (\S+) on (.*)")
BAR = re.compile(r".*?(\d+)%\|.*\| .* \[")  # of tqdm


@dataclass(frozen=True)
class JobLog:
    """What the log file of a job says, by whatever process it was started.

    ``seconds`` is the time from the start to the last sign of life. ``last_line`` is the last line
    with text, ``share`` the part of the progress bar that is filled, None if there is no bar now.
    """

    path: Path
    host: str
    seconds: float
    silent_s: float
    last_line: str
    share: float | None

    @property
    def is_finished(self) -> bool:
        """True if the job came to its end."""
        return self.last_line == FINISHED

    @property
    def is_running(self) -> bool:
        """True if the job has not come to its end and was alive a moment ago."""
        return not self.is_finished and self.silent_s < SILENT_S


def read_log(path: Path) -> JobLog | None:
    """Read what :func:`logged` has written; None if it is not from there."""
    with open(path, "rb") as stream:
        status = os.fstat(stream.fileno())
        first = STARTED.fullmatch(stream.readline().decode(errors="replace").rstrip("\n"))
        stream.seek(max(0, status.st_size - TAIL_BYTES))
        text = stream.read().decode(errors="replace")
    if first is None:
        return None
    began_s = datetime.fromisoformat(first[1]).timestamp()
    bar = BAR.match(text.rpartition("\n")[2])
    return JobLog(
        path,
        first[2],
        seconds=max(0.0, status.st_mtime - began_s),
        silent_s=time.time() - status.st_mtime,
        last_line=text.rstrip().rpartition("\n")[2],
        share=int(bar[1]) / 100 if bar else None,
    )


class _Tee:
    """Write to two streams; of a progress bar's redrawn line the log has the last state."""

    def __init__(self, terminal: TextIO, log: TextIO) -> None:
        self.terminal, self.log, self.line = terminal, log, ""
        self.complete = log.tell()  # where the lines that are complete end

    def write(self, text: str) -> int:
        self.terminal.write(text)
        *lines, self.line = (self.line + text).split("\n")
        self.line = self.line.rpartition("\r")[2]
        self.log.seek(self.complete)
        self.log.writelines(line.rpartition("\r")[2] + "\n" for line in lines)
        self.complete = self.log.tell()
        self.log.write(self.line)
        self.log.truncate()
        self.log.flush()
        return len(text)

    def end(self) -> None:
        """Leave the log where a new line begins."""
        self.log.seek(0, os.SEEK_END)
        self.log.write("\n" if self.line else "")

    def flush(self) -> None:
        self.terminal.flush()

    def isatty(self) -> bool:
        return self.terminal.isatty()


@contextmanager
def logged(path: str) -> Iterator[None]:
    """Copy standard error to a log file, and end the process with one line on bad input.

    The message of a ``ValueError`` or ``OSError`` inside goes to the terminal, its traceback to
    the log. Any other error is ours: its traceback goes to both.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    terminal = sys.stderr
    with open(path, "w", encoding="utf-8", errors="backslashreplace") as log, _alive(path):
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        log.write(f"started {now} on {platform.node()}\n")
        log.flush()
        sys.stderr = tee = _Tee(terminal, log)
        try:
            yield
            tee.end()
            log.write(f"{FINISHED}\n")
        except (ValueError, OSError) as error:
            tee.end()
            traceback.print_exc(file=log)
            print(f"\nerror: {error}\n(traceback in {path})", file=terminal)
            raise SystemExit(1) from None
        except Exception:
            tee.end()
            traceback.print_exc(file=log)
            raise
        finally:
            sys.stderr = terminal


@contextmanager
def _alive(path: str) -> Iterator[None]:
    """Renew a file's time until the block ends."""
    done = Event()

    def beat() -> None:
        while not done.wait(BEAT_S):
            with suppress(OSError):  # someone may have removed it
                os.utime(path)

    Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        done.set()
