"""Downloads of large files: resumed, retried, verified, with mirrors.

Requires only requests. Range requests follow RFC 9110, sections 13.1.5 (If-Range), 14 (Range) and
15 (status codes).
"""

from __future__ import annotations

import errno
import hashlib
import os
import random
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from passt.progress import ProgressLine

USER_AGENT = "passt-hear (https://arxiv.org/abs/2211.13956)"
CHUNK_BYTES = 2**16  # received at once; what a dropped connection loses is at most this
TIMEOUT_S = 60.0  # without a byte for so long, the connection counts as dropped
RETRIED = {408, 425, 429}  # request timeout, too early, too many requests; and all of 5xx
MAX_ASKED_S = 3600.0  # a server that asks for a longer pause gets this one
MAX_PAGE_BYTES = 4096  # of a web page, enough for its title


class DownloadError(ValueError):
    """A failed download; the message names the file, and each address tried with the reason."""


class _TransientError(Exception):
    """A temporary failure: dropped connection, busy server. ``wait_s`` is the requested pause."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _AddressError(Exception):
    """A permanent failure of one address: the next address is tried."""


@dataclass
class Backoff:
    """Exponential back-off with jitter.

    An address is abandoned after ``attempts`` consecutive tries without a new byte; a download that
    is often dropped but advances each time continues. The pause doubles from ``first_s`` to
    ``longest_s``. With the defaults, eight tries span about five minutes, enough for a server or
    router to restart. ``random`` scales each pause to between half and its full length, so that
    many clients do not return at once; ``sleep`` takes seconds.
    """

    attempts: int = 8
    first_s: float = 2.0
    longest_s: float = 120.0
    random: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], None] = time.sleep

    def pause_s(self, failures: int, asked_s: float | None = None) -> float:
        """Pause after 1, 2, ... failures, at least the pause the server asks for (up to 1 h)."""
        longest_s = min(self.first_s * 2.0 ** (failures - 1), self.longest_s)
        own_s = longest_s * self.random.uniform(0.5, 1.0)
        return max(own_s, min(asked_s or 0.0, MAX_ASKED_S))


def download(
    urls: Sequence[str],
    path: Path,
    expected: Mapping[str, int | str] | None = None,
    backoff: Backoff | None = None,
    timeout_s: float = TIMEOUT_S,
    progress: bool = True,
) -> tuple[dict[str, int | str], str]:
    """Download a file from the first of ``urls`` that serves it.

    Received bytes are kept in `<path>.part` until the file is complete and verified. A later call
    resumes from there if both parts are known to belong to the same file: a known hash verifies it,
    otherwise the server must confirm it (If-Range). An existing file at ``path`` is replaced.

    ``expected`` holds known facts of the file: ``size`` in bytes, ``md5``, ``sha256``
    (hexadecimal). Returns all three and the address that served the file. A server silent for
    ``timeout_s`` counts as disconnected. DownloadError lists each address with the reason; OSError
    reports that the disk is full or has too little space for the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part, reasons = _Part(path, expected or {}, progress), []
    for url in urls:
        try:
            found = _from_one_address(url, part, backoff or Backoff(), timeout_s)
        except _AddressError as error:
            reasons.append(f"{url}: {error}")
            continue
        os.replace(part.file, path)
        part.state_file.unlink(missing_ok=True)
        return found, url
    raise DownloadError("\n  ".join([f"{path.name} could not be downloaded:", *reasons]))


@contextmanager
def locked(path: Path, waiting: str = "") -> Iterator[None]:
    """Hold a lock file, released when its owner dies; print ``waiting`` if another owner has it.

    The file is removed at the end. On a file system without locks, the block runs unlocked, with a
    warning.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w")
    try:
        import fcntl  # Windows has none

        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(waiting, end="\n" if waiting else "", file=sys.stderr)
                waiting = ""  # said
                fcntl.flock(file, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    break
            former, file = file, path.open("w")  # its last owner has removed it
            former.close()
    except (ImportError, OSError) as error:
        print(f"{path}: continuing without a lock ({error})", file=sys.stderr)
    with file:
        try:
            yield
        finally:
            with suppress(OSError):  # Windows removes no open file
                path.unlink()


def hashes_of(path: Path) -> dict[str, int | str]:
    """Read a file once; return its ``size``, ``md5`` and ``sha256``."""
    hashed = _Hashed()
    hashed.read(path, path.stat().st_size)
    return hashed.result()


class _Hashed:
    """Hashes of the bytes seen so far."""

    def __init__(self) -> None:
        self.size, self.md5 = 0, hashlib.md5(usedforsecurity=False)
        self.sha256 = hashlib.sha256()

    def update(self, content: bytes) -> None:
        self.size += len(content)
        self.md5.update(content)
        self.sha256.update(content)

    def read(self, path: Path, size: int) -> None:
        """Take in a file's first bytes, up to ``size``."""
        with path.open("rb") as file:
            while content := file.read(min(2**20, size - self.size)):
                self.update(content)

    def result(self) -> dict[str, int | str]:
        hashes = {"md5": self.md5.hexdigest(), "sha256": self.sha256.hexdigest()}
        return {"size": self.size, **hashes}


