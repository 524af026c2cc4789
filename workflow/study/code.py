"""Modules of this project that a script depends on, found from import statements.

Snakemake itself tracks only the script. Cheap rules have these files as inputs, so that an edited
module re-runs exactly the rules that import it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from workflow.study.config import ROOT, shipped_path

OURS = ("analysis", "hear", "mini", "passt", "workflow", "zoo")
IMPORT = re.compile(  # import hear.files | from hear import files | from hear.files import (a, b)
    r"^\s*(?:import (NAME)|from (NAME) import (\([^)]*\)|.*))".replace(
        "NAME", rf"(?:{'|'.join(OURS)})(?:\.\w+)*\b"
    ),
    re.MULTILINE,
)


def code_of(script: str, modules: Iterable[str] = ()) -> list[str]:
    """Sorted paths of what workflow/scripts/<script>.py imports, also through others.

    ``modules`` are those that the script imports by a name that it reads from data. Paths are
    relative in the project's own folder, so that it can be moved.
    """
    start = {ROOT / "workflow" / "scripts" / f"{script}.py"}
    todo = start | {file for module in modules for file in _files(module)}
    found: set[Path] = set()
    while todo:
        file = todo.pop()
        found.add(file)
        todo |= {path for module in _imports(file) for path in _files(module)} - found
    return sorted(shipped_path(str(file.relative_to(ROOT))) for file in found - start)


@cache
def _imports(file: Path) -> frozenset[str]:
    """Names that a file imports from our libraries, as ``module`` and ``module.name``.

    Read off its lines, since parsing all files takes a quarter of a second at every start.
    """
    names: set[str] = set()
    for whole, module, several in IMPORT.findall(file.read_text(encoding="utf-8")):
        members = (part.split()[0] for part in several.strip("()").split(",") if part.strip())
        names |= {whole or module, *(f"{module}.{member}" for member in members)}
    return frozenset(names)


@cache
def _files(module: str) -> frozenset[Path]:
    """The file of a module and of the packages that it lies in."""
    parts = module.split(".")
    candidates = [ROOT.joinpath(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
    candidates.append(ROOT.joinpath(*parts).with_suffix(".py"))
    return frozenset(path for path in candidates if path.is_file())
