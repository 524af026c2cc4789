"""Output of a job on the terminal and in its log; errors as one clear line.

The log file also records the job's progress. Its first line gives the start time and machine, its
last line is the current progress bar, or `FINISHED` at the end, and its modification time is the
job's last sign of life. The open file is locked, because a process of a killed run may still be
working on the same job.
"""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import re
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import TextIO

FORMAT = warnings.formatwarning
BEAT_S = 20.0  # between signs of life; chosen
SILENT_S = 90.0  # without one: killed; chosen, some beats and what a shared file system lags
TAIL_BYTES = 4096  # of a log that are read; chosen, a line of a progress bar has hundreds
FINISHED = "finished"
STARTED = re.compile(r"started (\S+) on (.*)")
BAR = re.compile(r".*?(\d+)%\|.*\| .* \[")  # of tqdm
NEXT_STEPS = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EROFS: "make it writable",
    errno.EACCES: "make it readable and writable",
    errno.EPERM: "make it readable and writable",
    errno.EMFILE: "allow more open files (ulimit -n)",
}
OUT_OF_MEMORY = ("can't allocate memory", "CUDA out of memory", "Cannot allocate memory")  # torch's
MORE_MEMORY = "give the job more memory (its limit, mem_mb), or run fewer at once (--cores)"


@dataclass(frozen=True)
class JobLog:
    """State of a job according to its log file.

    ``seconds`` is the time from the start to the last sign of life. ``last_line`` is the last
    non-empty line, ``share`` the filled fraction of the progress bar, None if there is no bar.
    """

    path: Path
    host: str
    seconds: float
    silent_s: float
    last_line: str
    share: float | None

    @property
    def is_finished(self) -> bool:
        """True if the job has ended normally."""
        return self.last_line == FINISHED

    @property
    def is_running(self) -> bool:
        """True if the job has not ended and recently showed a sign of life."""
        return not self.is_finished and self.silent_s < SILENT_S


def read_log(path: Path) -> JobLog | None:
    """Read a log written by `logged`; None for other files."""
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
    """Write to two streams; the log keeps the last state of a redrawn progress bar.

    A log that cannot be written, on a full disk, does not fail the job.
    """

    def __init__(self, terminal: TextIO, log: TextIO) -> None:
        self.terminal, self.log, self.line = terminal, log, ""
        self.complete = 0  # where the lines that are complete end
        with suppress(OSError):
            self.complete = log.tell()

    def write(self, text: str) -> int:
        self.terminal.write(text)
        *lines, self.line = (self.line + text).split("\n")
        self.line = self.line.rpartition("\r")[2]
        with suppress(OSError):
            self.log.seek(self.complete)
            self.log.writelines(line.rpartition("\r")[2] + "\n" for line in lines)
            self.complete = self.log.tell()
            self.log.write(self.line)
            self.log.truncate()
            self.log.flush()
        return len(text)

    def end(self, text: str) -> None:
        """Write a last text to the log alone, where a new line begins."""
        with suppress(OSError):
            self.log.seek(0, os.SEEK_END)
            self.log.write(("\n" if self.line else "") + text)
            self.log.flush()

    def flush(self) -> None:
        self.terminal.flush()

    def isatty(self) -> bool:
        return self.terminal.isatty()


@contextmanager
def logged(path: str, inputs: Iterable[str] = ()) -> Iterator[None]:
    """Copy standard error to a log file, and end the process with one line on bad input.

    Modification times of ``inputs`` that lie in the future, after a clock was wrong, are set to
    now: otherwise Snakemake would fail the job, whose outputs are older, and remove those.

    For a ``ValueError`` or ``OSError`` in the block, too little memory, an interruption by the
    user, or code that ends the process, the terminal shows a message and the log the traceback. Any
    other error is a bug: its traceback goes to both. If another process works on the same job, the
    block waits for it. Warnings to users are shown without the line of code that gives them.
    """
    terminal, warnings.formatwarning = sys.stderr, _as_line
    try:
        with _opened(path) as log, _alive(path):
            sys.stderr = tee = _Tee(terminal, log)
            try:
                _leave_the_future(inputs)
                yield
                tee.end(f"{FINISHED}\n")
            except BaseException:
                tee.end(traceback.format_exc())
                raise
            finally:
                sys.stderr = terminal
    except KeyboardInterrupt:
        print(f"\ninterrupted (traceback in {path})", file=terminal)
        raise SystemExit(130) from None
    except SystemExit as error:  # of a model's code, maybe with status 0
        print(
            f"\nerror: a module has ended this process, by {error!r}; the job counts as failed "
            f"(traceback in {path})",
            file=terminal,
        )
        raise SystemExit(1) from None
    except Exception as error:
        if not (said := _in_words(error)):
            raise
        print(f"\nerror: {said}\n(traceback in {path})", file=terminal)
        raise SystemExit(1) from None
    finally:
        warnings.formatwarning = FORMAT


def _as_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    if category is UserWarning:
        return f"warning: {message}\n"
    return FORMAT(message, category, filename, lineno, line)


def _leave_the_future(paths: Iterable[str]) -> None:
    now = time.time()
    for path in paths:
        with suppress(OSError):  # another's file: Snakemake names it
            if os.stat(path).st_mtime > now:
                os.utime(path)
                print(f"{path}: modified in the future; the time is set to now", file=sys.stderr)


def _in_words(error: Exception) -> str:
    """An error and its remedy on one line; empty for a bug of this software."""
    text, step = str(error), ""
    if isinstance(error, MemoryError) or any(sign in text for sign in OUT_OF_MEMORY):
        return f"out of memory ({text.strip() or type(error).__name__}): {MORE_MEMORY}"
    if isinstance(error, OSError) and error.errno in NEXT_STEPS:
        step = f": {NEXT_STEPS[error.errno]}, then start again"
    return f"{text}{step}" if isinstance(error, ValueError | OSError) else ""


@contextmanager
def _opened(path: str) -> Iterator[TextIO]:
    """A log file with its first line, once no other process holds it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)  # what is there is another's until then
    log = open(file, "w", encoding="utf-8", errors="backslashreplace")
    try:
        _lock(file, path)
        with suppress(OSError):
            now = datetime.now().astimezone().isoformat(timespec="milliseconds")
            log.truncate(0)
            log.write(f"started {now} on {platform.node()}\n")
            log.flush()
        yield log
    finally:
        with suppress(OSError):  # the disk may be full
            log.close()


def _lock(file: int, path: str) -> None:
    """Lock a file until it is closed, also by death; nothing where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = "waiting for a process of an earlier run, which is still at work on this job"
        print(f"{path}: {said} (fuser names it)", file=sys.stderr)
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        pass


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
