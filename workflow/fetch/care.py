"""How the sources of a task are looked after while it is brought here."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from hear.archives.prepare import check_folders, prepare_archives
from hear.archives.tar import sha256_file
from workflow.fetch.errors import DownloadError
from workflow.fetch.fetch import ARCHIVES, fetch_archive, verify_file
from workflow.fetch.unavailable import explained


class Care:
    """Downloaded archives are verified and, if damaged, fetched again; a user's are only hashed.

    Parameters
    ----------
    expected : dict or None
        ``folders`` and ``embedding_type`` of a downloaded task by config/tasks.tsv; None for all
        other tasks.
    sources : list of str
        Archives and task folders.
    download : dict
        The config's.
    """

    def __init__(self, expected: dict | None, sources: list[str], download: dict) -> None:
        self.expected, self.download = expected, download
        self.sources = [Path(source) for source in sources]

    def explained(self) -> AbstractContextManager:
        """Note why a downloaded task cannot be used, for the next start."""
        return explained(self.sources[0].name) if self.expected else nullcontext()

    def prepare(self, destination: Path, resample: str, n_threads: int) -> tuple[list[Path], dict]:
        """Return all task folders, unpacked and resampled where they come from archives, and what
        made them; errors as `hear.archives.prepare.prepare_archives`."""
        archives = [source for source in self.sources if source.is_file()]
        verify, fetch_again = sha256_file, None
        if self.expected:
            verify, fetch_again = self._verify, self._fetch_again
        made, origin = prepare_archives(
            archives, destination, resample, n_threads, verify, fetch_again
        )
        if self.expected:
            check_folders(made, self.expected["folders"], self.expected["embedding_type"])
        return [source for source in self.sources if source.is_dir()] + made, origin

    def _verify(self, archive: Path) -> str:
        return verify_file(archive).sha256

    def _fetch_again(self, archive: Path) -> None:
        if archive.parent != ARCHIVES:
            raise DownloadError(f"{archive}: it is in download.folder: replace or remove it there")
        fetch_archive(archive.name, self.download)
