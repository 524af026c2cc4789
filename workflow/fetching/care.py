"""How the archives of a task are looked after while it is unpacked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from hear.archives import sha256_file
from hear.prepare import check_folders
from workflow.fetching.errors import DownloadError
from workflow.fetching.fetch import ARCHIVES, fetch_archive, verify_file
from workflow.fetching.unavailable import explained


class Care:
    """Downloaded archives are verified and, if damaged, fetched again; others are only hashed.

    Parameters
    ----------
    entry : dict or None
        Of a downloaded task: its ``folders`` and ``embedding_type`` by config/tasks.tsv, and the
        config's ``download``. None for all others.
    archives : list of Path
    """

    def __init__(self, entry: dict | None, archives: list[Path]) -> None:
        self.entry, self.archives = entry, archives

    @property
    def fetch_again(self) -> Callable[[Path], object] | None:
        """Replaces a damaged archive; None where nobody knows where it came from."""
        return self._fetch_again if self.entry else None

    def verify(self, archive: Path) -> str:
        """SHA-256 of an archive; of a downloaded one after comparing it with what is known."""
        return verify_file(archive).sha256 if self.entry else sha256_file(archive)

    def check(self, folders: list[Path]) -> None:
        """Check that a downloaded task is the one that the study was planned with."""
        if self.entry:
            check_folders(folders, self.entry["folders"], self.entry["embedding_type"])

    def explained(self) -> AbstractContextManager:
        """Note why a downloaded task cannot be used, for the next start."""
        return explained(self.archives[0].name) if self.entry else nullcontext()

    def _fetch_again(self, archive: Path) -> None:
        if archive.parent != ARCHIVES:
            raise DownloadError(f"{archive}: it is in download.folder: replace or remove it there")
        fetch_archive(archive.name, self.entry["download"])
