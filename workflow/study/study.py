"""A study as a value: its tasks, models and protocol, and their shared embeddings."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hear.probes import REFERENCE, Evaluation, Probe
from hear.protocol import Protocol
from hear.tasks.problems import EMBEDDING_TYPES
from passt.checkpoints import Checkpoint
from passt.variants import Embedding, blocks_of
from workflow.study.claims import official_models, read_claims
from workflow.study.config import ROOT, ConfigError, read_config, unknown
from workflow.study.models import (
    Model,
    read_checkpoints,
    read_evaluations,
    read_evaluator,
    read_highlight,
    read_models,
    read_protocol,
)
from workflow.study.tasks import TaskSpec, find_tasks, left_out, official_tasks, read_task_table

SHIPPED_WEIGHTS = ROOT / "resources" / "checkpoints_mini"


@dataclass(frozen=True)
class Study:
    """Tasks, models and settings of a study, whose results go to ``results/<name>/``.

    ``origin`` is the source of the tasks: ``mini`` (generated), ``hear2021`` (downloaded),
    ``folder`` (the user's), or ``leaderboard`` for the official scores, which need no task.
    """

    name: str
    origin: str
    tasks: dict[str, TaskSpec]
    config: dict = field(default_factory=dict)  # complete; empty for the leaderboard
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)  # those that are run
    protocol: Protocol = Protocol()
    evaluator: dict[str, str] = field(default_factory=dict)  # for hear.evaluators.evaluator
    evaluations: tuple[Evaluation, ...] = (REFERENCE,)  # the first is that of exhibits and claims
    highlight: tuple[str, ...] = ()  # ids of the models that stand out in figures
    notices: tuple[str, ...] = ()  # what a user should know before it runs

    @property
    def is_real(self) -> bool:
        """True if every task is one of HEAR 2021's, in its official version."""
        return all(spec.is_official for spec in self.tasks.values())

    @property
    def is_rehearsal(self) -> bool:
        """True if archives and weights are stand-ins, with generated audio and random values."""
        return self.config.get("rehearsal") is not None

    @property
    def third_party(self) -> list[str]:
        """Ids of the models that are modules with the HEAR API."""
        return [id for id, model in self.models.items() if model.variant is None]

    @property
    def controls(self) -> list[str]:
        """Ids of the models excluded from maxima; none if all models are controls."""
        found = [id for id, model in self.models.items() if model.is_control]
        return [] if len(found) == len(self.models) else found

    @property
    def validated(self) -> list[str]:
        """Ids of models to validate before embedding: modules, and weights from elsewhere."""
        files = {c.id: os.path.abspath(c.file) for c in self.used_checkpoints if c.file}
        own = [id for id, file in files.items() if not Path(file).is_relative_to(SHIPPED_WEIGHTS)]
        return [*self.third_party, *own]

    @property
    def kinds(self) -> list[str]:
        """Kinds of task that the study has: ``scene``, ``event`` or both."""
        return [kind for kind in EMBEDDING_TYPES if self.tasks_of(kind)]

    @property
    def embeds_by_task(self) -> bool:
        """True if one job embeds all views of a task.

        This is required if levels include blocks, because a rule per view cannot name their files.
        """
        levels = {level for kind in self.kinds for *_, level in self.components_of(kind)}
        return self.config["job_size"] == "task" or bool(blocks_of(levels))

    @property
    def seeds(self) -> list[int]:
        """Probe seeds."""
        return self.config.get("probe_seeds", [])

    @property
    def probe(self) -> Probe:
        """The probe of exhibits and claims."""
        return self.evaluations[0].probe

    def seeds_of(self, evaluation: Evaluation) -> list[int]:
        """Seeds in the names of an evaluation's predictions; 0 where none changes anything."""
        return self.seeds if evaluation.has_seed else [0]

    def evaluations_of(self, kind: str) -> list[Evaluation]:
        """Evaluations of tasks of one kind."""
        return [one for one in self.evaluations if kind in one.probe.kinds]

    @property
    def used_checkpoints(self) -> list[Checkpoint]:
        """Checkpoints of the models that are run, in the config's order."""
        used = {model.variant.checkpoint for model in self.models.values() if model.variant}
        return [checkpoint for id, checkpoint in self.checkpoints.items() if id in used]

    @property
    def judged_model(self) -> str | None:
        """The model to compare with published scores of PaSST base; None if there is none.

        Requires the real tasks, the released weights of hop 10 and heareval's probe.
        """
        model = self.models.get("passt_mh_hop10")
        if not self.is_real or model is None or model.variant is None or self.probe.name != "mlp":
            return None
        entry = self.config["checkpoints"][model.variant.checkpoint]
        return model.id if entry.get("released") == "passt_hop10" else None

    def tasks_of(self, kind: str) -> list[str]:
        """Slugs of the tasks of one kind."""
        return [s for s, spec in self.tasks.items() if spec.embedding_type == kind]

    def embeddings_of(self, kind: str) -> dict[str, str]:
        """Canonical embedding of each model that has one for this kind of task, by id."""
        found = {id: model.embedding(kind) for id, model in self.models.items()}
        return {id: embedding for id, embedding in found.items() if embedding is not None}

    def components(self, embedding: str) -> list[tuple[str, str, str]]:
        """(checkpoint or model, view, level) triples of an embedding, in order."""
        source, _, rest = embedding.partition(".")
        if source in self.checkpoints:
            return [(source, *pair) for pair in Embedding.parse(embedding).components]
        view, level = rest.split(".")
        return [(source, view, level)]

    def components_of(self, kind: str) -> list[tuple[str, str, str]]:
        """(checkpoint or model, view, level) triples that tasks of one kind need, each once."""
        embeddings = dict.fromkeys(self.embeddings_of(kind).values())
        triples = (triple for embedding in embeddings for triple in self.components(embedding))
        return list(dict.fromkeys(triples))

    def views(self, kind: str) -> list[tuple[str, str]]:
        """(checkpoint or model, view) pairs that tasks of one kind need, each once."""
        return list(dict.fromkeys((source, view) for source, view, _ in self.components_of(kind)))


def read_study(config: dict) -> Study:
    """Build the study of a config as a user writes it (`workflow.study.config.read_config`).

    ConfigError, before anything runs, for unknown keys, models with missing checkpoints, unknown
    tasks, or two models with the same label.
    """
    config = read_config(config)
    origin = config["tasks_from"] if config["task_dir"] is None else "folder"
    tasks = find_tasks(config)
    checkpoints = read_checkpoints(config)
    models = read_models(config, checkpoints)
    study = Study(
        name=config["study"],
        origin=origin,
        tasks=tasks,
        config=config,
        checkpoints=checkpoints,
        models=models,
        protocol=read_protocol(config, "mini" if origin == "mini" else "reference"),
        evaluator=read_evaluator(config),
        evaluations=read_evaluations(config),
        highlight=tuple(read_highlight(config, official_models())),
        notices=_without_sources(left_out(config)),
    )
    _check_labels(models, official_models() if study.is_real else ())
    _check_leaderboard(config)
    read_claims(config["claims"], *known_names(study))
    return _with_tasks(study)


def leaderboard_study() -> Study:
    """The official HEAR 2021 scores as a study: exhibits without any compute."""
    return Study(name="official", origin="leaderboard", tasks=official_tasks())


def known_names(study: Study) -> tuple[list[str], list[str]]:
    """Models and tasks that a claim may name, whether the study runs them or not."""
    models = [*study.config.get("models", ()), *official_models()]
    return models, [*read_task_table(), *study.tasks]


def _check_labels(models: dict[str, Model], entries: Iterable[str]) -> None:
    """Check that labels, which identify models on exhibits, are unique.

    With official scores, they must also differ from leaderboard entries. Labels that differ only in
    blanks or in the Unicode form of accents count as equal.
    """
    owners: dict[str, str] = {_looks(name): f"HEAR leaderboard entry {name}" for name in entries}
    for id, model in models.items():
        owner = owners.setdefault(_looks(model.label), id)
        if owner != id:
            raise ConfigError(
                "config: models: expected a different label for each model, found "
                f"{model.label!r} for {owner}, {id}"
            )


def _looks(label: str) -> str:
    return " ".join(unicodedata.normalize("NFC", label).split())


def _check_leaderboard(config: dict) -> None:
    model = config["leaderboard"]["model"]
    if model not in config["models"]:
        raise ConfigError(f"config: leaderboard.model: {unknown(model, config['models'])}")


def _without_sources(lacking: dict[str, str]) -> tuple[str, ...]:
    """Notice about dropped tasks, from tasks and the wheels that they lack."""
    listed = ", ".join(f"{task} ({wheels})" for task, wheels in lacking.items())
    said = "tasks whose sound sources are not installed are left out; some platforms lack them"
    return (f"{said}: {listed}",) if lacking else ()


def _with_tasks(study: Study) -> Study:
    """Drop tasks of kinds that no model or not the first probe supports, with a notice.

    For example, level L alone exists at timestamps only. ConfigError if no task is left.
    """
    why = {
        kind: f"select_models: none of {', '.join(study.models)} has an embedding for {kind} tasks"
        for kind in study.kinds
        if not study.embeddings_of(kind)
    }
    why |= {
        kind: f"probes: {study.probe.name}, the first, cannot evaluate {kind} tasks"
        for kind in study.kinds
        if kind not in study.probe.kinds
    }
    notices = tuple(
        f"{reason}; left out: {', '.join(study.tasks_of(kind))}" for kind, reason in why.items()
    )
    tasks = {s: spec for s, spec in study.tasks.items() if spec.embedding_type not in why}
    if not tasks:
        raise ConfigError(f"config: {'; '.join(notices)}; no task is left")
    return replace(study, tasks=tasks, notices=(*study.notices, *notices))
