"""Downloads: answers of servers, the record of the archives, what is known of files."""

from __future__ import annotations

import random
import socket
import threading
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from passt.download import Backoff, DownloadError, download
from tests.fuzz.mutations import as_json, damaged, json_files
from tests.fuzz.readers.tasks import is_object
from tests.fuzz.watch import Reader
from workflow.fetch import known
from workflow.fetch.known import KnownError, agreed
from workflow.fetch.record import find_file, read_record

SETTINGS = {"url": "https://zenodo.org", "record": 6332517}
NAME = "hear2021-esc50-v2.0.0-full-48000.tar.gz"
_FILE = {"key": NAME, "size": 1000, "checksum": f"md5:{'0' * 32}",
         "links": {"self": "https://zenodo.org/a", "content": "https://zenodo.org/b"}}  # fmt: skip
LIST = {"id": 6332517, "files": [_FILE, _FILE | {"key": "b.tar.gz", "links": None}]}
ENTRIES = {"files": {"enabled": True, "entries": {NAME: _FILE, "b": _FILE | {"key": "b"}}}}
LOCK = {NAME: {"size": 1000, "md5": "0" * 32}, "w.pt": {"sha256": "1" * 64, "source": "x"}}
BODY = b"content of a file, a hundred bytes long" * 3
STATUS = (
    *[b"HTTP/1.1 200 OK"] * 8, b"HTTP/1.1 206 Partial Content", b"HTTP/1.0 200",
    b"HTTP/1.1 416 x", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 503 Busy", b"HTTP/1.1 302 Found",
    b"HTTP/1.1 429 Wait", b"HTTP/1.1 204 No", b"HTTP/1.1 100 Continue", b"HTTP/9.9 200 x",
    b"HTTP/1.1 999 \xff", b"HTTP/1.1 abc", b"ICY 200 OK", b"", b"\0\xff", b"HTTP/1.1 -1 x",
    b"HTTP/1.1 " + b"9" * 5_000 + b" x",
)  # fmt: skip
HEADERS: dict[bytes, tuple[bytes, ...]] = {
    b"Content-Length": (b"117", b"117", b"0", b"-1", b"\xb2", b"9" * 5_000, b"1e3", b"117, 117",
                        b"117, 118", b"", b"+117", b"\xd9\xa3", b"999999999999999999999"),
    b"Content-Range": (b"bytes 5-116/117", b"bytes 0-116/117", b"bytes 5-116/*", b"bytes */117",
                       b"bytes " + b"9" * 5_000 + b"-1/2", b"bytes 5-116/" + b"9" * 5_000,
                       b"bytes 999-1/2", b"x", b"bytes */\xb2", b"bytes */x", b""),
    b"Retry-After": (b"0", b"-1", b"\xb2", b"9" * 400, b"9" * 5_000, b"x", b"",
                     b"Wed, 21 Oct 2015 07:28:00 GMT", b"Wed, 99 Oct 2015 07:28:00 GMT",
                     b"Wed, 21 Oct 9999999 07:28:00 GMT", b"Wed, 21 Oct 2015 07:28:00 +99999999",
                     b"1 Jan 0 0:0:0 +0", b"Fri, 31 Dec 9999 23:59:59 -2359", b"inf", b"nan"),
    b"Location": (b"/", b"http://127.0.0.1:1/", b"file:///etc/passwd", b"http://[", b"http://",
                  b"http://.x/", b"//", b"http://127.0.0.1:99999/", b"\xff", b"http://a b/",
                  b"javascript:x", b"http://" + b"a" * 300 + b"/", b"", b"data:,x", b"http:///x"),
    b"Transfer-Encoding": (b"chunked", b"gzip", b"chunked, chunked", b"identity", b"x"),
    b"Content-Encoding": (b"gzip", b"deflate", b"br", b"zstd", b"x", b"gzip, gzip"),
    b"Content-Type": (b"text/html", b"text/html; charset=x", b"application/json", b"\xff", b";"),
    b"ETag": (b'"x"', b'W/"x"', b"\xff", b"", b"a\tb"),
    b"Last-Modified": (b"x", b"", b"\xe9"),
    b"Set-Cookie": (b"a=b; Domain=\xff", b"=", b"a=b; Max-Age=x"),
    b"X": (b"\0", b"a\r b", b"x" * 70_000),
}  # fmt: skip
BODIES = (
    BODY, BODY, BODY, BODY[:50], BODY + b"x", b"", b"<title>Sign in</title>", b"<title>\xff",
    b"5\r\nabcde\r\n0\r\n\r\n", b"\xb2\r\nx", b"-5\r\nx", b"ffffffffffffffffffff\r\nx",
    b"5;a=b\r\nab",
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"9" * 5_000 + b"\r\n", b"5\r\nabcdeXX0\r\n\r\n",
)  # fmt: skip


