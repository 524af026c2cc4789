"""Reading the config: every problem in one line each, before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

SCHEMA = Path(__file__).parents[1] / "schemas" / "config.schema.yaml"


class ConfigError(ValueError):
    """A config that cannot be run."""


def check_config(config: dict) -> None:
    """Check a config against the schema.

    Parameters
    ----------
    config : dict

    Raises
    ------
    ConfigError
        One line per problem: the key, what was expected, what was found, and for an unknown key
        the nearest known one.
    """
    validator = Draft202012Validator(yaml.safe_load(SCHEMA.read_text()))
    errors = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    lines = [line for error in errors for line in _describe(error)]
    if lines:
        raise ConfigError("config:\n  " + "\n  ".join(lines))


def unknown(name: str, known: Iterable[str]) -> str:
    """Say that a name is unknown and which one it may have been meant to be."""
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"unknown {name!r}; {hint}"


def _describe(error: ValidationError) -> list[str]:
    key = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema["properties"]
        return [f"{key}: {unknown(k, known)}" for k in error.instance if k not in known]
    wanted = error.schema.get("description", "")
    if error.validator == "oneOf" and isinstance(error.instance, dict):
        return [f"{key}: expected either checkpoint and levels, or module; found {error.instance}"]
    if error.validator in ("oneOf", "not", "pattern", "type"):
        return [f"{key}: {error.instance!r} is not what is expected here ({wanted})"]
    return [f"{key}: {error.message}" + (f" ({wanted})" if wanted else "")]
