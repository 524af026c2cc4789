"""One case at a time: bounded in memory and time, no writing outside its folder, no commands."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_CPU_S = 10.0  # of one case; most take milliseconds
MAX_BYTES = 2**30  # that a case may ask for beyond what the process has
COMMANDS = {"os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen"}
CODE = {"pickle.find_class"}
# Where hostile names lead that are absolute; what C code writes raises no event.
OUTSIDE = tuple(
    f"{root}/{name}" for root in ("", "/tmp", "/etc") for name in ("escaped", "executed")
)
PATHS = {  # events of the file system: which of their arguments are paths, with the folder's place
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
}


class Fault(BaseException):
    """What a reader must not do; no ``except Exception`` hides it."""


@dataclass
class Reader:
    """One reader of the project.

    ``read`` takes a case and the empty folder in which it may write. ``refusals`` are the
    project's errors for what cannot be used, and ``named`` what one of their messages must hold at
    least one of. ``first_check`` says in words what a case must be to get past the reader's first
    check, ``is_past`` tells whether it is. ``cases`` is the strategy, ``seeds`` are cases to begin
    with; ``from_bytes`` makes a case of bytes, where a coverage-guided fuzzer may try. ``needs`` is
    a package without which the reader is skipped.
    """

    name: str
    cases: Any
    read: Callable[[Any, Path], object]
    refusals: tuple[type[Exception], ...]
    named: tuple[str, ...]
    first_check: str
    is_past: Callable[[Any], bool]
    seeds: list = field(default_factory=list)
    from_bytes: Callable[[bytes], Any] | None = None
    needs: str = ""

    def corpus(self) -> list[bytes]:
        """The seeds as a fuzzer of bytes begins with them: of several files the first."""
        firsts = [
            next(iter(seed.values())) if isinstance(seed, dict) else seed for seed in self.seeds
        ]
        return [first if isinstance(first, bytes) else first[1] for first in firsts]


@dataclass
class Counts:
    """What became of the cases of one reader."""

    cases: int = 0
    past: int = 0
    accepted: int = 0
    refused: int = 0
    longest_s: float = 0.0


class Watch:
    """Runs cases of one reader below a temporary folder; only one may exist in a process."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self.reader, self.counts = reader, Counts()
        self.inside, self._before = folder / "inside", {"inside", *os.listdir(folder)}
        self._is_on = False
        self._seen: list[str] = []
        tempfile.tempdir = str(self.inside)
        sys.dont_write_bytecode = True
        sys.addaudithook(self._audit)
        signal.signal(signal.SIGPROF, self._too_slow)

    def limit_memory(self) -> None:
        """Let this process have no more than `MAX_BYTES` beyond what it has now."""
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MAX_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))

    def run(self, case: Any) -> None:
        """Read one case; Fault for anything but an answer or a refusal."""
        shutil.rmtree(self.inside, ignore_errors=True)
        self.inside.mkdir()
        os.chdir(self.inside)
        self._seen.clear()
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, MAX_CPU_S)
        self._is_on = True
        refusal = None
        try:
            self.reader.read(case, self.inside)
        except self.reader.refusals as error:
            refusal = error
        except Fault:
            raise
        except BaseException as error:
            raise Fault(f"{type(error).__name__}: {error}"[:500]) from error
        finally:
            self._is_on = False
            signal.setitimer(signal.ITIMER_PROF, 0)
        left = sorted({*os.listdir(self.inside.parent)} - self._before)
        self._before.update(left)
        if left := [*left, *filter(os.path.lexists, OUTSIDE)]:
            self._seen.append(f"leaves outside its folder: {', '.join(left)}")
        if self._seen:
            raise Fault(self._seen[0])
        said = str(refusal)
        if refusal is not None and not any(name in said for name in self.reader.named):
            raise Fault(f"{type(refusal).__name__} names none of {self.reader.named}: {said[:300]}")
        counts = self.counts
        counts.cases += 1
        counts.past += bool(self.reader.is_past(case))
        counts.accepted += refusal is None
        counts.refused += refusal is not None
        counts.longest_s = max(counts.longest_s, time.process_time() - started)

    def _too_slow(self, *_: object) -> None:
        raise Fault(f"more than {MAX_CPU_S:g} s of CPU time")

    def _audit(self, event: str, args: tuple) -> None:
        if not self._is_on:
            return
        if event in COMMANDS or event in CODE:
            self._fault(f"{event}{args!r:.200}")
        elif event == "socket.connect" and args[1][0] != "127.0.0.1":
            self._fault(f"a connection to {args[1]}")
        elif event == "open":
            path, _, flags = args
            is_write = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if is_write and not isinstance(path, int):
                self._check(path, None)
        else:
            for place, folder in PATHS.get(event, ()):
                self._check(args[place], None if folder is None else args[folder])

    def _check(self, path: Any, folder: int | None) -> None:
        """A path, maybe relative to an open folder, lies inside."""
        if isinstance(path, int):
            return
        whole = os.fsdecode(path)
        if folder is not None and folder >= 0:
            whole = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), whole)
        whole = os.path.abspath(whole)
        real = os.path.join(os.path.realpath(os.path.dirname(whole)), os.path.basename(whole))
        if real != os.devnull and f"{real}/".startswith(f"{self.inside}/") is False:
            self._fault(f"writes outside its folder: {real[:200]}")

    def _fault(self, what: str) -> None:
        self._seen.append(what)
        raise Fault(what)