class _Part:
    """The received part of a file."""

    def __init__(self, path: Path, expected: Mapping[str, int | str], progress: bool) -> None:
        self.path, self.expected, self.progress = path, expected, progress
        self.file = path.with_name(f"{path.name}.part")
        self.state_file = path.with_name(f"{path.name}.part.from")  # address and validator
        self.has_hash = bool(expected.keys() & {"md5", "sha256"})
        self.is_in_one_piece = False
        self.hashed = _Hashed()

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    def validator(self, url: str) -> str | None:
        """Validator (ETag or date) that an address sent with the received part."""
        if not self.state_file.exists():
            return None
        source, _, validator = self.state_file.read_text().partition("\n")
        return validator if source == url else None

    def say(self, text: str) -> None:
        if self.progress:
            print(f"{self.path.name}: {text}", file=sys.stderr)

    def hash_first(self, size: int) -> None:
        """Make the hashes cover the first ``size`` bytes; read them again only if necessary."""
        if self.hashed.size != size:
            self.hashed = _Hashed()
            self.hashed.read(self.file, size)

    def discard(self) -> None:
        self.file.unlink(missing_ok=True)
        self.state_file.unlink(missing_ok=True)


def _from_one_address(url: str, part: _Part, backoff: Backoff, timeout_s: float) -> dict:
    """Download and verify the file from one address; start over once if a resumed file is bad."""
    while True:
        _receive_all(url, part, backoff, timeout_s)
        part.hash_first(part.size)
        found = part.hashed.result()
        differences = "; ".join(
            f"{kind}: expected {value}, found {found[kind]}"
            for kind, value in part.expected.items()
            if value != found[kind]
        )
        if not differences:
            return found
        part.discard()
        if part.is_in_one_piece:
            raise _AddressError(differences)
        part.say(f"{differences}; the file was resumed, so it is downloaded again as a whole")


def _receive_all(url: str, part: _Part, backoff: Backoff, timeout_s: float) -> None:
    """Request the missing bytes until the file is complete."""
    failures, best = 0, part.size
    while True:
        try:
            return _receive(url, part, timeout_s)
        except _TransientError as error:
            failures = 1 if part.size > best else failures + 1
            best = max(best, part.size)
            if failures >= backoff.attempts:
                raise _AddressError(f"{error}; {failures} tries without a new byte") from error
            pause_s = backoff.pause_s(failures, error.wait_s)
            part.say(f"{error}; {part.size} bytes are here, again in {pause_s:.0f} s")
            backoff.sleep(pause_s)


