"""What can go wrong with a download, sorted by what helps."""

from __future__ import annotations


class DownloadError(ValueError):
    """A file that cannot be had; the message names it, every address tried, and why."""


class TransientError(Exception):
    """A failure that may pass: a drop, a busy server. ``wait_s`` is what the server asks for."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class AddressError(Exception):
    """A failure that trying the same address again does not change: the next one is tried."""
