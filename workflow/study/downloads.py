"""Downloads of a study, with expected sizes and hashes.

Existing files, and archives of existing tasks, are not listed, so that later changes of the code or
the config do not download them again or redo tasks made from them.
"""

from __future__ import annotations

from pathlib import Path

from passt.checkpoints import GITHUB
from passt.lengths import SAMPLE_RATE_HZ
from workflow.fetch.space import ARCHIVES, Need
from workflow.study import paths
from workflow.study.archives import ARCHIVE_RATE_HZ, audio_bytes
from workflow.study.study import Study
from workflow.study.tasks import read_task_table, sized_tasks


def kept_tasks(study: Study) -> set[str]:
    """Tasks whose archives have been deleted; they are kept unchanged.

    To make such a task again, delete its folder below `resources/tasks/`.
    """
    if study.origin != "hear2021":
        return set()
    return {
        slug
        for slug, spec in study.tasks.items()
        if not all(path.exists() for path in spec.sources)
        and Path(paths.manifest(study, slug)).exists()
    }


def missing_archives(study: Study) -> list[str]:
    """Names of missing archives of tasks that are still to be made."""
    if study.origin != "hear2021":
        return []
    kept = kept_tasks(study)
    sources = [
        path for slug in study.tasks if slug not in kept for path in study.tasks[slug].sources
    ]
    return sorted({path.name for path in sources if not path.exists()})


def missing_checkpoints(study: Study) -> dict[str, str]:
    """Address of each missing released file that a model needs, by file name."""
    site = study.config["download"]["github"].rstrip("/")
    return {
        Path(c.file).name: c.url.replace(GITHUB, site)
        for c in study.used_checkpoints
        if c.file and c.url and not Path(c.file).exists()
    }


def missing_space(study: Study) -> list[Need]:
    """Disk space of the missing tasks, with upper bounds for archives."""
    table, needs = sized_tasks(study.config), []
    copied = 0 if study.config["resample"] == "on_the_fly" else SAMPLE_RATE_HZ / ARCHIVE_RATE_HZ
    for slug, spec in study.tasks.items():
        if Path(paths.manifest(study, slug)).exists():
            continue
        n_bytes = audio_bytes(table[slug])
        size = n_bytes // len(spec.sources)
        archives = {path.name: size for path in spec.sources if path.parent == ARCHIVES}
        needs.append(Need(slug, archives, n_bytes, round(n_bytes * copied)))
    return needs


def expected_folders(study: Study, task: str) -> dict | None:
    """Folders and kind that a downloaded task must have; None for all others."""
    if study.origin != "hear2021":
        return None
    row = read_task_table()[task]
    return {"folders": row["folders"].split(";"), "embedding_type": row["embedding_type"]}


def task_of_archive(study: Study, archive: str) -> str:
    """Slug of the task that an archive belongs to."""
    return next(s for s, spec in study.tasks.items() if archive in [p.name for p in spec.sources])
