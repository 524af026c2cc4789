"""Atomic writing of files, and the SHA-256 of a file or folder.

Requires the standard library only: the study is read before anything is installed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CONTENT = "content_sha256"
MADE_AGAIN = "remove it and start again, so that it is made again"


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Add the file's name to an ``OSError`` without one, such as Python raises on a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; the file written there replaces ``path`` at the end.

    If the block fails, the temporary file is removed and ``path`` stays as it was; an ``OSError``
    names it. A killed process leaves `<name>.<process id>.part`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with naming(path):
            yield temporary
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path | str, content: object) -> None:
    """Write strict JSON atomically, replacing an existing file; see `json_value`."""
    with replacing(path) as temporary:
        text = json.dumps(json_value(content), indent=1, allow_nan=False)
        temporary.write_text(text, encoding="utf-8")


def write_record(path: Path | str, content: dict) -> None:
    """Write strict JSON with a hash of its content, which `read_record` checks."""
    write_json(path, content | {CONTENT: _sha256_json(json_value(content))})


def read_record(path: Path | str) -> Any:
    """Read the content of a JSON file and check its hash, if it has one.

    ValueError, with the file and the remedy, if it is missing, not JSON, or has changed since it
    was written.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        expected = content.pop(CONTENT, None) if isinstance(content, dict) else None
        found = _sha256_json(content) if expected is not None else None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not readable ({error}); {MADE_AGAIN}") from error
    if expected != found:
        said = f"expected content of SHA-256 {expected!r:.80}, found {found}"
        raise ValueError(f"{path}: changed since it was written: {said}; {MADE_AGAIN}")
    return content


def _sha256_json(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, allow_nan=False).encode()).hexdigest()


def json_value(value: Any) -> Any:
    """Convert a value, recursively, to strict JSON: NaN becomes null, infinity a string.

    Python's own writer emits ``NaN`` and ``Infinity``, which other readers reject.
    """
    if isinstance(value, dict):
        return {key: json_value(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(float(value))
    return value


def sha256_file(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_of(path: Path | str) -> list[Path]:
    """Return the non-hidden files in and below a folder, sorted; for a file, the file itself."""
    path = Path(path)
    if not path.is_dir():
        return [path]
    names = [file.relative_to(path) for file in path.rglob("*") if file.is_file()]
    hidden = (".", "__pycache__")
    return [
        path / name
        for name in sorted(names)
        if not any(part.startswith(hidden) for part in name.parts)
    ]


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file, or over the names and hashes of a folder's files."""
    path = Path(path)
    if path.is_file():
        return sha256_file(path)
    digest = hashlib.sha256()
    for file in files_of(path):
        name = file.relative_to(path).as_posix()
        digest.update(f"{name}\0{sha256_file(file)}\0".encode())
    return digest.hexdigest()
