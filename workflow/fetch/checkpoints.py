"""Released weights: what is known of their files before they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from passt.checkpoints import Checkpoint
from workflow.fetch.facts import known_facts, merge


def verify_checkpoint(checkpoint: Checkpoint, can_be_fetched: bool) -> None:
    """Check a checkpoint's file against its hash or, where it names none, the recorded one.

    Parameters
    ----------
    checkpoint : Checkpoint
    can_be_fetched : bool
        A released one may not be there yet.

    Raises
    ------
    CheckpointError
        Naming the file and both hashes, or that it is missing.
    """
    if checkpoint.file is None or (can_be_fetched and not Path(checkpoint.file).exists()):
        return
    if checkpoint.sha256 is None and can_be_fetched:
        name = Path(checkpoint.file).name
        checkpoint = replace(checkpoint, sha256=merge(name, known_facts(name)).sha256)
    checkpoint.verify()
