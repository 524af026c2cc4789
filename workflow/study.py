"""One study: its tasks and models, and where everything lies.

The only place that maps models to embeddings and embeddings to stored components, so that what is
computed once is shared by every variant that needs it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from hear.mini import GENERATOR_VERSION
from hear.models import source_hash
from passt.checkpoints import FRONT_END_VERSION
from passt.variants import Embedding
from workflow.claims import official_models, read_claims
from workflow.config import check_config
from workflow.hear2021 import coverage
from workflow.jobs import batches
from workflow.models import (
    read_checkpoints,
    read_evaluator,
    read_highlight,
    read_models,
    read_protocol,
)
from workflow.tasks import TaskSpec, find_tasks, read_task_table

FIGURES = range(4, 11)  # the paper's figures that need scores


class Study:
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
        for key in ("tasks", "mini_tasks", "select_models", "highlight"):  # a single name is a list of one
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

    def label(self) -> str:
        """The line that every figure carries: which study, which tasks, weights and protocol."""
        n = len(self.tasks)
        if self.is_generated:
            tasks = f"{n} generated mini tasks (analogs, not the HEAR 2021 tasks)"
        elif self.is_fetched:
            tasks = coverage(read_task_table(), list(self.tasks))
        else:
            kind = "HEAR 2021 task" if self.is_real else "task"
            tasks = f"{n} {kind}{'s' * (n > 1)} from {Path(self.config['task_dir']).name}"
            tasks += "" if self.is_real else " (recordings of this user, not the HEAR 2021 suite)"
        epochs = self.protocol.max_epochs_cap or self.protocol.max_epochs
        protocol = f"protocol {self.protocol.name}"
        if self.protocol.deviations():
            protocol += f" ({self.protocol.n_grid_points} grid points, at most {epochs} epochs)"
        if self.evaluator["name"] != "native":
            protocol += f", evaluated by {self.evaluator['name']} itself"
        seeds = ", ".join(map(str, self.config["probe_seeds"]))
        parts = (f"Study {self.name}: {tasks}", *self._weights(), protocol, f"probe seeds {seeds}")
        return " \u00b7 ".join(parts)

    def _weights(self) -> list[str]:
        """What to say of the PaSST weights, unless they are the released ones."""
        ids = {m.variant.checkpoint for m in self.models.values() if m.variant}
        used = [checkpoint for id, checkpoint in self.checkpoints.items() if id in ids]
        own = [c.id for c in used if c.url is None and not c.is_random]
        if own:
            return [f"PaSST weights not the released ones ({', '.join(own)})"]
        return ["PaSST weights random-init"] if used and all(c.is_random for c in used) else []

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
        return json.dumps(facts | {"front_end": FRONT_END_VERSION}, sort_keys=True)

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

    def validated(self, task: str, batch: str) -> list[str]:
        """Reports of the validation of the third-party models of one embedding job."""
        sources = [entry["source"] for entry in self.embed_entries(task, batch)]
        return [f"results/{self.name}/models/{s}.json" for s in sources if s in self.third_party()]

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

    # Jobs: what one of them computes, in plain types, and the list that it leaves when it is done.

    def embed_batches(self, task: str) -> dict[str, list[str]]:
        """Views (``source.view``) of each embedding job of a task."""
        return batches(self.views(task), self.config["job_size"])

    def predict_batches(self, task: str) -> dict[str, list[str]]:
        """Embeddings of each prediction job of a task."""
        embeddings = self.embeddings_of(self.tasks[task].embedding_type).values()
        return batches(embeddings, self.config["job_size"])

    def embed_entries(self, task: str, batch: str) -> list[dict]:
        """Checkpoints and models of one embedding job, each with its views and their folders."""
        views: dict[str, dict[str, str]] = {}
        for name in self.embed_batches(task)[batch]:
            source, view = name.split(".")
            views.setdefault(source, {})[view] = self.features(source, task, view)
        return [
            {
                "source": source,
                "checkpoint": self.config["checkpoints"].get(source),
                "model": self.module_entry(source),
                "settings": self.fingerprint(source),
                "views": of_source,
            }
            for source, of_source in views.items()
        ]

    def embed_weights(self, task: str, batch: str) -> list[str]:
        """Weight files that one embedding job depends on."""
        entries = self.embed_entries(task, batch)
        return sorted({path for entry in entries for path in self.weights(entry["source"])})

    def predict_entries(self, task: str, batch: str) -> list[dict]:
        """Embeddings of one prediction job, with their components and file of predictions."""
        return [
            {
                "embedding": embedding,
                "components": self.component_paths(embedding, task),
                "predictions": self.predictions(embedding, task),
            }
            for embedding in self.predict_batches(task)[batch]
        ]

    def embedded(self, task: str) -> list[str]:
        """Lists that the embedding jobs of a task leave."""
        jobs = self.embed_batches(task)
        return [f"results/{self.name}/features/{task}.{batch}.json" for batch in jobs]

    def predicted(self, task: str) -> list[str]:
        """Lists that the prediction jobs of a task leave."""
        return [
            f"results/{self.name}/predictions/{task}.{batch}.seed{seed}.json"
            for batch in self.predict_batches(task)
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

    # Exhibits: what the figures and tables of this study are called and show.

    @property
    def normalization(self) -> str:
        """What normalized scores are divided by: official entries only beside the real tasks."""
        return "best HEAR 2021 entry" if self.is_real else "best model of this run"

    def official(self, table: str) -> list[str]:
        """A table of the official study that the real tasks are compared with; else nothing."""
        return [f"results/official/{table}.csv"] if self.is_real else []

    @property
    def judged_model(self) -> str | None:
        """The model that published scores of PaSST base can judge; None if there is none.

        That takes the real tasks and the released weights of hop 10.
        """
        model = self.models.get("passt_mh_hop10")
        if not self.is_real or model is None or model.variant is None:
            return None
        entry = self.config["checkpoints"][model.variant.checkpoint]
        return model.id if entry.get("released") == "passt_hop10" else None

    def kinds(self) -> list[str]:
        """Kinds of task that the study has: ``scene``, ``event`` or both."""
        return [kind for kind in ("scene", "event") if self.tasks_of(kind)]

    def model_labels(self) -> dict[str, str]:
        """Display name of each model."""
        return {id: model.label for id, model in self.models.items()}

    def task_labels(self) -> dict[str, str]:
        """Display name of each task: the paper's where it has one, marked if it is an analog."""
        table = read_task_table()
        mark = "mini " if self.is_generated else ""
        return {slug: mark + table.get(slug, {}).get("name", slug) for slug in self.tasks}

    # Comparisons: intervals, claims, the leaderboard.

    def known_names(self) -> tuple[list[str], list[str]]:
        """Models and tasks that a claim may name, whether this study runs them or not."""
        models = [*self.config["models"], *official_models()]
        return models, [*read_task_table(), *self.tasks]

    def replicates(self) -> dict[str, str]:
        """The file of resampled scores, as an input of a rule."""
        return {"replicates": f"results/{self.name}/replicates.npz"}

    def measured(self) -> dict[str, str]:
        """The file of measured costs, as an input of a rule."""
        return {"measured": f"results/{self.name}/measure.csv"}

    def task_embeddings(self) -> dict[str, dict[str, str]]:
        """Embedding of every model by task."""
        return {
            task: {entry["model"]: entry["embedding"] for entry in self.score_entries(task)}
            for task in self.tasks
        }

    def words(self) -> dict:
        """What figures and captions call things."""
        return {
            "label": self.label(),
            "normalization": self.normalization,
            "models": self.model_labels(),
            "tasks": self.task_labels(),
            "event_tasks": self.tasks_of("event"),
        }

    @property
    def report(self) -> str:
        """The page with every exhibit."""
        return f"results/{self.name}/report.html"

    def exhibits(self) -> list[str]:
        """Every figure and table of the study."""
        tables = ["table_2", "tasks", "compare"] + ["reproduction"] * bool(self.judged_model)
        return [
            *exhibit_paths(self.name, (3, *FIGURES)),
            *(f"results/{self.name}/tables/{name}.csv" for name in tables),
            f"results/{self.name}/measure.csv",
        ]


def exhibit_paths(study: str, figures: Iterable[int]) -> list[str]:
    """Paths of a study's figures, their numbers, and its tables."""
    drawn = [
        f"results/{study}/figures/figure_{figure}.{kind}"
        for figure in figures
        for kind in ("pdf", "png", "svg", "csv")
    ]
    tables = [f"results/{study}/tables/{table}.csv" for table in ("table_1", "scores")]
    drawn += [f"results/{study}/figures/ranks.{kind}" for kind in ("pdf", "png", "svg", "csv")]
    tables += [f"results/{study}/{table}.csv" for table in ("statistics", "claims")]
    return [*drawn, *tables, f"results/{study}/scores.csv", f"results/{study}/summary.csv"]
