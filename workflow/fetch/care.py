"""How the sources of a task are looked after while it is brought here."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from hear.archives.prepare import prepare_archives
from workflow.fetch.facts import known_facts, merge
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
        known = {path.name: merge(path.name, known_facts(path.name)) for path in archives}
        hashes = {
            name: {kind: value for kind in ("md5", "sha256") if (value := getattr(facts, kind))}
            for name, facts in (known if self.expected else {}).items()
        }
        made, origin = prepare_archives(archives, destination, resample, n_threads, hashes)
        if self.expected:
            pass
        return [source for source in self.sources if source.is_dir()] + made, origin
