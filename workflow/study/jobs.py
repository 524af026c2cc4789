"""Parameters of jobs, in plain types: what one of them embeds, predicts or scores."""

from __future__ import annotations

import dataclasses
import json
import math

from hear.api.environment import RECORD
from hear.api.source import source_hash
from hear.files import files_of
from hear.protocol import Protocol
from mini.task import GENERATOR_VERSION
from passt.checkpoints import FRONT_END_VERSION
from passt.lengths import SAMPLE_RATE_HZ, shortest_clip
from workflow.study import paths
from workflow.study.apis import APIS
from workflow.study.archives import shortest_clip_s
from workflow.study.config import shipped_path
from workflow.study.models import ENVIRONMENTS, Model
from workflow.study.study import Study
from workflow.study.tasks import read_task_table


def weights(study: Study, source: str) -> list[str]:
    """Weight files that the embeddings of a checkpoint or model depend on; all of a folder."""
    known = study.checkpoints.get(source)
    path = known.file if known else study.models[source].weights
    return list(map(str, files_of(path))) if path else []


def settings(study: Study, source: str) -> dict:
    """Settings on which a checkpoint's or model's embeddings depend, besides audio and weights."""
    facts = {key: study.config["embedding"][key] for key in ("storage", "precision")}
    facts["mkl_fast_path"] = study.config["mkl_fast_path"]
    if source in study.checkpoints:
        return facts | {"front_end": FRONT_END_VERSION}
    model = study.models[source]
    facts |= {"module": _module(model), "options": model.options}
    if adapter := APIS[model.api].adapter:
        facts |= {"api": model.api, "adapter": source_hash(shipped_path(adapter))}
    if model.worker is not None:
        environment = model.environment
        facts["environment"] = environment.name if environment else model.worker["python"]
    return facts


def _module(model: Model) -> str:
    """Hash of a module's source; its name where only another environment can find it, or none."""
    if not model.module or (model.worker is not None and not model.module.endswith(".py")):
        return model.module
    return source_hash(model.module)


def model_arguments(study: Study, source: str) -> dict | None:
    """Arguments of ``hear.api.model.HearModel`` for a third-party model, else None."""
    model = study.models.get(source)
    if model is None or source in study.checkpoints:
        return None
    module, options = model.module, model.options
    if adapter := APIS[model.api].adapter:
        options = options | ({"module": module} if module else {})
        module = shipped_path(adapter)
    return {
        "module": module,
        "weights": model.weights,
        "options": options,
        "worker": model.worker,
    }


def environments(study: Study, views: list[tuple[str, str]]) -> list[str]:
    """Records of the environments in which models among (source, view) pairs run."""
    models = [study.models[s] for s in dict.fromkeys(s for s, _ in views) if s in study.models]
    made = dict.fromkeys(m.environment.name for m in models if m.environment is not None)
    return [f"{ENVIRONMENTS}/{name}/{RECORD}" for name in made]


def environment(study: Study, name: str) -> dict:
    """Arguments of ``hear.api.environment.Environment`` for an environment of the study."""
    found = [m.environment for m in study.models.values() if m.environment is not None]
    return next(dataclasses.asdict(e) for e in found if e.name == name)


def validated(study: Study, views: list[tuple[str, str]]) -> list[str]:
    """Reports of the validation of those among (source, view) pairs that are validated."""
    sources = dict.fromkeys(source for source, _ in views)
    return [f"results/{study.name}/models/{s}.json" for s in sources if s in study.validated]


def shortest_clips_s(study: Study) -> dict[str, float]:
    """Length of the shortest clip of the study's HEAR 2021 tasks, by kind; others are unknown."""
    table, shortest = read_task_table(), dict[str, float]()
    for slug, spec in study.tasks.items():
        if spec.is_official:
            known = shortest.get(spec.embedding_type, math.inf)
            shortest[spec.embedding_type] = min(known, shortest_clip_s(table[slug]))
    return shortest


def generator(study: Study, task: str) -> int | None:
    """Version of the generator for a mini task, so that a change makes the task again."""
    return GENERATOR_VERSION if study.tasks[task].is_generated else None


def limits(study: Study, task: str) -> dict:
    """The shortest clip that all checkpoints embed, for ``hear.tasks.audio_checks.Limits``."""
    lengths = {
        f"{source}, {view}": shortest_clip(view, study.checkpoints[source].hop) / SAMPLE_RATE_HZ
        for source, view in study.views(study.tasks[task].embedding_type)
        if source in study.checkpoints
    }
    longest = max(lengths, key=lengths.__getitem__, default="")
    return {"shortest_s": lengths.get(longest, 0.0), "by": longest}


def embed_entries(study: Study, task: str, views: list[tuple[str, str]]) -> list[dict]:
    """Checkpoints and models of one embedding job: views, their folders and their levels."""
    return [
        {
            "source": source,
            "checkpoint": study.config["checkpoints"].get(source),
            "model": model_arguments(study, source),
            "settings": settings(study, source),
            "embedding": study.config["embedding"],
            "views": {v: paths.features(study, source, task, v) for s, v in views if s == source},
            "levels": {v: paths.levels(study, source, v) for s, v in views if s == source},
        }
        for source in dict.fromkeys(source for source, _ in views)
    ]


def predict_entries(study: Study, probe: str, task: str, embeddings: list[str]) -> list[dict]:
    """Embeddings of one prediction job: components, and file with ``{seed}`` in its name.

    ``probe`` is the folder of predictions.
    """
    fixed = {"study": study.name, "probe": probe, "task": task, "seed": "{seed}"}
    return [
        {
            "embedding": embedding,
            "components": [
                [str(folder), level] for folder, level in paths.components(study, embedding, task)
            ],
            "predictions": paths.prediction(embedding).format(**fixed),
        }
        for embedding in dict.fromkeys(embeddings)
    ]


def score_entries(study: Study, task: str) -> list[dict]:
    """Evaluations of one task: predictions, and of every model its facts and score file."""
    kind = study.tasks[task].embedding_type
    return [
        {
            "predictions": paths.predictions(study, task, evaluation),
            "models": {
                paths.score_file(id, evaluation).format(study=study.name, task=task): {
                    "model": id,
                    "label": study.models[id].label,
                    "embedding": embedding,
                    **evaluation.plain,
                }
                for id, embedding in study.embeddings_of(kind).items()
            },
        }
        for evaluation in study.evaluations_of(kind)
    ]


def cost_entries(study: Study) -> list[dict]:
    """Kind of every task, and by model the passes of its embedding with what each cost."""
    entries = []
    for task, spec in study.tasks.items():
        passes = {
            id: {
                f"{source}.{view}": paths.cost(study, source, task, view)
                for source, view, _ in study.components(embedding)
            }
            for id, embedding in study.embeddings_of(spec.embedding_type).items()
        }
        entries.append({"task": task, "embedding_type": spec.embedding_type, "passes": passes})
    return entries


def task_embeddings(study: Study) -> dict[str, dict[str, str]]:
    """Embedding of every model by task."""
    return {
        task: study.embeddings_of(spec.embedding_type)
        for task, spec in study.tasks.items()
        if study.models
    }


def plain(protocol: Protocol) -> dict:
    """A protocol in plain types, as jobs receive it."""
    return json.loads(json.dumps(dataclasses.asdict(protocol)))
