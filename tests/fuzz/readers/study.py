"""A study's config and its claims."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from hear.archives.unpack import ArchiveError
from tests.fuzz.mutations import as_yaml, yaml_files
from tests.fuzz.readers.tasks import write
from tests.fuzz.watch import Reader
from workflow.study import claims as study_claims
from workflow.study import config as study_config
from workflow.study.claims import read_claims
from workflow.study.config import ROOT, ConfigError, read_yaml
from workflow.study.study import known_names, read_study

SMALL: dict[str, Any] = {
    "study": "mine", "tasks": ["esc50", "dcase2016_task2"], "select_models": ["passt_mh_hop10"],
    "probe_seeds": [42, 43], "probes": ["mlp"], "train_fractions": [1.0], "highlight": [],
    "job_size": "task", "protocol": "auto", "evaluator": "native", "exclude_tasks": [],
    "categories": {}, "mini_scale": {"train": 1, "test": 1},
    "embedding": {"storage": "float32", "precision": "float32"},
    "download": {"record": 6332517, "mirrors": ["https://example.org"], "folder": None},
    "protocols": {"quick": {"max_epochs": 2, "patience": 1, "hidden_layers": [1]}},
    "checkpoints": {
        "mine": {"hop": 320, "init": "random", "embed_dim": 192, "depth": 2, "num_heads": 3},
        "other": {"released": "passt_hop10"},
    },
    "models": {
        "m": {"checkpoint": "mine", "levels": "MH", "receptive_fields_ms": [160], "label": "M"},
        "t": {"module": "zoo.logmel", "options": {"n_mels": 64}, "requires": ["numpy"]},
        "w": {"module": "a.b", "environment": {"requirements": ["numpy"], "python": "3.11"}},
        "o": {"api": "onnx", "weights": "w.onnx", "sample_rate": 16000},
    },
}  # fmt: skip


def _documents() -> list[dict]:
    shipped = [read_yaml(ROOT / "config" / name) for name in ("config.yaml", "mini_large.yaml")]
    return [document | {"claims": "claims.yaml"} for document in (SMALL, SMALL, *shipped)]


def _is_mapping(case: bytes) -> bool:
    try:
        return isinstance(yaml.load(case, yaml.CSafeLoader), dict)
    except Exception:  # whatever the parser raises
        return False


@cache
def _shipped(path: Path) -> Any:
    return read_yaml(path)


@contextmanager
def _shipped_files_read_once() -> Iterator[None]:
    """Read schemas and the shipped config from memory: they take longer than a case."""

    def read(path: str | Path) -> Any:
        is_shipped = ROOT in Path(path).parents
        return copy.deepcopy(_shipped(Path(path))) if is_shipped else read_yaml(path)

    with mock.patch.object(study_config, "read_yaml", read):
        with mock.patch.object(study_claims, "read_yaml", read):
            yield


def _read_config_file(case: bytes, inside: Path) -> None:
    write(inside, {"config.yaml": case, "claims.yaml": _few_claims(2)})
    config = read_yaml(inside / "config.yaml")
    if not isinstance(config, dict):
        raise ConfigError("config: not a mapping, which Snakemake refuses")
    with _shipped_files_read_once():
        read_study(config)


@cache
def _known_names() -> tuple[list[str], list[str]]:
    return known_names(read_study({}))


def _read_claims(case: bytes, inside: Path) -> None:
    (inside / "claims.yaml").write_bytes(case)
    with _shipped_files_read_once():
        read_claims(inside / "claims.yaml", *_known_names())


@cache
def _few_claims(n: int) -> bytes:
    """The first shipped claims of the paper's own numbers, as a file of claims."""
    claims = read_yaml(ROOT / "config" / "claims.yaml")
    return as_yaml(claims | {"claims": [c for c in claims["claims"][:n] if "stands_for" not in c]})


def readers() -> list[Reader]:
    """Readers of this module."""
    few = yaml.safe_load(_few_claims(12))
    return [
        Reader(
            "config", yaml_files(_documents()), _read_config_file,
            (ConfigError, ArchiveError), ("config", "HEAR archives"),
            "YAML with keys and values", _is_mapping, [as_yaml(SMALL)],
        ),
        Reader(
            "claims", yaml_files([few]), _read_claims, (ConfigError,), ("claims.yaml",),
            "YAML with keys and values", _is_mapping, [as_yaml(few)],
        ),
    ]  # fmt: skip
