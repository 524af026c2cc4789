"""Released weights in the user's cache, downloaded when they are first used."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from passt.checkpoints import Checkpoint, CheckpointError
from passt.download import Backoff, DownloadError, download, locked

ATTEMPTS = 4  # in a row without a new byte, some 15 s: somebody waits
WAITING = "waiting for another download to end"


def cache_folder() -> Path:
    """Where weights are kept: ``passt`` below ``$XDG_CACHE_HOME``, or else ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "passt"


def fetch_weights(checkpoint: Checkpoint, progress: bool = True) -> Checkpoint:
    """Return a released checkpoint with a file that is here, downloaded if it is nowhere.

    It is looked for where a study keeps it, below the working directory, and in the cache. The hash
    of a first download stays beside it: where none is known beforehand, later loads expect this
    one. CheckpointError says where to put the file if it cannot be had.
    """
    if checkpoint.file is None or checkpoint.url is None or Path(checkpoint.file).is_file():
        return checkpoint
    path = cache_folder() / Path(checkpoint.file).name
    note = path.with_name(f"{path.name}.sha256")
    try:
        if not path.is_file():
            with locked(path.with_name(f"{path.name}.lock"), WAITING):
                _download(checkpoint, path, note, progress)
    except (DownloadError, OSError) as error:
        raise CheckpointError(
            f"checkpoint {checkpoint.id}: {error}\nDownload {checkpoint.url} elsewhere, and put it "
            f"at {path}"
        ) from error
    noted = note.read_text().strip() if note.is_file() else None
    return replace(checkpoint, file=str(path), sha256=checkpoint.sha256 or noted)


def _download(checkpoint: Checkpoint, path: Path, note: Path, progress: bool) -> None:
    if path.is_file():  # another process was faster
        return
    known = {"sha256": checkpoint.sha256} if checkpoint.sha256 else {}
    backoff = Backoff(attempts=ATTEMPTS)
    found, _ = download([str(checkpoint.url)], path, known, backoff, progress=progress)
    note.write_text(f"{found['sha256']}\n")
