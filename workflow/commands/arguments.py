"""Command-line arguments that select a study, as in Snakemake.

--configfile config/paper.yaml --config study=mine task_dir=folder
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from workflow.study.config import ConfigError, merged, read_yaml
from workflow.study.paths import refuse_former_results
from workflow.study.study import Study, read_study

USERS = Path("config/config.yaml")  # that Snakemake reads too, if it is there


def study_parser(about: str | None) -> argparse.ArgumentParser:
    """Parser of a command line with ``--configfile`` and ``--config``."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    many: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    parser.add_argument("--configfile", type=Path, help="files, merged over config.yaml", **many)
    parser.add_argument("--config", metavar="KEY=VALUE", help="keys, merged over all files", **many)
    return parser


def read_arguments(arguments: argparse.Namespace) -> dict:
    """Merge config files and keys as Snakemake does; ConfigError names what is unreadable."""
    config: dict = {}
    for path in [*([USERS] if USERS.exists() else []), *arguments.configfile]:
        try:
            content = read_yaml(path)
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: expected keys and values, found {content!r}")
        config = merged(config, content)
    for pair in arguments.config:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--config: expected KEY=VALUE, found {pair!r}")
        try:
            config = merged(config, {key: yaml.safe_load(value)})
        except yaml.YAMLError as error:
            raise ConfigError(f"--config: {key}: {error}") from error
    return config


def checked_study(config: dict) -> Study:
    """The study of a merged config, checked as before a run."""
    study = read_study(config)
    refuse_former_results(study)
    return study
