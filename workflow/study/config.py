"""Reading of the config: shipped values, defaults, type conversion, one line per problem."""

from __future__ import annotations

import copy
import difflib
import math
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

ROOT = Path(__file__).resolve().parents[2]  # of the workflow, wherever it runs
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
SHIPPED = ROOT / "config" / "config.yaml"
MAX_NAME_BYTES, MAX_PATH_BYTES = 255, 4095  # NAME_MAX and PATH_MAX of Linux

MAX_PARTS, MAX_BITS = 1_000_000, 10_000  # of a config: far more than anyone writes

# Keys and module paths of passt-hear 0.1, with what stands for them now.
FORMER_KEYS = {
    "mini_tasks": "use tasks: [...]",
    "missing_tasks": "exclude_tasks continues without a task whose archive cannot be downloaded",
    "shards": "use job_size: smallest, one job per view of a task",
}
FORMER_MODULES = {"passt.logmel": "zoo.logmel"} | {
    f"hear.zoo.{name}": f"zoo.{name}" for name in ("crepe", "ge2e", "naive")
}

NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
VAGUE = {"oneOf", "not", "pattern"}  # kinds of rule that jsonschema's message only repeats
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where it is built in


class _Loader(LOADER):  # type: ignore[misc,valid-type]
    """A loader that refuses keys that are there twice, of which YAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


JSON = Draft202012Validator.TYPE_CHECKER
VALIDATOR = extend(  # YAML's .inf and .nan are no numbers of JSON
    Draft202012Validator,
    type_checker=JSON.redefine(
        "number",
        lambda _, value: (
            JSON.is_type(value, "number")
            and not (isinstance(value, float) and not math.isfinite(value))
        ),
    ),
)


class ConfigError(ValueError):
    """An invalid config; the message names the key, the expected and the actual value."""


def read_config(config: dict) -> dict:
    """Complete a config with the shipped config's values and the schema's defaults, and check it.

    A ConfigError has one line per problem: the key, what was expected, what was found.
    """
    try:
        _check_parts(config)
    except ConfigError as error:
        raise ConfigError(f"config: {error}") from error
    _refuse_former(config)
    schema, shipped = read_yaml(SCHEMA), read_yaml(SHIPPED)
    full = merged(shipped, config)
    for key in ("tasks", "exclude_tasks", "select_models", "highlight", "probes"):
        if isinstance(full.get(key), str) and full[key] != "all":
            full[key] = [full[key]]  # a single name is a list of one
    full = _with_defaults(_scalars_read(full, schema, schema), schema)
    problems = schema_problems(full, schema)
    if lines := [f"{'.'.join(place) or 'top level'}: {problem}" for place, problem in problems]:
        raise ConfigError("config:\n  " + "\n  ".join(lines))
    return _with_paths(full)


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file without executing its tags; ConfigError if it is invalid."""
    try:
        with open(path, encoding="utf-8") as stream:
            content = yaml.load(stream, _Loader)
    except OSError:
        raise
    except Exception as error:  # PyYAML's, and whatever int, date and others say of a bad value
        raise ConfigError(f"{path}: expected YAML, found an error: {error}") from error
    try:
        _check_parts(content)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return content


def _check_parts(content: Any) -> None:
    """Raise ConfigError for content that a small file can hold but no program can process.

    This includes lists and mappings that contain themselves or, by anchors, each other many times,
    numbers with thousands of digits, and characters that are invalid in text or XML.
    """
    sizes: dict[int, float] = {}  # parts of each list and mapping; infinite while it is open

    def size(part: Any) -> float:
        if isinstance(part, int) and part.bit_length() > MAX_BITS:
            raise ConfigError(f"expected numbers, found one of {part.bit_length()} bits")
        if isinstance(part, str) and (odd := NO_TEXT.search(part)):
            raise ConfigError(f"expected text, found the character {odd[0]!a} in {part[:80]!a}")
        if isinstance(part, dict) and (others := [k for k in part if not isinstance(k, str)]):
            raise ConfigError(f"expected keys that are text, found {others[0]!r}; put it in quotes")
        if not isinstance(part, dict | list):
            return 1
        if id(part) not in sizes:
            sizes[id(part)] = math.inf
            inner = [*part.keys(), *part.values()] if isinstance(part, dict) else part
            sizes[id(part)] = 1 + sum(map(size, inner))
        return sizes[id(part)]

    try:
        found = size(content)
    except RecursionError:
        raise ConfigError("expected keys and values, found them nested too deeply") from None
    if found > MAX_PARTS:
        what = "one that contains itself" if found == math.inf else f"{found:.3g} parts"
        raise ConfigError(f"expected at most {MAX_PARTS} keys and values, found {what}")


