"""Reading of the config: what is merged, which mistakes are named, what the schema says."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from hear.api.remote import RemoteModule
from workflow.study.config import (
    FORMER_MODULES,
    SCHEMA,
    SHIPPED,
    ConfigError,
    read_config,
    read_yaml,
)
from workflow.study.paths import refuse_former_results
from workflow.study.study import read_study

ROOT = Path(__file__).parents[2]
SCHEMA_KEYS = yaml.safe_load(SCHEMA.read_text())
SHIPPED_CONFIG = yaml.safe_load(SHIPPED.read_text())
LONG = "x" * 300  # no file system takes such a name
PACKAGES = (
    "numpy", "pandas", "torch", "matplotlib", "soxr", "soundfile", "scipy", "sklearn",
    "safetensors", "tqdm", "seaborn",
)  # fmt: skip
BLOCKER = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {PACKAGES!r}:
            raise ImportError(f"{{name}} is not to be imported while a workflow is parsed")
sys.meta_path.insert(0, Blocker())
"""


def nested(path: str, value: object) -> dict:
    """A config with one key, given with points: ``models.a.levels``."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def keys(schema: dict, path: str = "") -> dict[str, dict]:
    """Every key of a schema with its own, by its path."""
    found = {}
    for key, part in schema.get("properties", {}).items():
        found |= {f"{path}{key}": part} | keys(part, f"{path}{key}.")
    return found


def snakemake(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)


def test_an_empty_config_has_every_key():
    config = read_config({})
    assert set(config) == set(SCHEMA_KEYS["properties"])
    for key, part in keys(SCHEMA_KEYS).items():
        place = config
        for name in key.split("."):
            place = place[name]
        if key in ("study", "checkpoints", "models", "protocols", "claims"):
            continue  # of the shipped config
        assert place == part["default"] or isinstance(place, dict), key
    for key in ("checkpoints", "models", "protocols"):
        assert set(config[key]) == set(SHIPPED_CONFIG[key])


def test_every_key_of_the_schema_is_described():
    for key, part in keys(SCHEMA_KEYS).items():
        assert {"type", "oneOf", "const", "enum"} & part.keys(), key
        assert part["description"] and "default" in part, key
    for name, entry in SCHEMA_KEYS["$defs"].items():
        for key, part in keys(entry, f"{name}.").items():
            assert {"type", "oneOf", "const", "enum"} & part.keys() and part["description"], key


def test_every_keyword_of_the_schemas_is_one_of_json_schema():
    """A comma in a description without quotes ends it, and YAML reads the rest as another key."""
    known = {"$defs", "$schema", "$ref", "$id", "title", "description", "default"}
    known |= {*Draft202012Validator.VALIDATORS}
    whole = {"properties", "$defs", "default"}  # names of the user's, or values

    def keywords(schema: object) -> Iterator[str]:
        if isinstance(schema, list):
            for part in schema:
                yield from keywords(part)
        if not isinstance(schema, dict):
            return
        for key, part in schema.items():
            yield key
            if key == "default":
                continue
            for inner in part.values() if key in whole else [part]:
                yield from keywords(inner)

    for file in sorted(SCHEMA.parent.glob("*.yaml")):
        assert {*keywords(read_yaml(file))} <= known, file.name


@pytest.mark.parametrize(
    "text", ["study: a\nstudy: b\n", "models:\n  m: {label: x}\n  m: {label: y}\n"]
)
def test_a_key_that_is_there_twice_is_refused_with_its_line(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"mine.yaml: .*the key '\w+' is there twice(.|\n)*line"):
        read_yaml(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_text("base: &b {x: 1, y: 2}\nmore: {<<: *b, x: 3}\n")
    assert read_yaml(tmp_path / "mine.yaml")["more"] == {"x": 3, "y": 2}


@pytest.mark.slow
def test_a_run_refuses_a_key_that_is_there_twice(tmp_path):
    (tmp_path / "mine.yaml").write_text("study: one\nstudy: other\n")
    refused = snakemake("--list-rules", "--configfile", str(tmp_path / "mine.yaml"))
    assert refused.returncode and "the key 'study' is there twice" in refused.stderr


def test_the_time_limit_of_a_worker_is_that_of_the_schema():
    environment = SCHEMA_KEYS["$defs"]["model"]["properties"]["environment"]["properties"]
    limit = inspect.signature(RemoteModule).parameters["timeout_s"].default
    assert environment["timeout_s"]["default"] == limit


def test_the_schema_repeats_no_model_checkpoint_or_protocol():
    for key in ("checkpoints", "models", "protocols"):
        assert SCHEMA_KEYS["properties"][key]["default"] == {}
        assert "properties" not in SCHEMA_KEYS["properties"][key]


def test_a_config_holds_what_differs():
    config = read_config({"models": {"mine": {"module": "zoo.logmel"}}, "threads": {"embed": 2}})
    assert list(config["models"]) == [*SHIPPED_CONFIG["models"], "mine"]
    assert config["threads"] == read_config({})["threads"] | {"embed": 2}
    changed = read_config({"models": {"passt_m_hop10": {"label": "mine"}}})
    shipped = SHIPPED_CONFIG["models"]["passt_m_hop10"]
    assert changed["models"]["passt_m_hop10"] == shipped | {"label": "mine"}


def test_numbers_that_came_as_text_are_numbers():
    """Snakemake's ``--config`` leaves what is inside of lists and mappings as text."""
    config = read_config(
        {
            "probe_seeds": ["42", "43"],
            "download": {"record": "1", "folder": None},
            "threads": {"embed": "2"},
            "measure": {"seconds": "0.5"},
            "models": {"passt_m_hop10": {"receptive_fields_ms": ["640"], "on_request": "true"}},
            "protocols": {"mini": {"learning_rates": ["1e-3"], "max_epochs_cap": "3"}},
        }
    )
    whole = read_config({"probe_seeds": [42.0], "seed": 1.0})  # JSON's integers
    assert repr((whole["probe_seeds"], whole["seed"])) == "([42], 1)"
    assert config["probe_seeds"] == [42, 43] and config["download"]["record"] == 1
    assert config["threads"]["embed"] == 2 and config["measure"]["seconds"] == 0.5
    model, protocol = config["models"]["passt_m_hop10"], config["protocols"]["mini"]
    assert model["receptive_fields_ms"] == [640] and model["on_request"] is True
    assert protocol["learning_rates"] == [0.001] and protocol["max_epochs_cap"] == 3
    assert protocol["initializations"] == ["xavier_uniform"]


