"""Known sizes and hashes of downloads: lock file and earlier downloads.

`resources/downloads.lock.json` is committed. Facts that it lacks are recorded in
`resources/downloads.recorded.json` when a file is first used, and must not change afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hear.files import write_json
from passt.download import locked
from workflow.study.config import shipped_path

LOCKED = Path("resources/downloads.lock.json")
RECORDED = Path("resources/downloads.recorded.json")
KINDS = ("size", "md5", "sha256")  # bytes, hexadecimal, hexadecimal
Facts = Mapping[str, int | str]  # values by kind


class KnownError(ValueError):
    """Known facts of a file that are contradictory, malformed, or do not match the file."""


def known_facts(name: str) -> dict[str, Facts]:
    """Return the facts of a file in the lock file and from earlier downloads, by source."""
    lock = LOCKED if LOCKED.exists() else Path(shipped_path(str(LOCKED)))
    places = (lock, RECORDED)
    entries = {str(path): _read(path).get(name) for path in places}
    return {path: entry for path, entry in entries.items() if entry is not None}


def agreed(name: str, said: Mapping[str, Facts]) -> dict[str, int | str]:
    """Merge the facts of one file from several sources; KnownError if they contradict."""
    facts: dict[str, int | str] = {}
    for kind in KINDS:
        values = {source: entry[kind] for source, entry in said.items() if kind in entry}
        for source, value in values.items():
            if facts.setdefault(kind, value) != value:
                raise KnownError(
                    f"{name}: {kind}: expected {facts[kind]} as {next(iter(values))} says, "
                    f"found {value} in {source}"
                )
    return facts


def known_hash(name: str) -> dict[str, str]:
    """Return the best known hash of a file, by algorithm; empty if none is known."""
    facts = agreed(name, known_facts(name))
    return {kind: str(facts[kind]) for kind in ("sha256", "md5") if kind in facts}


def record(name: str, facts: Facts, source: str) -> None:
    """Record a file's facts and source, unless they are already known."""
    if any(facts.items() <= known.items() for known in known_facts(name).values()):
        return
    with locked(RECORDED.with_suffix(".lock")):  # several jobs may record at the same time
        entries = _read(RECORDED) | {name: {**facts, "source": source}}
        write_json(RECORDED, dict(sorted(entries.items())))


def _read(path: Path) -> dict[str, dict]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (ValueError, RecursionError) as error:
        raise KnownError(f"{path}: expected valid JSON, found an error: {error}") from error
    if not isinstance(entries, dict):
        raise KnownError(f"{path}: expected an object of files, found {entries!r:.80}")
    for name, entry in entries.items():
        is_known = isinstance(entry, dict) and all(
            key in (*KINDS, "source") and type(value) is (int if key == "size" else str)
            for key, value in entry.items()
        )
        if not is_known:
            expected = "size as a whole number, md5, sha256 and source as texts"
            raise KnownError(f"{path}: {name:.80}: expected {expected}; found {entry!r:.200}")
    return entries
