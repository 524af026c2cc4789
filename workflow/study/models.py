"""The config's checkpoints, models and protocol, built and checked before anything runs."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hear.api.environment import Environment, read_environment
from hear.api.source import LEVEL, source_hash
from hear.probes import PROBES, Evaluation
from hear.protocol import Protocol
from passt.checkpoints import Checkpoint
from passt.lengths import check_receptive_field
from passt.variants import Variant, levels_of
from workflow.fetch.known import known_hash
from workflow.study.apis import APIS, find_api, load_options
from workflow.study.claims import PAPER_MODELS
from workflow.study.config import ConfigError, unknown

ENVIRONMENTS = "resources/environments"


@dataclass(frozen=True)
class Model:
    """A model of the study: a variant of PaSST, or a third-party module."""

    id: str
    label: str
    variant: Variant | None = None
    api: str = "hear"  # of workflow.study.apis, for a third-party model
    module: str = ""
    weights: str = ""
    options: dict = dataclasses.field(default_factory=dict)
    requires: tuple[str, ...] = ()  # packages, asked for where the job runs
    worker: dict | None = None  # arguments of `hear.api.remote.RemoteModule`
    environment: Environment | None = None  # to be made before; None if there is none to make
    is_control: bool = False  # sets no maximum that scores are divided by

    def embedding(self, embedding_type: str) -> str | None:
        """Canonical name of the embedding for ``scene`` or ``event`` tasks; None if none."""
        is_scene = embedding_type == "scene"
        if self.variant is None:
            return f"{self.id}.{'scene' if is_scene else 'timestamp'}.{LEVEL}"
        return self.variant.scene_embedding if is_scene else self.variant.timestamp_embedding


@contextmanager
def _naming(entry: str) -> Iterator[None]:
    """Turn errors about an entry of the config into ConfigError that names the entry."""
    try:
        yield
    except ValueError as error:
        raise ConfigError(f"config: {entry}: {error}") from error


def selected_models(config: dict) -> dict[str, dict]:
    """Entries of the models that the config selects, by id; ``all`` leaves out ``on_request``."""
    entries, selected = config["models"], config["select_models"]
    if selected == "all":
        return {id: entry for id, entry in entries.items() if not entry.get("on_request")}
    for id in selected:
        if id not in entries:
            raise ConfigError(f"config: select_models: {unknown(id, entries)}")
    return {id: entry for id, entry in entries.items() if id in selected}


def read_checkpoints(config: dict) -> dict[str, Checkpoint]:
    """Build all checkpoints; those that a selected model uses must have their hash.

    A released one may still have to be downloaded; any other must exist. ConfigError names the
    entry.
    """
    used = {entry.get("checkpoint") for entry in selected_models(config).values()}
    checkpoints = {}
    for id, entry in config["checkpoints"].items():
        complete = "hop" in entry and len({"init", "file"} & entry.keys()) == 1
        if ("released" not in entry and not complete) or {"init", "released"} <= entry.keys():
            raise ConfigError(
                f"config: checkpoints.{id}: expected released, or hop with either file or "
                "init: random"
            )
        with _naming(f"checkpoints.{id}"):
            checkpoints[id] = Checkpoint.from_config(id, entry)
            if id in used:
                verify_checkpoint(checkpoints[id], can_be_fetched="released" in entry)
    return checkpoints


def verify_checkpoint(checkpoint: Checkpoint, can_be_fetched: bool) -> None:
    """Check a checkpoint's file against its hash or, if it has none, the recorded hash.

    CheckpointError gives the file and both hashes, or reports that the file is missing and cannot
    be downloaded.
    """
    if checkpoint.file is None or (can_be_fetched and not Path(checkpoint.file).exists()):
        return
    if checkpoint.sha256 is None and can_be_fetched:
        sha256 = known_hash(Path(checkpoint.file).name).get("sha256")
        checkpoint = dataclasses.replace(checkpoint, sha256=sha256)
    checkpoint.verify()


def read_models(config: dict, checkpoints: dict[str, Checkpoint]) -> dict[str, Model]:
    """Build the selected models; ConfigError names the entry and the problem."""
    models = {}
    for id, entry in selected_models(config).items():
        build = _variant if "checkpoint" in entry else _third_party
        models[id] = build(id, entry, checkpoints)
    return models


def read_highlight(config: dict, entries: Iterable[str]) -> list[str]:
    """Ids of the models to highlight in figures, which must exist.

    No model may have the name of a leaderboard entry, because exhibits show both.
    """
    known = dict.fromkeys([*config["models"], *PAPER_MODELS])  # the paper's, run or not
    for id in config["highlight"]:
        if id not in known:
            raise ConfigError(f"config: highlight: {unknown(id, known)}")
    if taken := sorted(set(selected_models(config)) & set(entries)):
        raise ConfigError(
            f"config: models.{taken[0]}: a HEAR leaderboard entry has this name; choose another"
        )
    return list(config["highlight"])


def read_protocol(config: dict, automatic: str) -> Protocol:
    """Build the protocol that the config names; ``auto`` is the one called ``automatic``.

    ConfigError if it is unknown, or if any protocol of the config is invalid.
    """
    protocols = {"reference": {}} | config["protocols"]
    name = automatic if config["protocol"] == "auto" else config["protocol"]
    if name not in protocols:
        raise ConfigError(f"config: protocol: {unknown(name, protocols)}")
    built = {}
    for key, values in protocols.items():
        with _naming(f"protocols.{key}"):
            built[key] = Protocol.from_config({"name": key} | values)
    return built[name]


def read_evaluator(config: dict) -> dict[str, str]:
    """Arguments of ``hear.evaluators.evaluator``; heareval needs its environment."""
    name, python = config["evaluator"], config["heareval_python"]
    if name != "heareval":
        return {"name": name}
    if not Path(python).exists():
        raise ConfigError(
            f"config: evaluator: heareval needs an environment of its own, expected its Python at "
            f"{python} (heareval_python), found nothing; make it with `make heareval`"
        )
    return {"name": name, "python": python}


def read_evaluations(config: dict) -> tuple[Evaluation, ...]:
    """All probes with all training fractions, starting with the first probe on the whole part.

    ConfigError if the whole part, which exhibits use, is missing, or if heareval would have to
    train on a fraction.
    """
    fractions = sorted(map(float, config["train_fractions"]), reverse=True)
    if fractions[0] != 1:
        raise ConfigError(
            "config: train_fractions: expected 1.0 among them, the whole training part, which "
            f"exhibits and claims are about; found {config['train_fractions']}"
        )
    if len(fractions) > 1 and config["evaluator"] == "heareval":
        raise ConfigError(
            "config: train_fractions: heareval trains on whole splits; expected [1.0], or "
            f"evaluator native or stacked, found {config['train_fractions']}"
        )
    pairs = itertools.product(config["probes"], fractions)
    return tuple(Evaluation(PROBES[probe], fraction) for probe, fraction in pairs)


def _third_party(id: str, entry: dict, checkpoints: dict[str, Checkpoint]) -> Model:
    if id in checkpoints:
        raise ConfigError(f"config: models.{id}: a checkpoint has this name already")
    with _naming(f"models.{id}"):
        api = find_api(entry)
        module, weights = entry.get("module", ""), entry.get("weights", "")
        if (weights or "weights" in APIS[api].needs) and not Path(weights).exists():
            raise ValueError(f"weights: no such file or folder: {weights}")
        if module.endswith(".py") or (module and "environment" not in entry):
            source_hash(module)
    model = Model(
        id,
        entry.get("label", id),
        api=api,
        module=module,
        weights=weights,
        options=load_options(api, entry),
        requires=tuple(entry.get("requires", APIS[api].requires)),
        is_control=entry.get("control", False),
    )
    if "environment" not in entry:
        return model
    if "requires" in entry:
        raise ConfigError(
            f"config: models.{id}: requires applies to models in this software's environment; "
            "list packages of its own environment in environment.requirements"
        )
    with _naming(f"models.{id}: environment"):
        environment = read_environment(entry["environment"])
    python = entry["environment"].get("interpreter", "")
    if environment is not None:
        python = f"{ENVIRONMENTS}/{environment.name}/bin/python"
    limit = {key: value for key, value in entry["environment"].items() if key == "timeout_s"}
    worker = {"python": python} | limit
    return dataclasses.replace(model, requires=(), worker=worker, environment=environment)


def _variant(id: str, entry: dict, checkpoints: dict[str, Checkpoint]) -> Model:
    name = entry["checkpoint"]
    if name not in checkpoints:
        raise ConfigError(f"config: models.{id}.checkpoint: {unknown(name, checkpoints)}")
    fields = tuple(entry.get("receptive_fields_ms", () if entry["levels"] == "L" else (160,)))
    checkpoint = checkpoints[name]
    with _naming(f"models.{id}"):
        levels = levels_of(entry["levels"], checkpoint.architecture.depth)
        variant = Variant(name, levels, fields)
    for ms in variant.receptive_fields_ms:
        with _naming(f"models.{id}.receptive_fields_ms"):
            check_receptive_field(ms, checkpoint.hop, checkpoint.architecture)
    mark = " (random-init)" if checkpoint.is_random else ""
    is_control = entry.get("control", checkpoint.is_random)
    return Model(id, entry.get("label", id) + mark, variant, is_control=is_control)