@pytest.mark.slow
def test_numbers_on_the_command_line_are_numbers():
    given = ["probe_seeds=[42]", "download={record: 6332517}", "threads={embed: 2}"]
    listed = snakemake("--list-rules", "--config", *given)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    refused = snakemake("--list-rules", "--config", "threads={embed: two}")
    assert refused.returncode and "threads.embed: 'two' is not of type" in refused.stderr


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("stdy", "x", "top level: unknown 'stdy'; did you mean 'study'"),
        ("study", "official", "study: 'official' is not allowed here"),
        ("study", "a/b", "study: 'a/b' is not allowed here"),
        ("study", 2024, r"study: 2024 is not allowed here .*; put it in quotes\)"),
        ("models.my-model", {"label": "x"}, "models: 'my-model' is not allowed .*an id of at most"),
        ("models." + "m" * 101, {"label": "x"}, "models: 'm+' is not allowed here .*an id of"),
        ("models", {3.1: {"label": "x"}}, "expected keys that are text, found 3.1; put it in quo"),
        ("probe_seeds", [2**32], "probe_seeds.0: 4294967296 is greater than the maximum"),
        ("seed", 42.5, "seed: 42.5 is not of type 'integer'"),
        ("study", LONG, "study: .* is too long"),
        ("probe_seeds", [], "probe_seeds: "),
        ("models.passt_m_hop10.level", "M", "models.passt_m_hop10: unknown 'level'"),
        ("models.passt_m_hop10.levels", "ML", "models.passt_m_hop10.levels: 'ML' is not allowed"),
        ("models.passt_m_hop10.levels", "", "models.passt_m_hop10.levels: '' is not allowed"),
        ("models.passt_m_hop10.levels", "M@x", r"levels: 'M@x' is not .* features of block 6"),
        ("models.new", {"label": "x"}, "expected either checkpoint and levels, or module"),
        ("models.new", {"api": "onyx"}, "models.new.api: 'onyx' is not one of"),
        ("models.new", {"api": "onnx"}, "or module, or api and weights; found api"),
        ("models.logmel.hop_mss", 1, "models.logmel: unknown 'hop_mss'; did you mean 'hop_ms'"),
        ("models.logmel.hop_ms", 0, "models.logmel.hop_ms: 0 is less than or equal"),
        ("models.logmel.block", 1.5, "models.logmel.block: 1.5 is not of type 'integer'"),
        ("models.passt_m_hop10.block", 1, "models.passt_m_hop10: expected either checkpoint and"),
        ("checkpoints.mini_hop10.hop", 200, "hop: 200 is not one of"),
        ("threads.embed", 0, "threads.embed: 0 is less than"),
        ("measure.batch_size", 1, "measure.batch_size: 1 is less than"),
        ("mini_scale.train", 0.5, "mini_scale.train: 0.5 is less than the minimum of 1"),
        ("mini_scale.valid", 2, "mini_scale: unknown 'valid'; known: train, test"),
        ("mini_scale", 8, "mini_scale: 8 is not of type 'object'.*Factors by which the clips"),
        ("measure.seconds_", 1, "measure: unknown 'seconds_'; did you mean 'seconds'"),
        ("measure.seconds", math.nan, "measure.seconds: nan is not of type"),
        ("evaluator", "hearevel", "evaluator: 'hearevel' is not one of"),
        ("models.passt_m_hop10.receptive_fields_ms", [math.inf], "receptive_fields_ms.0: inf is"),
        ("models.passt_m_hop10.receptive_fields_ms", [10**400], "greater than the maximum"),
        ("protocols.mini.hidden_dim", math.inf, "protocols.mini.hidden_dim: inf is not of type"),
        ("categories.mine", "all", "categories.mine: 'all' is not allowed here"),
        ("download.url", "zenodo.org", "download.url: 'zenodo.org' is not allowed"),
        ("mini_tasks", ["esc50"], "mini_tasks: use tasks"),
        ("missing_tasks", "drop", "missing_tasks: .*exclude_tasks"),
        ("shards.esc50", 2, "shards: use job_size: smallest"),
    ],
)
def test_mistakes_are_named(path, value, message):
    with pytest.raises(ConfigError, match=message):
        read_config(nested(path, value))


