"""Recipes in YAML files: the keys that differ from the paper's, per hop."""

from __future__ import annotations

import dataclasses
import difflib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from passt.training.recipe import Recipe, RecipeError

HOPS = {"hop10": 320, "hop5": 160, "hop3": 100}  # STFT hop in samples (passt.checkpoints.RELEASED)
KINDS = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "None": type(None),
    "tuple[float, ...]": tuple,
}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is built in
FIELDS = {field.name: field for field in dataclasses.fields(Recipe)}


def read_recipe(path: Path, hop: str) -> tuple[Recipe, Path]:
    """Read a YAML file for one of `HOPS`; return its recipe and the folder of its clips.

    The file holds ``data``, the folder of the tagged clips, and the keys of a recipe. ``extends``
    names another recipe file in the same folder that supplies missing keys. RecipeError names the
    file and the key, or the position of a YAML syntax error.
    """
    try:
        config = read_keys(path)
        if not isinstance(config.get("data"), str):
            raise RecipeError("data: expected the folder of the tagged clips")
        data = Path(config.pop("data"))
        return make_recipe(config, hop), data
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from error


def read_keys(path: Path, extending: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read a recipe file's keys, merged over those of the recipe that it extends.

    ``extending`` are the files that extend this one. RecipeError if the file is no mapping, or if
    files extend each other in a circle.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        keys = yaml.load(text, LOADER)
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, LOADER)):
            raise RecipeError("expected YAML without aliases (*name)")  # few bytes, many parts
    except (OSError, RecipeError):
        raise
    except Exception as error:  # PyYAML's, and whatever int, date and others say of a bad value
        raise RecipeError(f"expected YAML, found an error: {error!r:.200}") from error
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys):
        raise RecipeError(f"expected keys and values, found {keys!r:.200}")
    if (extended := keys.pop("extends", None)) is None:
        return keys
    base, extending = Path(path).parent / str(extended), (*extending, Path(path).resolve())
    if not os.path.isfile(base) or base.resolve() in extending:  # a name may be no path at all
        found = f"{extended!r:.200}"
        raise RecipeError(f"extends: expected another recipe file in this folder, found {found}")
    return read_keys(base, extending) | keys


def make_recipe(config: Mapping[str, Any], hop: str) -> Recipe:
    """Make a recipe for one of `HOPS` from keys of `Recipe`.

    ``hops`` may hold values specific to ``hop10``, ``hop5`` or ``hop3``. Missing keys keep the
    paper's values; an unknown key or hop or an invalid value raises RecipeError.
    """
    special = config.get("hops", {})
    if not isinstance(special, dict) or not all(isinstance(v, dict) for v in special.values()):
        raise RecipeError(f"hops: expected keys and values for some hops, found {special!r:.200}")
    for name in (hop, *special):
        if name not in HOPS:
            raise RecipeError(f"hop: expected one of {list(HOPS)}, found {name!r}")
    common = {key: value for key, value in config.items() if key != "hops"}
    values = common | special.get(hop, {}) | {"hop": HOPS[hop]}
    return Recipe(**{key: _value(key, value) for key, value in values.items()})


def _value(key: str, value: Any) -> Any:
    """Accept lists for tuples and integers for floats; raise RecipeError for other types."""
    if key not in FIELDS:
        near = difflib.get_close_matches(str(key), FIELDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"unknown key {key!r}{hint}")
    kind = str(FIELDS[key].type)
    kinds = tuple(KINDS[name] for name in kind.split(" | "))
    found = value
    if isinstance(value, list) and tuple in kinds and all(map(_is_number, value)):
        value = tuple(map(float, value))
    elif float in kinds and _is_number(value):
        value = float(value)
    if type(value) not in kinds or (type(value) is float and not _is_number(value)):
        raise RecipeError(f"{key}: expected {kind}, found {type(found).__name__} {found!r:.200}")
    return value


def _is_number(value: object) -> bool:
    """Return whether a value is a number that a finite float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max
