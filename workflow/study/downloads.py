"""What a study has to download, and how what was downloaded is looked after."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from workflow.study.archives import space_needs
from workflow.study.study import Study
from workflow.study.tasks import read_task_table


class Downloads:
    """Archives and released weights of a study that are not here yet.

    Parameters
    ----------
    study : Study
    """

    def __init__(self, study: Study) -> None:
        self.study = study

    def archives(self) -> dict[str, str]:
        """Task of each archive that is nowhere yet, by the archive's name."""
        tasks = self.study.tasks.items() if self.study.is_fetched else ()
        paths = {path: slug for slug, spec in tasks for path in spec.sources}
        return {path.name: paths[path] for path in sorted(paths) if not path.exists()}

    def checkpoints(self) -> dict[str, str]:
        """Address of each released file that a model needs and that is not here, by file."""
        used = {m.variant.checkpoint for m in self.study.models.values() if m.variant}
        found = [self.study.checkpoints[id] for id in sorted(used)]
        return {c.file: c.url for c in found if c.url and not Path(c.file).exists()}

    def space_needs(self) -> list[dict]:
        """What the tasks that are not here yet take on the disk, in plain types."""
        study = self.study
        unfinished = [slug for slug in study.tasks if not Path(study.manifest(slug)).exists()]
        needs = space_needs(read_task_table(), study.config, unfinished)
        return [dataclasses.asdict(need) for need in needs]

    def care(self, task: str) -> dict | None:
        """How a downloaded task is looked after when it is unpacked; None for all others."""
        if not self.study.is_fetched:
            return None
        row = read_task_table()[task]
        return {"folders": row["folders"].split(";"), "embedding_type": row["embedding_type"]}
