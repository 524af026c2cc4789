"""Cache of released weights, which are downloaded on first use."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from passt.checkpoints import Checkpoint, CheckpointError
from passt.download import Backoff, DownloadError, download, locked
from passt.files import replace_file, sha256_file

ATTEMPTS = 4  # in a row without a new byte, some 15 s: somebody waits
WAITING = "waiting for another download to end"


def cache_folder() -> Path:
    """Folder of the cached weights: ``passt`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "passt"


def fetch_weights(checkpoint: Checkpoint, progress: bool = True) -> Checkpoint:
    """Return a released checkpoint with the path of its local file; download it if necessary.

    The file is searched in the study's folder below the working directory, then in the cache. The
    hash of a file's first load from the cache is stored beside it; if a checkpoint has no published
    hash, later loads are checked against it. If the download fails, CheckpointError says where to
    put the file.
    """
    if checkpoint.file is None or checkpoint.url is None or Path(checkpoint.file).is_file():
        return checkpoint
    path = cache_folder() / Path(checkpoint.file).name
    note = path.with_name(f"{path.name}.sha256")
    try:
        if not path.is_file():
            with locked(path.with_name(f"{path.name}.lock"), WAITING):
                _download(checkpoint, path, progress)
    except (DownloadError, OSError) as error:
        raise CheckpointError(
            f"checkpoint {checkpoint.id}: {error}\nDownload {checkpoint.url} elsewhere, and put it "
            f"at {path}"
        ) from error
    noted = note.read_text().strip() if note.is_file() else _noted(path, note)
    return replace(checkpoint, file=str(path), sha256=checkpoint.sha256 or noted)


def _download(checkpoint: Checkpoint, path: Path, progress: bool) -> None:
    if path.is_file():  # another process was faster
        return
    known = {"sha256": checkpoint.sha256} if checkpoint.sha256 else {}
    backoff = Backoff(attempts=ATTEMPTS)
    download([str(checkpoint.url)], path, known, backoff, progress=progress)


def _noted(path: Path, note: Path) -> str:
    """Hash of a file, stored in ``note`` unless the folder is read-only."""
    sha256 = sha256_file(path)
    with suppress(OSError):
        replace_file(note, lambda part: part.write_text(f"{sha256}\n"))
    return sha256
