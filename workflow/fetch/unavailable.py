"""Archives that could not be had: why, so that the next start can go on without their tasks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from workflow.fetch.errors import DownloadError

FOLDER = Path("resources/archives/unavailable")
HINT = (
    "The other tasks go on. Start again to try once more or, with missing_tasks: drop, to finish "
    "without this one, which every figure and table will then say."
)


def reason_missing(archive: str) -> str | None:
    """Why an archive could not be had in an earlier run, in one line; None if it never failed."""
    path = FOLDER / f"{archive}.json"
    try:
        return json.loads(path.read_text())["reason"]
    except (OSError, ValueError, LookupError):
        return None


@contextmanager
def explained(archive: str) -> Iterator[None]:
    """Note why an archive cannot be had if the block fails; forget an earlier failure if not.

    Only a `ValueError` is a reason that lies with the archive; a full disk is not.

    Raises
    ------
    DownloadError
        With what to do about it.
    """
    path = FOLDER / f"{archive}.json"
    try:
        yield
    except ValueError as error:
        path.parent.mkdir(parents=True, exist_ok=True)
        note = {"reason": " ".join(str(error).split()), "when": datetime.now(UTC).isoformat()}
        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        temporary.write_text(json.dumps(note, indent=1) + "\n")
        os.replace(temporary, path)
        raise DownloadError(f"{error}\n{HINT}") from error
    path.unlink(missing_ok=True)
