"""A headless Chromium that the tests click in, driven over its DevTools pipe."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
_OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-extensions "
    "--disable-background-networking --disable-component-update --disable-sync --mute-audio "
    "--remote-debugging-pipe"
).split()
# Chromium reads commands from descriptor 3 and writes to 4, whatever these are in this process.
_START = (
    "import fcntl, os, sys; read, write = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in "
    "sys.argv[1:3]); os.dup2(read, 3); os.dup2(write, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
KEYS = {"ArrowRight": 39, "Enter": 13, "Escape": 27, "Tab": 9}


class _Pipe:
    """Commands to a browser, each ended by a zero byte, with its replies and events."""

    def __init__(self, commands: BinaryIO, replies: BinaryIO) -> None:
        self._commands, self._replies = commands, replies
        self._number, self._read = 0, b""
        self.session: str | None = None
        self.events: list[dict] = []

    def send(self, method: str, **params: Any) -> dict:
        """Result of a command; RuntimeError if the browser refuses it or has ended."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self._commands.write(json.dumps(message).encode() + b"\0")
        while True:
            reply = self._next()
            if reply.get("id") == self._number:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']}")
                return reply["result"]
            if "method" in reply:
                self.events.append(reply)

    def _next(self) -> dict:
        while b"\0" not in self._read:
            more = os.read(self._replies.fileno(), 1 << 16)
            if not more:
                raise RuntimeError("the browser has ended")
            self._read += more
        message, _, self._read = self._read.partition(b"\0")
        return json.loads(message)


class Tab:
    """One page of a browser: opened, resized, clicked, typed into, asked."""

    def __init__(self, pipe: _Pipe) -> None:
        send = self._send = pipe.send
        self.events = pipe.events  # what the page reported: console, exceptions, requests
        for domain in ("Page", "Runtime", "Log", "Network"):
            send(f"{domain}.enable")

    def open(
        self,
        url: str,
        width: int = 1200,
        height: int = 900,
        dark: bool = False,
        script: bool = True,
    ) -> None:
        """Load a page anew in a window of this size, below 600 pixels a phone's with touch."""
        phone = width < 600
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self._send("Emulation.setDeviceMetricsOverride", **metrics)
        self._send("Emulation.setTouchEmulationEnabled", enabled=phone, maxTouchPoints=1)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])
        self._send("Emulation.setScriptExecutionDisabled", value=not script)
        self._send("Page.navigate", url="about:blank")
        self.events.clear()
        self._send("Page.navigate", url=url)
        base = json.dumps(url.partition("#")[0])
        loaded = f"location.href.startsWith({base}) && document.readyState === 'complete'"
        self.wait(loaded)

    def ask(self, expression: str) -> Any:
        """Value of a JavaScript expression."""
        found = self._send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait(self, expression: str, limit_s: float = 60) -> None:
        """Wait until a JavaScript expression is true; TimeoutError if it never is."""
        end = time.monotonic() + limit_s
        while not self.ask(expression):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            time.sleep(0.02)

    def place(self, selector: str) -> tuple[float, float]:
        """Middle of an element in the window, into which it is scrolled."""
        x, y = self.ask(
            f"(() => {{ const e = document.querySelector({selector!r}); "
            "e.scrollIntoView({block: 'center', inline: 'center'}); "
            "const b = e.getBoundingClientRect(); "
            "return [(b.left + b.right) / 2, (b.top + b.bottom) / 2]; })()"
        )
        return x, y

    def hover(self, selector: str) -> None:
        x, y = self.place(selector)
        self._send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector: str) -> None:
        x, y = self.place(selector)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            more = {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
            self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def tap(self, selector: str) -> None:
        x, y = self.place(selector)
        self._send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self._send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.ask("new Promise((done) => setTimeout(done, 50))")

    def press(self, key: str) -> None:
        """Press a key by its name, or a letter."""
        code: dict[str, Any] = {
            "key": key,
            "windowsVirtualKeyCode": KEYS.get(key, ord(key.upper()[0])),
        }
        code |= {"text": key} if len(key) == 1 else {"code": key}
        for kind in ("keyDown", "keyUp"):
            self._send("Input.dispatchKeyEvent", type=kind, **code)

    def type(self, selector: str, words: str) -> None:
        self.click(selector)
        self._send("Input.insertText", text=words)

    def picture(self) -> bytes:
        """PNG of what the window shows."""
        return base64.b64decode(self._send("Page.captureScreenshot")["data"])

    def printed(self) -> bytes:
        """PDF of the page."""
        return base64.b64decode(self._send("Page.printToPDF", printBackground=True)["data"])

    @property
    def complaints(self) -> list[str]:
        """Errors, warnings and refusals, and what was requested beside the page itself."""
        methods = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        said = [json.dumps(e["params"]) for e in self.events if e["method"] in methods]
        urls = [
            e["params"]["request"]["url"]
            for e in self.events
            if e["method"] == "Network.requestWillBeSent" and e["params"]["type"] != "Document"
        ]
        return said + urls


@contextmanager
def browser(folder: Path) -> Iterator[Tab]:
    """Start a Chromium with its own profile in a folder, and give its one tab."""
    to_browser, from_browser = os.pipe(), os.pipe()
    inherited = (to_browser[0], from_browser[1])
    command = [sys.executable, "-c", _START, *map(str, inherited), str(CHROMIUM), *_OPTIONS]
    process = subprocess.Popen(
        [*command, f"--user-data-dir={folder}"], pass_fds=inherited, stderr=subprocess.DEVNULL
    )
    for end in inherited:
        os.close(end)
    with os.fdopen(to_browser[1], "wb", 0) as commands, os.fdopen(from_browser[0], "rb") as replies:
        pipe = _Pipe(commands, replies)
        target = pipe.send("Target.createTarget", url="about:blank")["targetId"]
        pipe.session = pipe.send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        try:
            yield Tab(pipe)
        finally:
            process.kill()
            process.wait()
