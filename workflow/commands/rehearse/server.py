"""File server that can be told to misbehave, a stand-in for Zenodo, GitHub and mirrors.

It answers like Zenodo's REST API (developers.zenodo.org, "Records") and GitHub's releases: a JSON
record whose files have a checksum and a link to their content; a redirect to the file.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import re
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class FileServer:
    """Server of ``files``, bytes or paths; each request consumes one step of a ``script``.

    Steps: ``("drop", n)`` sends n bytes of the response and closes the connection; ``("hang", n)``
    sends n bytes and then waits until the client is gone; ``("status", code, headers)``;
    ``("claim", n)`` announces n bytes more than there are; ``("end", n)`` ends n bytes early
    without an announced length; ``("slow", seconds)`` pauses between chunks; ``("ignore range",)``;
    ``("html",)``; ``("shift", n)`` sends a range that starts n bytes later; ``("label", headers)``
    sends false headers.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes | Path] = {}
        self.redirects: dict[str, str] = {}
        self.script: dict[str, list[tuple]] = defaultdict(list)
        self.always: dict[str, tuple] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.etags = True
        self.at_work = self.most_at_work = 0
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Stop serving and release the port."""
        self.server.shutdown()
        self.server.server_close()

    def ranges(self, path: str) -> list[str | None]:
        """Range headers of all requests for a path so far, None for requests without one."""
        return [headers.get("Range") for asked, headers in self.requests if asked == path]

    def content(self, path: str) -> bytes | memoryview:
        """Content served at a path; files on disk are memory-mapped."""
        served = self.files[path]
        if isinstance(served, bytes):
            return served
        with served.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def add_record(self, number: int, archives: Mapping[str, bytes | Path]) -> None:
        """Serve archives like Zenodo: a JSON record, and each file's content."""
        files = []
        for name, served in archives.items():
            path = f"/api/records/{number}/files/{name}/content"
            self.files[path] = served
            content = self.content(path)
            checksum = f"md5:{hashlib.md5(content).hexdigest()}"
            links = {"self": self.url + path}
            files.append({"key": name, "size": len(content), "checksum": checksum, "links": links})
        record = {"id": number, "title": "HEAR 2021 datasets", "files": files}
        self.files[f"/api/records/{number}"] = json.dumps(record).encode()

    def record(self, number: int) -> dict:
        """The record as it is served."""
        return json.loads(bytes(self.content(f"/api/records/{number}")))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: the client was killed."""


def _handler(state: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.at_work += 1
            state.most_at_work = max(state.most_at_work, state.at_work)
            self.working = True
            try:
                self.answer()
            finally:
                self.last_piece()

        def last_piece(self) -> None:
            """Work ends before the last piece is sent: the client may ask for more right after."""
            state.at_work -= self.working
            self.working = False

        def answer(self) -> None:
            path = self.path.split("?")[0]
            state.requests.append((path, dict(self.headers)))
            step = state.script[path].pop(0) if state.script[path] else state.always.get(path, ())
            kind = step[0] if step else ""
            if kind == "status":
                return self.plain(step[1], b"", step[2] if len(step) > 2 else {})
            if kind == "html":
                page = b"<html><head><title>Site under\n maintenance</title></head></html>"
                return self.plain(200, page, {"Content-Type": "text/html; charset=utf-8"})
            if path in state.redirects:
                return self.plain(302, b"", {"Location": state.redirects[path]})
            if path not in state.files:
                return self.plain(404, b"", {})
            self.file(state.content(path), kind, step)

        def plain(self, code: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(code)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.last_piece()
            self.wfile.write(body)

        def file(self, content: bytes | memoryview, kind: str, step: tuple) -> None:
            etag = f'"{hashlib.md5(content).hexdigest()}"'
            start = self.start(kind, etag)
            if start is not None and start >= len(content):
                return self.plain(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            first = (start or 0) + (step[1] if kind == "shift" else 0)
            body = memoryview(content)[first:]
            self.send_response(200 if start is None else 206)
            if start is not None:
                stated = f"bytes {first}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", stated)
            if state.etags:
                self.send_header("ETag", etag)
            headers = {"Content-Type": "application/octet-stream"}
            for key, value in (headers | (step[1] if kind == "label" else {})).items():
                self.send_header(key, value)
            if kind == "end":
                self.send_header("Connection", "close")
            else:
                more = step[1] if kind == "claim" else 0
                self.send_header("Content-Length", str(len(body) + more))
            self.end_headers()
            self.send(body, kind, step)

        def start(self, kind: str, etag: str) -> int | None:
            """First byte of the range to send; None for the whole file."""
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            condition = self.headers.get("If-Range")
            if asked is None or kind == "ignore range" or (condition and condition != etag):
                return None
            return int(asked[1])

        def send(self, body: memoryview, kind: str, step: tuple) -> None:
            if kind == "hang":
                self.wfile.write(body[: step[1]])
                self.connection.recv(1)  # nothing comes before the end
                self.close_connection = True
            elif kind in ("drop", "end", "claim"):
                n = {"drop": step[1], "end": len(body) - step[1], "claim": len(body)}[kind]
                self.last_piece()
                self.wfile.write(body[:n])
                self.wfile.flush()
                self.close_connection = True
                if kind == "drop":
                    self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.pieces(body, step[1] if kind == "slow" else 0)

        def pieces(self, body: memoryview, pause_s: float) -> None:
            """Send all, in pieces with a pause after each if there is one."""
            size = 50_000 if pause_s else max(1, len(body))
            for i in range(0, len(body), size):
                if i + size >= len(body):
                    self.last_piece()
                try:
                    self.wfile.write(body[i : i + size])
                except OSError:  # the client was killed
                    self.close_connection = True
                    return
                time.sleep(pause_s)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
