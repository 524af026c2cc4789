"""Recipes from YAML files: which keys differ from the paper's, and for which hop."""

from __future__ import annotations

import dataclasses
import difflib
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
FIELDS = {field.name: field for field in dataclasses.fields(Recipe)}


def read_recipe(path: Path, hop: str) -> tuple[Recipe, Path]:
    """Read a YAML file for one of :data:`HOPS`; return its recipe and the folder of its clips.

    The file holds ``data``, the folder of the tagged clips, and the keys of a recipe. ``extends``
    names another recipe file beside it, whose keys hold where this one has none. RecipeError names
    the file and the key, or the place where it is no YAML.
    """
    try:
        config = read_keys(path)
        if not isinstance(config.get("data"), str):
            raise RecipeError("data: expected the folder of the tagged clips")
        data = Path(config.pop("data"))
        return make_recipe(config, hop), data
    except (RecipeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: {error}") from error


def read_keys(path: Path) -> dict[str, Any]:
    """Read a recipe file's keys over those of the recipe that it extends."""
    keys = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(keys, dict):
        raise RecipeError(f"expected keys and values, found {keys!r}")
    if (extended := keys.pop("extends", None)) is None:
        return keys
    base = Path(path).parent / str(extended)
    if not base.is_file() or base.resolve() == Path(path).resolve():
        raise RecipeError(f"extends: expected another recipe file in this folder, found {extended}")
    return read_keys(base) | keys


def make_recipe(config: Mapping[str, Any], hop: str) -> Recipe:
    """Make a recipe for one of :data:`HOPS` from keys of :class:`Recipe`.

    ``hops`` may hold keys that differ for ``hop10``, ``hop5`` or ``hop3``. Keys not given keep the
    paper's values; an unknown key, hop or value raises RecipeError.
    """
    special = config.get("hops", {})
    for name in (hop, *special):
        if name not in HOPS:
            raise RecipeError(f"hop: expected one of {list(HOPS)}, found {name!r}")
    common = {key: value for key, value in config.items() if key != "hops"}
    values = common | special.get(hop, {}) | {"hop": HOPS[hop]}
    return Recipe(**{key: _value(key, value) for key, value in values.items()})


def _value(key: str, value: Any) -> Any:
    """Accept lists for tuples and whole numbers for floats; refuse other kinds."""
    if key not in FIELDS:
        near = difflib.get_close_matches(str(key), FIELDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"unknown key {key!r}{hint}")
    kind = str(FIELDS[key].type)
    kinds = tuple(KINDS[name] for name in kind.split(" | "))
    if float in kinds and type(value) is int:
        value = float(value)
    if isinstance(value, list) and tuple in kinds:
        value = tuple(float(item) for item in value if type(item) in (int, float))
    if type(value) not in kinds:
        raise RecipeError(f"{key}: expected {kind}, found {type(value).__name__} {value!r}")
    return value
