"""Exports of a study: which files they are, and what they say that the config decides."""

from __future__ import annotations

from pathlib import Path

import yaml

from mini.registry import LICENSES, MINI_TASKS
from workflow.study import exhibits, paths, words
from workflow.study.config import ROOT, shipped_path
from workflow.study.study import Study

CRATE_FILE = "ro-crate-metadata.json"  # the name is the format's
PARTS = ("workflow/Snakefile", "workflow/rules/*.smk", "workflow/scripts/*.py")


def directory_of(study: Study) -> str:
    """The folder of all exports but the crate and the Croissant metadata."""
    return f"results/{study.name}/export"


def files(study: Study) -> dict:
    """Every file that exporting a study makes, but the crate, by what it is.

    Files of Every Eval Ever are by model, MTEB's by model and task, Croissant metadata, beside the
    manifests of generated tasks, by task. ``sources`` are copies of the workflow's own files, with
    the files themselves.
    """
    folder = directory_of(study)
    found = sorted(path for part in PARTS for path in ROOT.glob(part))
    names = [path.relative_to(ROOT).as_posix() for path in found]
    return {
        "leaderboard": f"{folder}/leaderboard.csv",
        "config": f"{folder}/config.yaml",
        "every_eval_ever": {id: f"{folder}/every_eval_ever/{id}.json" for id in study.models},
        "mteb": {
            id: {task: f"{folder}/mteb/{id}/{task}.json" for task in _scored(study, id)}
            for id in study.models
        },
        "croissant": {
            task: str(Path(paths.manifest(study, task)).with_name("croissant.json"))
            for task, spec in study.tasks.items()
            if spec.is_generated
        },
        "sources": {f"{folder}/{name}": shipped_path(name) for name in names},
    }


def _scored(study: Study, model: str) -> list[str]:
    """Tasks that a model has scores on."""
    kinds = [kind for kind in study.kinds if study.evaluations_of(kind)]
    return [
        task
        for task, spec in study.tasks.items()
        if spec.embedding_type in kinds and model in study.embeddings_of(spec.embedding_type)
    ]


def results(study: Study) -> list[str]:
    """Results that the crate lists: all but features, predictions and replicates."""
    made = [file for file in exhibits.targets(study) if file.startswith(f"results/{study.name}/")]
    return sorted({*made, *paths.scores(study)})


def facts(study: Study) -> dict:
    """Facts for a study's exports, in plain types, as their job receives them.

    Names of generated tasks say that they are.
    """
    text = words.words(study)
    names = {
        task: f"generated {name}" if study.tasks[task].is_generated else name
        for task, name in text["tasks"].items()
    }
    return {
        "text": text | {"tasks": names},
        "real_tasks": [task for task, spec in study.tasks.items() if spec.is_official],
        "licenses": {task: _licenses(task) for task in files(study)["croissant"]},
        "config": yaml.safe_dump(study.config, sort_keys=False, width=100),
    }


def _licenses(task: str) -> list[str]:
    return sorted({LICENSES[wheel] for wheel in ("", *MINI_TASKS[task].needs) if wheel in LICENSES})
