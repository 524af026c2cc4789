"""One HTTP request for a file from some byte on, and what the answer means.

Ranges and their conditions: RFC 9110, sections 13.1.5 (If-Range), 14 (Range) and 15 (status).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from workflow.fetch.errors import AddressError, TransientError

USER_AGENT = "passt-hear (https://arxiv.org/abs/2211.13956)"
PIECE_BYTES = 2**16  # read at once; what a dropped connection loses is at most this
TIMEOUT_S = 60.0  # without a byte for so long, the connection counts as dropped
RETRIED = {408, 425, 429}  # request timeout, too early, too many requests; and all of 5xx
MAX_PAGE_BYTES = 4096  # of a web page, enough for its title


@dataclass(frozen=True)
class Reply:
    """An answer that brings bytes of the file.

    Attributes
    ----------
    start : int
        Position in the file of the first byte of the answer; 0 where the server ignores ranges.
    total : int or None
        Size of the whole file as the server says.
    validator : str or None
        What to send as If-Range when the download is resumed: strong ETag or Last-Modified.
    pieces : iterator of bytes
        Raises TransientError if the connection is dropped.
    is_past_end : bool
        Nothing is there from the byte asked for on: the file is complete if it is as long.
    """

    start: int
    total: int | None
    validator: str | None
    pieces: Iterator[bytes]
    is_past_end: bool = False


@contextmanager
def open_url(
    url: str, start: int = 0, validator: str | None = None, timeout_s: float = TIMEOUT_S
) -> Iterator[Reply]:
    """Ask for a file from byte ``start`` on; redirects are followed.

    Parameters
    ----------
    url : str
    start : int
        First byte wanted.
    validator : str or None
        Sent as If-Range, so that a changed file is sent whole.
    timeout_s : float
        Longest silence.

    Raises
    ------
    TransientError
        Dropped or refused connection, silence, busy server.
    AddressError
        Any other answer than the file: not found, forbidden, a web page.
    """
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeout_s) as response:
            yield _reply(response, start)
    except (requests.exceptions.SSLError, requests.exceptions.TooManyRedirects) as error:
        raise AddressError(_innermost(error)) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        raise TransientError(_innermost(error)) from error
    except requests.RequestException as error:
        raise AddressError(_innermost(error)) from error


def _reply(response: requests.Response, start: int) -> Reply:
    _refuse_errors(response, is_range=start > 0)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise AddressError(f"expected the file, found a web page{_title(response)}")
    stated = response.headers.get("Content-Range", "")
    if response.status_code == 416:
        total = _whole_number(stated.rpartition("/")[2])
        return Reply(start, total, None, iter(()), is_past_end=True)
    if response.status_code == 200:
        total = _whole_number(response.headers.get("Content-Length"))
        return Reply(0, total, _validator(response), _pieces(response))
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", stated)
    if match is None or int(match[1]) > start:
        raise AddressError(f"expected bytes from {start} on, found Content-Range {stated!r}")
    return Reply(int(match[1]), _whole_number(match[2]), _validator(response), _pieces(response))


def _refuse_errors(response: requests.Response, is_range: bool) -> None:
    status = response.status_code
    if status == 200 or (is_range and status in (206, 416)):
        return
    said = f"the server says {status} {response.reason}"
    if status in RETRIED or status >= 500:
        raise TransientError(said, _retry_after_s(response.headers.get("Retry-After")))
    raise AddressError(said)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_content(PIECE_BYTES)
    except requests.exceptions.ChunkedEncodingError as error:
        raise TransientError(f"the connection was dropped ({_innermost(error)})") from error


def _validator(response: requests.Response) -> str | None:
    etag = response.headers.get("ETag")
    if etag and not etag.startswith("W/"):  # a weak one does not promise the same bytes
        return etag
    return response.headers.get("Last-Modified")


def _retry_after_s(value: str | None) -> float | None:
    """Seconds that the header asks for: a number or a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _title(response: requests.Response) -> str:
    start = next(response.iter_content(MAX_PAGE_BYTES), b"").decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>(.*?)</title>", start, re.IGNORECASE | re.DOTALL)
    return f" titled {' '.join(title[1].split())!r}" if title else ""


def _whole_number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _innermost(error: BaseException) -> str:
    """The cause in plain words; requests and urllib3 wrap it in several layers."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
