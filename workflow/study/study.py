"""One study: its tasks and models, and where everything lies.

The only place that maps models to embeddings and embeddings to stored components, so that what is
computed once is shared by every variant that needs it.
"""

from __future__ import annotations

import dataclasses
import json

from hear.api.source import source_hash
from mini.task import GENERATOR_VERSION
from passt.checkpoints import FRONT_END_VERSION
from passt.variants import Embedding
from workflow.study.claims import official_models, read_claims
from workflow.study.config import ConfigError, check_config, unknown
from workflow.study.exhibits import StudyExhibits
from workflow.study.models import (
    read_checkpoints,
    read_evaluator,
    read_highlight,
    read_models,
    read_protocol,
)
from workflow.study.study_jobs import StudyJobs
from workflow.study.tasks import TaskSpec, find_tasks


class Study(StudyJobs, StudyExhibits):
    """A checked config and everything that follows from it.

    Parameters
    ----------
    config : dict

    Raises
    ------
    ConfigError
        Before anything runs: unknown keys, models whose checkpoint is not there, tasks that do
        not exist.
    """

    def __init__(self, config: dict) -> None:
        # A single name is a list of one.
        for key in ("tasks", "mini_tasks", "select_models", "highlight"):
            if isinstance(config.get(key), str) and config[key] != "all":
                config = config | {key: [config[key]]}
        check_config(config)
        self.config = config
        self.name: str = config["study"]
        self.tasks: dict[str, TaskSpec] = find_tasks(config)
        self.checkpoints = read_checkpoints(config)
        self.models = read_models(config, self.checkpoints)
        self.highlight = read_highlight(config, official_models())
        self.protocol = read_protocol(config, "mini" if self.is_generated else "reference")
        self.evaluator = read_evaluator(config)
        for task in set(config["shards"]) - set(self.tasks):
            raise ConfigError(f"config: shards: {unknown(task, self.tasks)}")
        read_claims(config["claims"], *self.known_names())

    @property
    def is_generated(self) -> bool:
        """True if the tasks are the generated mini tasks."""
        return self.config.get("task_dir") is None and not self.is_fetched

    @property
    def is_fetched(self) -> bool:
        """True if the tasks are HEAR 2021's, downloaded."""
        return self.config["tasks_from"] == "hear2021"

    @property
    def is_real(self) -> bool:
        """True if every task is one of HEAR 2021's, in its official version."""
        return not self.is_generated and all(spec.is_official for spec in self.tasks.values())

    @property
    def source(self) -> str:
        """Folder of the tasks below resources/tasks."""
        if self.is_fetched:
            return "hear2021"  # studies share what was downloaded
        return "mini" if self.is_generated else self.name

    def models_of(self, embedding_type: str) -> list[str]:
        """Ids of the models that have an embedding for this kind of task."""
        return [id for id, model in self.models.items() if model.embedding(embedding_type)]

    def embeddings_of(self, embedding_type: str) -> dict[str, str]:
        """Canonical embedding of each model that has one."""
        return {
            id: self.models[id].embedding(embedding_type) for id in self.models_of(embedding_type)
        }

    def tasks_of(self, embedding_type: str) -> list[str]:
        """Slugs of the study's tasks of one kind, ``scene`` or ``event``."""
        return [s for s, spec in self.tasks.items() if spec.embedding_type == embedding_type]

    def components(self, embedding: str) -> list[tuple[str, str, str]]:
        """(checkpoint or model, view, level) triples of an embedding, in order."""
        source, _, rest = embedding.partition(".")
        if source in self.checkpoints:
            return [(source, *pair) for pair in Embedding.parse(embedding).components]
        view, level = rest.split(".")
        return [(source, view, level)]

    def fingerprint(self, source: str) -> str:
        """What the embeddings of a checkpoint or model depend on, beside the audio and weights."""
        if source in self.checkpoints:
            checkpoint = dataclasses.replace(self.checkpoints[source], id="", url=None)
            facts = dataclasses.asdict(checkpoint)
        else:
            model = self.models[source]
            facts = {"module": source_hash(model.module), "options": model.options}
            facts |= {"packages": model.packages} if model.packages else {}
        storage, precision = (self.config["embedding"][key] for key in ("storage", "precision"))
        facts |= {"storage": storage, "precision": precision, "front_end": FRONT_END_VERSION}
        return json.dumps(facts, sort_keys=True)

    def weights(self, source: str) -> list[str]:
        """Weight files that the embeddings of a checkpoint or model depend on."""
        if source in self.checkpoints:
            file = self.checkpoints[source].file
        else:
            file = self.models[source].weights
        return [file] if file else []

    def module_entry(self, source: str) -> dict | None:
        """Arguments of HearModel for a third-party model; None for a checkpoint."""
        if source in self.checkpoints:
            return None
        model = self.models[source]
        return {"module": model.module, "weights": model.weights, "options": model.options}

    def third_party(self) -> list[str]:
        """Ids of the models that are modules with the HEAR API."""
        return [id for id, model in self.models.items() if model.variant is None]

    def protocol_entry(self) -> dict:
        """The protocol in plain types, as jobs receive it."""
        return json.loads(json.dumps(dataclasses.asdict(self.protocol)))

    def generator_version(self, task: str) -> int | None:
        """Version of the generator for a mini task, so that a change makes the task again."""
        return GENERATOR_VERSION if self.tasks[task].is_generated else None

    # Paths, relative to the working directory.

    def manifest(self, task: str) -> str:
        """What is known of a task once it is there and checked."""
        return f"resources/tasks/{self.source}/{task}/task.json"

    @property
    def task_table(self) -> str:
        """Table of the study's tasks."""
        return f"results/{self.name}/tables/tasks.tsv"

    def features(self, source: str, task: str, view: str) -> str:
        """Folder of the stored components of one view."""
        return f"results/{self.name}/features/{source}/{task}/{view}"

    def views(self, task: str) -> list[str]:
        """Every view of every checkpoint and model that the task needs, as ``source.view``."""
        embeddings = self.embeddings_of(self.tasks[task].embedding_type).values()
        triples = [triple for embedding in embeddings for triple in self.components(embedding)]
        return list(dict.fromkeys(f"{source}.{view}" for source, view, _ in triples))

    def component_paths(self, embedding: str, task: str) -> list[list[str]]:
        """Directory and level of every component of an embedding, in order."""
        return [[self.features(s, task, v), level] for s, v, level in self.components(embedding)]

    def predictions(self, embedding: str, task: str) -> str:
        """File of predictions; ``{seed}`` stands for the probe seed."""
        return f"results/{self.name}/predictions/{embedding}/{task}/seed{{seed}}.npz"

    def task_predictions(self, task: str) -> list[str]:
        """Predictions of every distinct embedding for one task, one file per probe seed."""
        embeddings = self.embeddings_of(self.tasks[task].embedding_type).values()
        return [
            self.predictions(embedding, task).format(seed=seed)
            for embedding in dict.fromkeys(embeddings)
            for seed in self.config["probe_seeds"]
        ]

    def score_entries(self, task: str) -> list[dict[str, str]]:
        """Model, label and embedding of every score file of one task."""
        embeddings = self.embeddings_of(self.tasks[task].embedding_type)
        return [
            {"model": id, "label": self.models[id].label, "embedding": embedding}
            for id, embedding in embeddings.items()
        ]

    def scores(self) -> list[str]:
        """Score files of every model and task."""
        return [
            f"results/{self.name}/scores/{model}/{task}.json"
            for task, spec in self.tasks.items()
            for model in self.models_of(spec.embedding_type)
        ]
