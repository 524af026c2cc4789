"""What is known of a file before it is downloaded: size and hashes, and who says so.

`resources/downloads.lock.json` is committed. What it does not know is recorded when a file is
first downloaded, in `resources/downloads.recorded.json`, and must be the same ever after.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from workflow.fetch.errors import DownloadError
from workflow.fetch.locks import locked

LOCKED = Path("resources/downloads.lock.json")
RECORDED = Path("resources/downloads.recorded.json")
KINDS = ("size", "md5", "sha256")
CHUNK_BYTES = 2**20  # read or written at once: few system calls, little memory


@dataclass(frozen=True)
class Facts:
    """Size in bytes and hashes (hexadecimal) of a file; None where unknown."""

    size: int | None = None
    md5: str | None = None
    sha256: str | None = None

    @property
    def has_hash(self) -> bool:
        """True if the contents can be verified."""
        return bool(self.md5 or self.sha256)

    def differences(self, other: Facts) -> list[str]:
        """Say where both know a value and it is not the same: expected this, found the other."""
        pairs = [(kind, getattr(self, kind), getattr(other, kind)) for kind in KINDS]
        return [
            f"{kind}: expected {mine}, found {its}"
            for kind, mine, its in pairs
            if mine is not None and its is not None and mine != its
        ]


NOTHING = Facts()  # is known


def facts_of(path: Path, progress: bool = True) -> Facts:
    """Read a file once and return all its facts."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = path.stat().st_size
    bar = {"total": size, "desc": f"hashing {path.name}", "disable": not progress}
    with path.open("rb") as raw, tqdm.wrapattr(raw, "read", **bar) as counted:
        while chunk := counted.read(CHUNK_BYTES):
            md5.update(chunk)
            sha256.update(chunk)
    return Facts(size, md5.hexdigest(), sha256.hexdigest())


def merge(name: str, known: dict[str, Facts]) -> Facts:
    """Put together what several sources say of one file.

    Parameters
    ----------
    name : str
        The file's.
    known : dict of str to Facts
        By who says so.

    Raises
    ------
    DownloadError
        If two of them contradict each other, with both values.
    """
    values: dict[str, tuple[str, object]] = {}
    for source, facts in known.items():
        for kind in KINDS:
            if (value := getattr(facts, kind)) is None:
                continue
            first_source, first = values.setdefault(kind, (source, value))
            if value != first:
                raise DownloadError(
                    f"{name}: {kind}: expected {first} as {first_source} says, "
                    f"found {value} in {source}"
                )
    return Facts(**{kind: value for kind, (_, value) in values.items()})


def known_facts(name: str) -> dict[str, Facts]:
    """Return what the lock file and earlier downloads say of a file, by who says so."""
    found = {}
    for path in (LOCKED, RECORDED):
        entry = _read(path).get(name)
        if entry is not None:
            found[str(path)] = Facts(**{k: entry[k] for k in KINDS if k in entry})
    return found


def record(name: str, facts: Facts, source: str) -> None:
    """Remember a file's facts and where it came from, unless they are known already."""
    if facts in known_facts(name).values():
        return
    entry = {kind: value for kind, value in asdict(facts).items() if value is not None}
    with locked(RECORDED.with_suffix(".lock")):  # several jobs may record at the same time
        entries = _read(RECORDED) | {name: entry | {"source": source}}
        temporary = RECORDED.with_name(f"{RECORDED.name}.part")
        temporary.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")
        os.replace(temporary, RECORDED)


def _read(path: Path) -> dict[str, dict]:
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DownloadError(f"{path}: expected valid JSON, found an error: {error}") from error
    unknown = sorted({key for entry in entries.values() for key in entry} - {*KINDS, "source"})
    if unknown:
        raise DownloadError(f"{path}: expected {', '.join(KINDS)}, source; found {unknown}")
    return entries
