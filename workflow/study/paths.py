"""Paths of a study, relative to the working directory.

Patterns of rules keep Snakemake's wildcards ``{study}``, ``{task}`` and ``{seed}``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from hear.api.source import LEVEL
from hear.features.names import COST, INDEX
from hear.probes import REFERENCE, Evaluation
from hear.tasks.problems import EMBEDDING_TYPES
from mini.task import Scale
from passt.variants import blocks_of
from workflow.study.config import ConfigError
from workflow.study.study import Study


def manifest(study: Study, task: str) -> str:
    """Manifest of a checked task."""
    return f"resources/tasks/{collection(study)}/{task}/task.json"


def log_folders(study: Study) -> list[str]:
    """Folders of the logs of a study and of its tasks."""
    return [f"logs/{study.name}", f"logs/{collection(study)}"]


def collection(study: Study) -> str:
    """Folder of the tasks below resources/tasks; studies share what was generated or fetched."""
    if study.origin == "folder":
        return study.name
    if study.origin != "mini":
        return study.origin
    scale, seed = study.config["mini_scale"], study.config["seed"]
    sizes = f"-{scale['train']:g}-{scale['test']:g}" if scale != asdict(Scale()) else ""
    return f"mini{sizes}{f'-seed{seed}' if seed else ''}"  # no study has a name with -


def levels(study: Study, source: str, view: str) -> list[str]:
    """Levels that are stored of one pass over a view: M and H, and blocks that a model asks for."""
    if source in study.third_party:
        return [LEVEL]
    if view == "mel":
        return ["L"]
    needed = {part for kind in EMBEDDING_TYPES for part in study.components_of(kind)}
    blocks = {level for s, v, level in needed if (s, v) == (source, view) and blocks_of([level])}
    return ["M", "H", *sorted(blocks)]


def feature_files(study: Study, kind: str) -> list[str]:
    """Every file that embedding a task of one kind makes, as patterns of ``{study}, {task}``."""
    return [
        f"results/{{study}}/features/{source}/{{task}}/{view}/{name}"
        for source, view in study.views(kind)
        for name in view_files(levels(study, source, view))
    ]


def view_files(levels: Iterable[str]) -> list[str]:
    """Files of one view: an array per level, the index, and what it cost."""
    return [*(f"{level}.npy" for level in levels), INDEX, COST]


def features(study: Study, source: str, task: str, view: str) -> str:
    """Folder of one view of a task."""
    return f"results/{study.name}/features/{source}/{task}/{view}"


def components(study: Study, embedding: str, task: str) -> list[tuple[Path, str]]:
    """Directory and level of every component of an embedding of a task, in order."""
    return [
        (Path(features(study, source, task, view)), level)
        for source, view, level in study.components(embedding)
    ]


def embedding_inputs(study: Study, embeddings: list[str], task: str) -> list[str]:
    """Arrays and indices that make up embeddings of a task, each once."""
    found = [
        f"{features(study, source, task, view)}/{name}"
        for embedding in embeddings
        for source, view, level in study.components(embedding)
        for name in (f"{level}.npy", INDEX)
    ]
    return list(dict.fromkeys(found))


def cost(study: Study, source: str, task: str, view: str) -> str:
    """Cost file of one view of a task."""
    return f"{features(study, source, task, view)}/{COST}"


def costs(study: Study, task: str) -> list[str]:
    """Cost files of all views of a task."""
    views = study.views(study.tasks[task].embedding_type)
    return [cost(study, source, task, view) for source, view in views]


def probe(study: Study, evaluation: Evaluation) -> str:
    """Folder of predictions: the evaluation and the protocol that its probe is trained by."""
    return f"{evaluation.name}-{study.protocol.name}"


def probes(study: Study, kind: str) -> dict[str, Evaluation]:
    """Evaluations of tasks of one kind by their folders of predictions."""
    return {probe(study, one): one for one in study.evaluations_of(kind)}


def prediction_files(study: Study, kind: str) -> list[str]:
    """Files of predictions of a task of one kind, patterns of ``{study, probe, task, seed}``."""
    return [
        prediction(embedding) for embedding in dict.fromkeys(study.embeddings_of(kind).values())
    ]


def prediction(embedding: str) -> str:
    """Predictions on an embedding, as a pattern of ``{study, probe, task, seed}``."""
    return f"results/{{study}}/predictions/{{probe}}/{embedding}/{{task}}/seed{{seed}}.npz"


def predictions(study: Study, task: str, evaluation: Evaluation) -> list[str]:
    """Predictions of every distinct embedding for one task, one file per probe seed."""
    folder = probe(study, evaluation)
    return [
        pattern.format(study=study.name, probe=folder, task=task, seed=seed)
        for pattern in prediction_files(study, study.tasks[task].embedding_type)
        for seed in study.seeds_of(evaluation)
    ]


def all_predictions(study: Study, task: str) -> list[str]:
    """Predictions of every evaluation for one task."""
    evaluations = study.evaluations_of(study.tasks[task].embedding_type)
    return [path for one in evaluations for path in predictions(study, task, one)]


def score_file(model: str, evaluation: Evaluation) -> str:
    """Scores of a model, as a pattern of ``{study}, {task}``; the evaluation is named but one."""
    name = "" if evaluation == REFERENCE else f".{evaluation.name}"
    return f"results/{{study}}/scores/{model}/{{task}}{name}.json"


def score_files(study: Study, kind: str) -> list[str]:
    """Score files of every model of a task of one kind, as patterns of ``{study}, {task}``."""
    return [
        score_file(model, evaluation)
        for evaluation in study.evaluations_of(kind)
        for model in study.embeddings_of(kind)
    ]


def replicates(study: Study, evaluation: Evaluation) -> str:
    """Bootstrapped scores of an evaluation."""
    return f"results/{study.name}/replicates/{probe(study, evaluation)}.npz"


def scores(study: Study) -> list[str]:
    """Score files of every model and task."""
    return [
        pattern.format(study=study.name, task=task)
        for task, spec in study.tasks.items()
        for pattern in score_files(study, spec.embedding_type)
    ]


def stored(study: Study) -> list[str]:
    """Features and predictions of every task: targets, so that a deleted file is made again."""
    found = []
    for task, spec in study.tasks.items():
        patterns = feature_files(study, spec.embedding_type)
        found += [pattern.format(study=study.name, task=task) for pattern in patterns]
        found += all_predictions(study, task)
    return found


def refuse_former_results(study: Study) -> None:
    """Raise ConfigError for a folder with results of passt-hear 0.1, which has another layout."""
    folder = Path("results") / study.name
    former = [*folder.glob("features/*.json"), *folder.glob("predictions/*.json")]
    if former:
        raise ConfigError(
            f"{folder} holds results of passt-hear 0.1 ({former[0]}), whose features and "
            "predictions have other places; move the folder away, or choose another study name "
            "with --config study=NAME"
        )
