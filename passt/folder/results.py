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

    Results of other ``settings`` are removed.
    """

    def __init__(self, folder: Path, settings: dict) -> None:
        self.folder = folder
        text = json.dumps(settings, indent=1)
        note = folder / SETTINGS
        if not note.is_file() or note.read_text(encoding="utf-8") != text:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            note.write_text(text, encoding="utf-8")

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
