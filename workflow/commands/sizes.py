"""How large a study is before anything is there: its tasks by published sizes, its variants."""

from __future__ import annotations

from pathlib import Path

import yaml
from snakemake.utils import update_config

from mini.registry import MINI_TASKS, find_mini_task
from passt.checkpoints import Checkpoint
from passt.variants import Variant
from workflow.commands.cost import Workload
from workflow.study.config import ConfigError
from workflow.study.models import read_models, selected_models
from workflow.study.tasks import read_task_table

DEFAULT = Path(__file__).parents[2] / "config" / "config.yaml"
# config/tasks.tsv gives no duration where clips differ much: FSD50K has 51,197 clips of 108.3 hours
# (Fonseca et al. 2022, "FSD50K: an open dataset of human-labeled sound events").
MEAN_DURATION_S = {"fsd50k": 108.3 * 3600 / 51_197}


def read_config(path: Path) -> dict:
    """Read a config merged over the default one, as ``--configfile`` does."""
    config = yaml.safe_load(DEFAULT.read_text())
    update_config(config, yaml.safe_load(path.read_text()))
    return config


def study_workloads(config: dict) -> tuple[list[Workload], bool]:
    """The tasks of a study, and whether they are generated ones.

    Raises
    ------
    ConfigError
        If the tasks are the user's own, whose sizes nobody has published.
    """
    if config.get("task_dir") is not None:
        raise ConfigError(
            "config: task_dir: only the sizes of HEAR 2021's tasks and of the mini tasks are known "
            f"beforehand, found {config['task_dir']!r}"
        )
    is_generated = config.get("tasks_from") != "hear2021"
    workloads = mini_workloads(config) if is_generated else hear_workloads()
    if config["tasks"] != "all":
        workloads = [work for work in workloads if work.name in config["tasks"]]
    return workloads, is_generated


def hear_workloads() -> list[Workload]:
    """The 19 tasks of HEAR 2021 by config/tasks.tsv; a task of two folders is embedded twice."""
    workloads = []
    for slug, row in read_task_table().items():
        n_clips = int(row["n_clips"]) * len(row["folders"].split(";"))
        duration_s = float(row["duration_s"] or MEAN_DURATION_S[slug])
        workloads.append(Workload(slug, row["embedding_type"] == "event", n_clips, duration_s))
    return workloads


def mini_workloads(config: dict) -> list[Workload]:
    """The generated tasks that a config selects."""
    selected = config["mini_tasks"]
    slugs = list(MINI_TASKS) if selected == "all" else selected
    workloads = []
    for slug in slugs:
        task = find_mini_task(slug)
        n_clips = sum(sum(part.n_clips.values()) for part in task.parts)
        # of clips that differ in length, half of shortest and longest
        duration_s = task.duration_s or sum(task.duration_range_s) / 2
        workloads.append(Workload(slug, task.embedding_type == "event", n_clips, duration_s))
    return workloads


def n_folds(slug: str, is_generated: bool) -> int:
    """Folds of a task, 1 where it has a training, a validation and a test part."""
    if not is_generated:
        return int(read_task_table()[slug]["n_folds"])
    task = find_mini_task(slug)
    return 1 if task.split_mode == "trainvaltest" else len(task.n_clips)


def read_third_party(config: dict) -> dict[str, dict]:
    """Arguments of HearModel of the third-party models that a config selects, by id."""
    entries = {id: entry for id, entry in selected_models(config).items() if "module" in entry}
    keys = {"module": "", "weights": "", "options": {}}
    return {id: {k: e.get(k, default) for k, default in keys.items()} for id, e in entries.items()}


def read_variants(config: dict) -> tuple[dict[str, Variant], dict[str, Checkpoint]]:
    """PaSST variants that a config selects, and its checkpoints, whose files need not be there.

    Raises
    ------
    ConfigError
        If an entry cannot be read.
    """
    checkpoints = {
        id: Checkpoint.from_config(id, entry) for id, entry in config["checkpoints"].items()
    }
    models = read_models(config, checkpoints)
    variants = {id: model.variant for id, model in models.items() if model.variant}
    if not variants:
        raise ConfigError("config: select_models: expected a variant of PaSST, found none")
    return variants, checkpoints
