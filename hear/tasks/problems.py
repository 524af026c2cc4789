"""Problems of a task folder, collected so that a user can repair them all at once.

A check records one line per problem instead of stopping at the first. Requires the standard library
only: task folders are found before anything is installed.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

METADATA_FILE = "task_metadata.json"  # HEAR's name; marks a folder as a task folder
VOCABULARY_FILE = "labelvocabulary.csv"  # HEAR's name
SOURCES_FILE = "sources.json"  # not HEAR's, optional: which clips share a speaker, an instrument
EMBEDDING_TYPES = ("scene", "event")  # HEAR metadata, embedding_type
MAX_REPORTED = 20  # lines shown before "and N more"; a terminal page
MAX_FOUND_CHARACTERS = 80  # a longer value is cut in a message
MAX_LISTED = 5  # names shown in a warning
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class TaskError(ValueError):
    """An invalid task folder; the message lists its problems."""


class Problems:
    """Problems of one task folder, one line each; the error's first line names ``subject``.

    ``warnings`` are facts that a reader of the scores should know, but no errors.
    """

    def __init__(self, subject: object) -> None:
        self.subject = subject
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def add(self, where: str, expected: str, found: object) -> None:
        """Record one problem: file, key or clip; the expected and the actual value."""
        self.lines.append(f"{printable(where)}: expected {expected}, found {shorten(found)}")

    def raise_any(self) -> None:
        """Raise TaskError with the first 20 problems, if there are any."""
        if not self.lines:
            return
        shown = [f"  {line}" for line in self.lines[:MAX_REPORTED]]
        if len(self.lines) > MAX_REPORTED:
            shown.append(f"  and {len(self.lines) - MAX_REPORTED} more")
        count = f"{len(self.lines)} problem{'s' if len(self.lines) > 1 else ''}"
        raise TaskError("\n".join([f"{self.subject}: {count}", *shown]))


def shorten(found: object) -> str:
    """Return a value as text for a message: plain words, or a repr; truncated if long."""
    text = printable(found if isinstance(found, str) else repr(found))
    return text if len(text) <= MAX_FOUND_CHARACTERS else f"{text[: MAX_FOUND_CHARACTERS - 3]}..."


def listed(names: Sequence[str]) -> str:
    """Return the first few names for a warning, with the total number if there are more."""
    shown = printable(", ".join(names[:MAX_LISTED]))
    return f"{shown}, ... ({len(names)} in all)" if len(names) > MAX_LISTED else shown


def printable(text: str) -> str:
    """Return a text with control characters escaped, which file names may contain."""
    escaped = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], escaped)


def is_number(value: object) -> bool:
    """Return whether a JSON value is a finite number (booleans are not)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


def read_json(path: Path, problems: Problems) -> Any | None:
    """Read a JSON file; None, with a recorded problem, if it is missing or malformed.

    Duplicate keys are a problem, because Python's parser would silently keep the last. So is half a
    surrogate pair, which file names and tables cannot hold. A byte order mark is skipped.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        for key, value in pairs:
            if key in entries:
                problems.add(f"{path.name}: {key}", "each key once", "the key twice")
            entries[key] = value
        return entries

    if not os.path.isfile(path):  # Path.is_file raises where a name is too long
        problems.add(path.name, "the file", "no such file")
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique)
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # also of numbers of thousands of digits
        problems.add(path.name, "valid JSON", f"an error: {error}")
        return None
    if content is None:
        problems.add(path.name, "a JSON object", "null")
    return content