@pytest.mark.parametrize(("former", "successor"), FORMER_MODULES.items())
def test_former_modules_are_named_with_their_successors(former, successor):
    with pytest.raises(ConfigError, match=f"models.mine.module: {former} is now {successor}"):
        read_config({"models": {"mine": {"module": former}}})
    config = {"models": {"mine": {"module": successor}}, "select_models": ["mine"]}
    assert list(read_study(config).models) == ["mine"]


def test_every_mistake_is_listed_at_once():
    with pytest.raises(ConfigError) as error:
        read_config({"tsks": 1, "threads": {"embed": 0, "predict": 0}})
    assert len(str(error.value).splitlines()) == 4


@pytest.mark.parametrize(
    "path",
    [
        "task_dir",
        "claims",
        "heareval_python",
        "download.folder",
        "models.mine.module",
        "models.logmel.weights",
        "checkpoints.mini_hop10.file",
    ],
)
@pytest.mark.parametrize("value", [LONG, f"{LONG}.py", "/".join(["x" * 200] * 30)])
def test_a_path_that_no_file_system_takes_is_one_line(path, value):
    with pytest.raises(ConfigError, match=f"^config: {path}: expected a ") as error:
        read_study({"study": "mine"} | nested(path, value))
    assert len(str(error.value).splitlines()) == 1


LAUGHS = "\n".join(
    ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))]
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 2024-13-45", "expected YAML, found an error: month must be in 1..12"),
        ("a: !!int x", "expected YAML, found an error"),
        ("a: !!bool x", "expected YAML, found an error"),
        ("a: !!timestamp x", "expected YAML, found an error"),
        ("a: [", "expected YAML, found an error"),
        ("a: &a [*a]", "expected at most 1000000 keys and values, found one that contains"),
        (LAUGHS, "expected at most 1000000 keys and values, found 9.26e"),
        (r'a: "\x07"', r"expected text, found the character '.x07' in '.x07'"),
        (r'a: "\ud800"', "expected YAML, found an error"),
        (f"a: 0x{'f' * 5000}", "expected numbers, found one of 20000 bits"),
    ],
)
def test_yaml_that_is_no_config_is_named(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=f"mine.yaml: {message}"):
        read_yaml(tmp_path / "mine.yaml")


def test_a_config_that_expands_without_end_is_refused():
    with pytest.raises(ConfigError, match="config: expected at most 1000000 keys and values"):
        read_config({"categories": yaml.safe_load(LAUGHS)})


def test_a_folder_of_version_0_1_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = read_study({})
    refuse_former_results(study)
    former = tmp_path / "results" / "mini" / "features" / "esc50.all.json"
    former.parent.mkdir(parents=True)
    former.write_text("{}")
    with pytest.raises(ConfigError, match="results of passt-hear 0.1 .*esc50.all.json.*move"):
        refuse_former_results(study)
    refuse_former_results(read_study({"study": "other"}))


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["-n", "--cores", "1", "--forceall"], ["--lint"]])
def test_parsing_needs_snakemake_alone(tmp_path, arguments):
    (tmp_path / "sitecustomize.py").write_text(BLOCKER)
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    blocked = [sys.executable, "-c", "import numpy"]
    assert subprocess.run(blocked, env=environment, capture_output=True).returncode
    finished = snakemake(*arguments, env=environment)
    assert finished.returncode == 0, finished.stdout + finished.stderr