class OneAnswer:
    """Gives one answer, as bytes, to every request and closes the connection."""

    def __init__(self) -> None:
        self.answer = b""
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            try:
                with connection:
                    connection.settimeout(2)
                    connection.recv(65_536)
                    connection.sendall(self.answer)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65_536):
                        pass
            except OSError:
                continue


@cache
def _server() -> OneAnswer:
    return OneAnswer()


@st.composite
def answers(draw: Any) -> tuple[bytes, int, str]:
    """An answer, how many bytes are here already, and what is known of the file."""
    status = draw(st.sampled_from(STATUS))
    names = draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=4))
    lines = [status, *(name + b": " + draw(st.sampled_from(HEADERS[name])) for name in names)]
    content = b"\r\n".join(lines) + b"\r\n\r\n" + draw(st.sampled_from(BODIES))
    if draw(st.integers(0, 5)) == 0:
        content = draw(damaged([content]))
    known = draw(st.sampled_from(("", "", "size", "md5", "size+md5")))
    return content, draw(st.sampled_from((0, 0, 5, 117, 200))), known


def _download(case: tuple[bytes, int, str], inside: Path) -> None:
    content, n_here, known = case
    server, path = _server(), inside / "file.bin"
    server.answer = content
    url = f"http://127.0.0.1:{server.port}/file.bin"
    facts: dict[str, int | str] = {"size": len(BODY), "md5": "0" * 32}
    if n_here:
        (inside / "file.bin.part").write_bytes(BODY[:n_here])
        (inside / "file.bin.part.from").write_text(f'{url}\n"x"')
    backoff = Backoff(attempts=2, random=random.Random(0), sleep=lambda seconds: None)
    expected = {kind: facts[kind] for kind in known.split("+") if kind}
    found, _ = download([url], path, expected, backoff, timeout_s=5.0, progress=False)
    assert found["size"] == path.stat().st_size and not expected.get("md5")


def _is_answer(case: tuple[bytes, int, str]) -> bool:
    """Tell whether the first line is one of HTTP with a status of success."""
    return case[0].startswith((b"HTTP/1.1 200", b"HTTP/1.1 206", b"HTTP/1.0 200"))


def _record(case: bytes, inside: Path) -> None:
    path = inside / "zenodo-1.json"
    path.write_bytes(case)
    files = read_record(path, SETTINGS)
    for name in ("hear2021-esc50-v2.0.0-full-48000.tar.gz", "b"):
        try:
            listed = find_file(files, name)
        except KnownError as error:
            raise KnownError(f"{path}: {error}") from error
        assert all(isinstance(url, str) for url in listed.urls)
        assert agreed(name, {str(path): listed.facts})


def _lock(case: bytes, inside: Path) -> None:
    (inside / "resources").mkdir()
    (inside / known.LOCKED).write_bytes(case)
    known.known_hash(NAME)
    known.record(NAME, {"size": 1000, "md5": "0" * 32}, "a mirror")


def readers() -> list[Reader]:
    """Readers of this module."""
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 117\r\n\r\n" + BODY
    records = [LIST, ENTRIES]
    return [
        Reader(
            "answers of servers", answers(), _download, (DownloadError,), ("file.bin",),
            "HTTP with status 200 or 206", _is_answer, [(good, 0, "size")],
        ),
        Reader(
            "Zenodo records", json_files(records), _record, (KnownError,), ("zenodo-1.json",),
            "a JSON object", is_object, list(map(as_json, records)), bytes,
        ),
        Reader(
            "known downloads", json_files([LOCK]), _lock, (KnownError,),
            ("downloads.lock.json", NAME), "a JSON object", is_object, [as_json(LOCK)],
        ),
    ]  # fmt: skip