def _receive(url: str, part: _Part, timeout_s: float) -> None:
    """Request the missing bytes once."""
    validator = None if part.has_hash else part.validator(url)
    if not validator and not part.has_hash:
        part.discard()  # nothing would tell whether the rest belongs to the same file
    size, headers = part.size, {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if size and size == part.expected.get("size"):
        return
    if size:
        headers |= {"Range": f"bytes={size}-"} | ({"If-Range": validator} if validator else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeout_s) as response:
            _take(response, url, part, size)
    except HTTPError as error:  # of the body, which is read below requests
        raise _TransientError(f"the connection was dropped ({_innermost(error)})") from error
    except requests.RequestException as error:
        is_lost = isinstance(error, requests.ConnectionError | requests.Timeout)
        if is_lost and not isinstance(error, requests.exceptions.SSLError):
            raise _TransientError(_innermost(error)) from error
        raise _AddressError(_innermost(error)) from error
    except ValueError as error:  # requests and urllib3 do not catch all that parsing raises
        raise _AddressError(f"the server's answer is malformed ({_innermost(error)})") from error


def _take(response: requests.Response, url: str, part: _Part, size: int) -> None:
    """Write a server's response to a request for the bytes from ``size`` on."""
    start, total = _position(response, size)
    known = part.expected.get("size")
    wanted = total if known is None else int(known)
    if total not in (None, wanted):
        raise _AddressError(f"size: expected {wanted} bytes, the server says {total}")
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind == "application/json" and part.path.suffix != ".json":
        raise _AddressError("expected the file, found its description in JSON")
    if response.status_code == 416:  # nothing is there from this byte on
        if total != size:
            part.discard()
            raise _TransientError(f"{size} bytes were here, the server has {total}: start again")
        return
    if start < size:
        part.say("the file has changed or the server cannot resume: from the start")
    if wanted is not None and wanted - start > shutil.disk_usage(part.path.parent).free:
        said = f"the disk has no room for {wanted - start} more bytes"
        raise OSError(errno.ENOSPC, said, str(part.file))
    if not part.has_hash:
        etag = response.headers.get("ETag", "W/")  # a weak one does not promise the same bytes
        confirms = response.headers.get("Last-Modified", "") if etag.startswith("W/") else etag
        part.state_file.write_text(f"{url}\n{confirms}")
    part.is_in_one_piece = start == 0
    _write(response, part, start, wanted)
    if wanted is not None and part.size < wanted:
        raise _TransientError(f"the server sent {part.size} of {wanted} bytes")


def _position(response: requests.Response, size: int) -> tuple[int, int | None]:
    """Position of a response's first byte in the file, and the file's size if it is stated."""
    status, headers = response.status_code, response.headers
    if status != 200 and not (size and status in (206, 416)):
        said = f"the server says {status} {response.reason}"
        if status in RETRIED or status >= 500:
            raise _TransientError(said, _retry_after_s(headers.get("Retry-After")))
        raise _AddressError(said)
    if headers.get("Content-Type", "").startswith("text/html"):
        raise _AddressError(f"expected the file, found a web page{_title(response)}")
    if status == 200:
        return 0, _whole_number(headers.get("Content-Length", ""))
    stated = headers.get("Content-Range", "")
    if status == 416:
        return size, _whole_number(stated.rpartition("/")[2])
    match = re.fullmatch(r"bytes ([0-9]{1,19})-[0-9]+/([0-9]+|\*)", stated)
    if match is None or int(match[1]) > size:
        raise _AddressError(f"expected bytes from {size} on, found Content-Range {stated!r}")
    return int(match[1]), _whole_number(match[2])


def _write(response: requests.Response, part: _Part, start: int, total: int | None) -> None:
    """Write a response's bytes from position ``start`` on, and hash them."""
    part.file.touch()
    part.hash_first(start)
    shown = _Progress(part.path.name, start, total)
    try:
        with part.file.open("r+b") as file:
            file.seek(start)
            file.truncate()
            # As it was sent: servers label .tar.gz files as encoded, and what is decoded has
            # neither the announced length nor the published hash.
            for content in response.raw.stream(CHUNK_BYTES, decode_content=False):
                file.write(content)
                part.hashed.update(content)
                if part.progress:
                    shown.show_bytes(part.hashed.size)
                if total is not None and part.hashed.size > total:
                    part.discard()
                    raise _AddressError(f"size: expected {total} bytes, the server sends more")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            said = f"the disk is full; {part.size} bytes are kept, free some and start again"
            raise OSError(error.errno, said, str(part.file)) from error
        raise
    finally:
        if part.progress:
            shown.show_bytes(part.hashed.size, is_end=True)


class _Progress(ProgressLine):
    """Bytes, rate and time left."""

    def __init__(self, name: str, start: int, total: int | None) -> None:
        super().__init__()
        self.name, self.start, self.total = name, start, total

    def show_bytes(self, size: int, is_end: bool = False) -> None:
        def text(seconds: float) -> str:
            rate = (size - self.start) / seconds
            of = f" of {self.total / 2**20:.1f}" if self.total else ""
            left = f", {(self.total - size) / max(rate, 1):.0f} s left" if self.total else ""
            return f"{self.name}: {size / 2**20:.1f}{of} MiB, {rate / 2**20:.2f} MiB/s{left}"

        self.show(text, is_end)


def _retry_after_s(value: str | None) -> float | None:
    """Seconds of a Retry-After header: a number or a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    if re.fullmatch(" *[0-9]+ *", value):
        return float(value)
    try:
        when = parsedate_to_datetime(value)
        return (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, LookupError, OverflowError, TypeError):
        return None


def _title(response: requests.Response) -> str:
    start = next(response.iter_content(MAX_PAGE_BYTES), b"").decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>(.*?)</title>", start, re.IGNORECASE | re.DOTALL)
    return f" titled {' '.join(title[1].split())!r}" if title else ""


def _whole_number(text: str) -> int | None:
    """A number of bytes; None if the text is no number, or one larger than any file."""
    return int(text) if re.fullmatch("[0-9]{1,19}", text) else None


def _innermost(error: BaseException) -> str:
    """The message of the innermost cause; requests and urllib3 wrap it in several layers."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
