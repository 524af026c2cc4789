"""A study's config and its claims."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hear.archives.unpack import ArchiveError
from tests.fuzz.mutations import as_yaml, yaml_files
from tests.fuzz.watch import Reader
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
    return [SMALL, SMALL, *shipped]


def _is_mapping(case: bytes) -> bool:
    try:
        return isinstance(yaml.load(case, yaml.CSafeLoader), dict)
    except Exception:  # whatever the parser raises
        return False


def _read_config_file(case: bytes, inside: Path) -> None:
    (inside / "config.yaml").write_bytes(case)
    config = read_yaml(inside / "config.yaml")
    if not isinstance(config, dict):
        raise ConfigError("config: not a mapping, which Snakemake refuses")
    read_study(config)


@cache
def _known_names() -> tuple[list[str], list[str]]:
    return known_names(read_study({}))


def _read_claims(case: bytes, inside: Path) -> None:
    (inside / "claims.yaml").write_bytes(case)
    read_claims(inside / "claims.yaml", *_known_names())


def readers() -> list[Reader]:
    """Readers of this module."""
    claims = read_yaml(ROOT / "config" / "claims.yaml")
    few = claims | {"claims": [c for c in claims["claims"][:12] if "stands_for" not in c]}
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