def schema_problems(content: Any, schema: dict) -> Iterator[tuple[list[str], str]]:
    """Keys down to each value that a schema does not allow, and what was expected there."""
    errors = VALIDATOR(schema).iter_errors(content)
    for error in sorted(errors, key=lambda error: list(map(str, error.path))):
        place = list(map(str, error.absolute_path))
        assert isinstance(error.schema, dict), "only a bare true or false is none"
        wanted = error.schema.get("description", "")
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            known = error.schema.get("properties", {})
            yield from ((place, unknown(key, known)) for key in error.instance if key not in known)
        elif error.validator == "oneOf" and isinstance(error.instance, dict):
            yield place, f"expected {wanted}; found {', '.join(error.instance) or 'no key'}"
        elif error.validator in VAGUE or (
            error.validator == "type" and error.schema.keys() & VAGUE
        ):
            quotes = isinstance(error.instance, bool | int | float) and error.schema.get("type")
            hint = "; put it in quotes" if quotes == "string" else ""
            yield place, f"{error.instance!r} is not allowed here ({wanted.rstrip('.')}{hint})"
        else:
            yield place, error.message + (f" ({wanted})" if wanted else "")


def unknown(name: str, known: Iterable[str]) -> str:
    """Message that a name is unknown, with the closest known name."""
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"unknown {name!r}; {hint}"


def shipped_path(path: str) -> str:
    """Path of a file named in a config: the workflow's own if it ships one, else the user's.

    Relative to the working directory where that is the workflow's folder, so that a study's
    paths do not depend on where the project lies.
    """
    own = ROOT / path
    if Path(path).is_absolute() or not own.exists() or Path.cwd() == ROOT:
        return path
    return str(own)


def share_libraries() -> None:
    """Make the libraries beside the workflow importable in jobs, in any working directory."""
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    places = dict.fromkeys([str(ROOT), *filter(None, others)])
    os.environ["PYTHONPATH"] = os.pathsep.join(places)


def check_path(key: str, path: str) -> None:
    """Check that a file system can be asked for a path.

    Raises
    ------
    ConfigError
        Naming the config's key: asking would raise an ``OSError``.
    """
    longest = max((len(part.encode()) for part in Path(path).parts), default=0)
    if longest > MAX_NAME_BYTES or len(path.encode()) > MAX_PATH_BYTES or "\0" in path:
        raise ConfigError(
            f"config: {key}: expected a path, found {path[:40]!r}..., {len(path)} characters, "
            f"the longest name {longest} bytes"
        )


def _with_paths(config: dict) -> dict:
    """Replace paths of files that the workflow ships by where they lie."""

    def place(key: str, path: str) -> str:
        check_path(key, path)
        return shipped_path(path)

    for id, entry in config["checkpoints"].items():
        if "file" in entry:
            entry["file"] = place(f"checkpoints.{id}.file", entry["file"])
    for id, entry in config["models"].items():
        for key in ("module", "weights"):
            if entry.get(key):
                entry[key] = place(f"models.{id}.{key}", entry[key])
    for key in ("task_dir", "heareval_python", "rehearsal"):
        if config[key] is not None:
            check_path(key, config[key])
    return config | {"claims": place("claims", config["claims"])}


def _refuse_former(config: dict) -> None:
    lines = [f"{key}: {FORMER_KEYS[key]}" for key in config if key in FORMER_KEYS]
    models = config.get("models")
    for id, entry in models.items() if isinstance(models, dict) else ():
        module = entry.get("module") if isinstance(entry, dict) else None
        if module in FORMER_MODULES:
            lines.append(f"models.{id}.module: {module} is now {FORMER_MODULES[module]}")
    if lines:
        raise ConfigError("config: written for passt-hear 0.1:\n  " + "\n  ".join(lines))


def merged(base: Any, over: Any) -> Any:
    """Mappings merged key by key, as Snakemake merges config files; anything else replaced."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return copy.deepcopy(over)
    return {
        key: merged(base[key], over[key])
        if key in base and key in over
        else copy.deepcopy(over[key] if key in over else base[key])
        for key in [*base, *(key for key in over if key not in base)]
    }


def _scalars_read(value: Any, schema: dict, root: dict) -> Any:
    """Read numbers and booleans that came as text, as ``--config`` gives them inside of lists."""
    if "$ref" in schema:
        *_, name = schema["$ref"].split("/")
        schema = root["$defs"][name]
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        rest = others if isinstance(others, dict) else {}
        return {k: _scalars_read(v, known.get(k, rest), root) for k, v in value.items()}
    if isinstance(value, list):
        return [_scalars_read(v, schema.get("items", {}), root) for v in value]
    types = schema.get("type", ())
    types = {types} if isinstance(types, str) else {*types}
    if isinstance(value, float) and value.is_integer() and "integer" in types - {"number"}:
        return int(value)
    if not isinstance(value, str):
        return value
    if "boolean" in types and value in ("true", "false"):
        return value == "true"
    readers = [int] if types & {"integer", "number"} else []
    for read in [*readers, float] if "number" in types else readers:
        try:
            return read(value)
        except ValueError:
            continue
    return value


def _with_defaults(config: dict, schema: dict) -> dict:
    full = dict(config)
    for key, part in schema["properties"].items():
        if key not in full and "default" in part:
            full[key] = copy.deepcopy(part["default"])
        if isinstance(full.get(key), dict) and "properties" in part:
            full[key] = _with_defaults(full[key], part)
    return full
