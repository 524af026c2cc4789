"""Cache of finished files' rows, keyed by the hash of their inputs, for resuming."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np

SETTINGS = "settings.json"
Rows = dict[str, np.ndarray]  # by name: timestamp_ms, embedding, tags, probabilities; rows first


class Results:
    """Folder with one file per audio content, valid for one combination of settings.

    ValueError if it has results of other ``settings``, or is not such a folder.
    """

    def __init__(self, folder: Path, settings: dict) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        note = folder / SETTINGS
        try:
            known = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = None
        if known is None and {path.name for path in folder.iterdir()} - {SETTINGS}:
            raise ValueError(f"{folder}: expected an interrupted run's results, found other files")
        if known is None:
            note.write_text(json.dumps(settings, indent=1), encoding="utf-8")
        elif known != (asked := json.loads(json.dumps(settings))):
            had = known if isinstance(known, dict) else {}
            names = [name for name in asked if had.get(name) != asked[name]]
            differing = ", ".join(f"{n} {had.get(n)!r}, now {asked[n]!r}" for n in names)
            raise ValueError(
                f"{folder}: results of an interrupted run with other settings ({differing}): "
                "finish it with those, or remove the folder"
            )

    def read(self, sha256: str) -> Rows | None:
        """Rows of the file with this content; None if they are missing or incomplete."""
        try:
            with np.load(self._path(sha256), allow_pickle=False) as stored:
                return dict(stored)
        except Exception:  # of numpy, zipfile and what unpacks there, of many classes
            return None

    def write(self, sha256: str, rows: Rows) -> None:
        """Store the rows of a file atomically."""
        path = self._path(sha256)
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(f".{threading.get_ident()}")
        with open(part, "wb") as stream:
            np.savez(stream, **rows)  # type: ignore[arg-type]
        os.replace(part, path)

    def remove(self) -> None:
        """Remove the folder, once its rows are in the table."""
        shutil.rmtree(self.folder)

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / f"{sha256}.npz"  # folders of few files are faster
