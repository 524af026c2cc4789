"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker

ROOT = Path(__file__).parents[2]
LIBRARIES = ("passt", "hear", "mini", "zoo", "analysis")
FRONT_END = {f"passt.{m}" for m in ("architecture", "checks", "lengths", "mel", "windows")}
MAY_IMPORT = {"zoo": FRONT_END}  # log-mel is PaSST's front end without the network


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    plain = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    froms = {
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return plain | froms


@pytest.mark.parametrize("room", LIBRARIES)
def test_libraries_do_not_import_each_other_or_the_workflow(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    forbidden = {*LIBRARIES, "workflow", "benchmarks"} - {room}
    for path in files:
        crossing = {m for m in imported_modules(path) if m.split(".")[0] in forbidden}
        crossing -= MAY_IMPORT.get(room, set())
        assert not crossing, f"{path.relative_to(ROOT)} imports {crossing}"


def test_analysis_needs_no_torch():
    for path in (ROOT / "analysis").rglob("*.py"):
        assert not {m for m in imported_modules(path) if m.split(".")[0] in ("torch", "snakemake")}


def pins() -> dict[str, tuple[str, str | None]]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    found = {}
    for line in lines:
        if line and not line.startswith("#"):
            requirement, _, marker = line.partition(" ; ")
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9A-Za-z.]+)", requirement)
            assert match, f"requirements.txt: not an exact pin: {line}"
            found[match[1]] = (match[2], marker or None)
    return found


def test_requirements_are_exact_and_installed():
    assert pins()["torch"][0] == "2.13.0"
    for name, (pinned, marker) in pins().items():
        if marker is None or Marker(marker).evaluate():
            assert version(name).split("+")[0] == pinned, name


def test_conda_environment_is_the_same_list():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["dependencies"] == ["python=3.11", "pip", {"pip": ["-r requirements.txt"]}]


def test_no_code_is_executed_from_data_files():
    for path in sorted(ROOT.glob("*/**/*.py")):
        top = path.relative_to(ROOT).parts[0]
        if top == "tests" or top.startswith("."):  # environments, Snakemake's folder
            continue
        text = path.read_text()
        assert "import pickle" not in text and "allow_pickle=True" not in text, path
        for call in re.findall(r"torch\.load\([^)]*\)", text):
            assert "weights_only=True" in call, path


def test_version_is_said_once():
    from workflow.provenance import VERSION

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == VERSION
    assert f"## {VERSION}" in (ROOT / "CHANGELOG.md").read_text()
