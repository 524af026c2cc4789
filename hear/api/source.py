"""Source file of a module with the HEAR API, found and hashed without importing torch."""

from __future__ import annotations

import hashlib
import importlib.util
from importlib.machinery import PathFinder
from pathlib import Path

LEVEL = "E"  # the one component of a model whose insides the harness does not know


class ModelError(ValueError):
    """A model that cannot be imported or does not follow the HEAR API."""


class WorkerError(ModelError):
    """A worker process that has ended, or whose answers make no sense: later calls fail, too."""


def source_hash(module: str) -> str:
    """SHA-256 of a module's source file, without importing it or its parent packages.

    ``module`` is an import path or the path of a ``.py`` file. ModelError if there is none.
    """
    try:
        path = module if module.endswith(".py") else _find_source(module)
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (ImportError, OSError, ValueError) as error:
        raise ModelError(f"model {module!r}: no such module or file ({error})") from error


def _find_source(module: str) -> str:
    names = module.split(".")
    if not all(name.isidentifier() for name in names):
        raise ImportError("expected an import path such as zoo.crepe, or a path that ends in .py")
    # `find_spec` of a submodule imports its package, whose __init__.py may import torch.
    spec = importlib.util.find_spec(names[0])
    for n in range(2, len(names) + 1):
        folders = spec.submodule_search_locations if spec else None
        spec = PathFinder.find_spec(".".join(names[:n]), folders) if folders else None
    if spec is None or not spec.has_location:
        raise ImportError("no source file of this name on the import path")
    return str(spec.origin)
