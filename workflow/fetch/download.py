"""Download one file: resumed, patient, verified, and in its place only when it is complete."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from workflow.fetch.errors import AddressError, DownloadError, TransientError
from workflow.fetch.facts import NOTHING, Facts, facts_of
from workflow.fetch.http import TIMEOUT_S, Reply, open_url
from workflow.fetch.patience import Patience


def download(
    urls: Sequence[str],
    path: Path,
    expected: Facts = NOTHING,
    patience: Patience | None = None,
    timeout_s: float = TIMEOUT_S,
    progress: bool = True,
) -> tuple[Facts, str]:
    """Download a file from the first address that gives it.

    What has arrived is kept in `<path>.part` until the file is complete and verified; a later
    call goes on from there if it is certain that both ends belong to the same file: the server
    confirms it (If-Range), or a known hash will tell.

    Parameters
    ----------
    urls : sequence of str
        Addresses of the same file, the preferred one first.
    path : Path
        Where the file shall be; replaced if it exists.
    expected : Facts
        What is known of it.
    patience : Patience or None
        Back-off between tries.
    timeout_s : float
        Longest silence of a server before the connection counts as dropped.
    progress : bool
        Show a bar with rate and time left.

    Returns
    -------
    tuple of Facts and str
        Size and hashes found, and the address that gave the file.

    Raises
    ------
    DownloadError
        If no address gives the expected file: each address with the reason.
    OSError
        If the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(path, expected, progress)
    patience = patience or Patience()
    reasons = []
    for url in urls:
        try:
            facts = _from_one_address(url, part, patience, timeout_s)
        except AddressError as error:
            reasons.append(f"{url}: {error}")
            continue
        part.finish()
        return facts, url
    raise DownloadError("\n  ".join([f"{path.name} could not be downloaded:", *reasons]))


@dataclass(frozen=True)
class _Part:
    """What has arrived of a file, and beside it from where."""

    path: Path
    expected: Facts
    progress: bool

    @property
    def file(self) -> Path:
        return self.path.with_name(f"{self.path.name}.part")

    @property
    def state_file(self) -> Path:
        return self.path.with_name(f"{self.path.name}.part.json")

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    def state(self) -> dict:
        try:
            return json.loads(self.state_file.read_text())
        except (OSError, ValueError):
            return {}

    def say(self, text: str) -> None:
        if self.progress:
            tqdm.write(f"{self.path.name}: {text}", file=sys.stderr)

    def discard(self) -> None:
        self.file.unlink(missing_ok=True)
        self.state_file.unlink(missing_ok=True)

    def finish(self) -> None:
        os.replace(self.file, self.path)
        self.state_file.unlink(missing_ok=True)


def _from_one_address(url: str, part: _Part, patience: Patience, timeout_s: float) -> Facts:
    """Bring the whole file from one address and verify it; once more if it was pieced together."""
    while True:
        _receive_all(url, part, patience, timeout_s)
        facts = facts_of(part.file, part.progress)
        differences = part.expected.differences(facts)
        if not differences:
            return facts
        is_pieced = part.state().get("pieced", True)
        part.discard()
        if not is_pieced:
            raise AddressError("; ".join(differences))
        part.say(f"{'; '.join(differences)}; it was put together from pieces, so once more whole")


def _receive_all(url: str, part: _Part, patience: Patience, timeout_s: float) -> None:
    """Try until the file is complete."""
    failures, best = 0, part.size
    while True:
        try:
            return _receive(url, part, timeout_s)
        except TransientError as error:
            failures = 1 if part.size > best else failures + 1
            best = max(best, part.size)
            if failures >= patience.attempts:
                raise AddressError(f"{error}; {failures} tries without a new byte") from error
            pause_s = patience.pause_s(failures, error.wait_s)
            part.say(f"{error}; {part.size} bytes are here, again in {pause_s:.0f} s")
            patience.sleep(pause_s)


def _receive(url: str, part: _Part, timeout_s: float) -> None:
    """Ask once for what is missing."""
    size, state = part.size, part.state()
    validator = state.get("validator") if state.get("url") == url else None
    if size and not validator and not part.expected.has_hash:
        part.discard()  # nothing would tell whether the rest belongs to the same file
        size = 0
    if size and size == part.expected.size:
        return
    with open_url(url, size, validator, timeout_s) as reply:
        _check_total(reply, part, size)
        if size and reply.start == 0:
            part.say("the file has changed or the server cannot resume: from the start")
        entry = {"url": url, "validator": reply.validator, "pieced": reply.start > 0}
        part.state_file.write_text(json.dumps(entry))
        total = part.expected.size if reply.total is None else reply.total
        _write(reply, part, total)
    if total is not None and part.size < total:
        raise TransientError(f"the server sent {part.size} of {total} bytes")


def _check_total(reply: Reply, part: _Part, size: int) -> None:
    expected = part.expected.size
    if None not in (reply.total, expected) and reply.total != expected:
        raise AddressError(f"size: expected {expected} bytes, the server says {reply.total}")
    if reply.is_past_end and reply.total != size:
        part.discard()
        raise TransientError(f"{size} bytes were here, the server has {reply.total}: start again")


def _write(reply: Reply, part: _Part, total: int | None) -> None:
    bar = tqdm(
        desc=f"downloading {part.path.name}",
        total=total,
        initial=reply.start,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=not part.progress,
    )
    with bar, part.file.open("r+b" if part.file.exists() else "wb") as file:
        file.seek(reply.start)
        file.truncate()
        try:
            for piece in reply.pieces:
                file.write(piece)
                bar.update(len(piece))
                if total is not None and file.tell() > total:
                    part.discard()
                    raise AddressError(f"size: expected {total} bytes, the server sends more")
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                said = f"the disk is full; {part.size} bytes are kept, free some and start again"
                raise OSError(error.errno, said, str(part.file)) from error
            raise
