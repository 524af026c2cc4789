"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import json
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import passt

ROOT = Path(__file__).parents[2]
LIBRARIES = ("passt", "hear", "mini", "zoo", "analysis")
ROOMS = (*LIBRARIES, "workflow")
FRONT_END = {f"passt.{m}" for m in ("architecture", "checks", "lengths", "mel", "windows")}
MAY_IMPORT = {"zoo": FRONT_END}  # log-mel is PaSST's front end without the network
EXECUTE_DATA = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
HAS_AN_INTERFACE = {
    "passt/__init__.py",  # the HEAR API is functions of the package itself, and the version
}


def modules(room: str) -> dict[str, Path]:
    """Every module of a room by its dotted name; a package by its ``__init__.py``."""
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    parts = {path: path.relative_to(ROOT).with_suffix("").parts for path in files}
    return {".".join(p[:-1] if p[-1] == "__init__" else p): path for path, p in parts.items()}


def imports(path: Path) -> set[str]:
    """Dotted names of all that a module imports, anywhere in it: modules or what lies in them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("room", LIBRARIES)
def test_libraries_do_not_import_each_other_or_the_workflow(room):
    forbidden = {*LIBRARIES, "workflow", "benchmarks"} - {room}
    allowed = MAY_IMPORT.get(room, set())
    for path in modules(room).values():
        crossing = {
            name
            for name in imports(path)
            if name.split(".")[0] in forbidden and not {name, name.rpartition(".")[0]} & allowed
        }
        assert not crossing, f"{path.relative_to(ROOT)} imports {crossing}"


@pytest.mark.parametrize("room", ROOMS)
def test_no_import_circle(room):
    """Imports for type hints and inside functions count: they hide a circle, not break it."""
    paths = modules(room)
    graph = {
        module: {name if name in paths else name.rpartition(".")[0] for name in imports(path)}
        for module, path in paths.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_packages_define_and_re_export_nothing():
    packages = [path for room in ROOMS for path in modules(room).values()]
    facades = {
        str(path.relative_to(ROOT))
        for path in packages
        if path.name == "__init__.py"
        and not all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body)
    }
    assert facades == HAS_AN_INTERFACE


def test_analysis_needs_no_torch():
    for path in modules("analysis").values():
        assert not {m for m in imports(path) if m.split(".")[0] in ("torch", "snakemake")}


@pytest.mark.parametrize("kind", ("", "-models", "-docs", "-fuzz"))
def test_requirements_are_exact(kind):
    lines = (ROOT / f"requirements{kind}.txt").read_text().splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            assert re.fullmatch(r"==[0-9A-Za-z.]+", str(Requirement(line).specifier)), line


def test_no_code_is_executed_from_data_files():
    for path in sorted(ROOT.glob("*/**/*.py")):
        top = path.relative_to(ROOT).parts[0]
        if top == "tests" or top.startswith("."):  # environments, Snakemake's folder
            continue
        assert not {name.split(".")[0] for name in imports(path)} & EXECUTE_DATA, path
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            given = {key.arg: ast.unparse(key.value) for key in node.keywords}
            assert given.get("allow_pickle", "False") == "False", (path, node.lineno)
            if ast.unparse(node.func) == "torch.load":
                assert given.get("weights_only") == "True", (path, node.lineno)
            assert ast.unparse(node.func) != "yaml.unsafe_load", (path, node.lineno)


def test_the_descriptions_of_the_software_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    zenodo = json.loads((ROOT / ".zenodo.json").read_text())
    codemeta = json.loads((ROOT / "codemeta.json").read_text())
    assert {citation["version"], zenodo["version"], codemeta["version"]} == {passt.__version__}
    assert f"## {passt.__version__} ({citation['date-released']})" in (
        ROOT / "CHANGELOG.md"
    ).read_text().replace("[", "").replace("]", "")
    assert zenodo["publication_date"] == codemeta["dateModified"] == str(citation["date-released"])
    assert {zenodo["title"], codemeta["name"]} == {citation["title"]}
    assert zenodo["license"] == citation["license"].lower()
    assert codemeta["license"].endswith(citation["license"])
    authors = [author["name"] for author in citation["authors"]]
    assert [creator["name"] for creator in zenodo["creators"]] == authors
    assert [author["name"] for author in codemeta["author"]] == authors
    papers = {id["value"] for work in citation["references"] for id in work["identifiers"]}
    assert {work["identifier"] for work in zenodo["related_identifiers"]} == papers
