"""The modules that a cheap rule depends on are those that its script imports when it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.exhibits.registry import EXHIBITS
from workflow.study.code import OURS, code_of

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py"))
# Imports in a process of its own what a script imports, and then modules by their names. What is
# not ours is imported once, before.
IMPORT = """
import ast, importlib, json, os, sys
import matplotlib.pyplot, pandas, scipy.stats, seaborn, sklearn.metrics, torch
for script, modules in json.load(sys.stdin):
    if os.fork() == 0:
        tree = ast.parse(open(script).read())
        tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        exec(compile(tree, script, "exec"))
        for module in modules:
            importlib.import_module(module)
        files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        print(json.dumps(sorted(filter(None, files))), flush=True)
        os._exit(0)
    os.wait()
"""


def cases() -> list[tuple[str, tuple[str, ...]]]:
    """Scripts, and those of exhibits with the modules that the registry names.

    The last one imports also what is imported only when it is used.
    """
    drawn = [(exhibit.rule, exhibit.modules) for exhibit in EXHIBITS if exhibit.rule]
    captions = ("report", tuple(module for exhibit in EXHIBITS for module in exhibit.modules))
    lazy = ("measure", ("passt.hear_api", "hear.probe.neighbors"))
    return [*((script, ()) for script in SCRIPTS), *dict.fromkeys(drawn), captions, lazy]


def imported() -> list[tuple[str, tuple[str, ...], set[str]]]:
    """Script, modules and our files that they import, of each case."""
    todo = [(str(ROOT / "workflow" / "scripts" / f"{name}.py"), mods) for name, mods in cases()]
    finished = subprocess.run(
        [sys.executable, "-c", IMPORT],
        input=json.dumps(todo),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    ours = tuple(f"{ROOT / room}{os.sep}" for room in OURS)
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    files = [{file for file in line if file.startswith(ours)} for line in lines]
    return [(*case, of_case) for case, of_case in zip(cases(), files, strict=True)]


@pytest.mark.slow
def test_a_rule_depends_on_what_its_script_imports_and_on_nothing_else():
    *found, (_, _, at_first_use) = imported()
    for script, modules, files in found:
        named = {str(ROOT / path) for path in code_of(script, modules)}
        assert files <= named, f"{script} {modules}: {files - named}"
        assert named - files <= at_first_use, f"{script} {modules}: {named - files}"
