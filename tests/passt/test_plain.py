"""What describes checkpoints and variants imports the standard library alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

import passt

PLAIN = ("architecture", "checkpoints", "files", "lengths", "variants")
HEAVY = {"torch", "numpy", "safetensors", "soundfile", "sklearn"}


def imported(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running the code."""
    code += "\nimport sys; print(*{name.split('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", code]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_plain_modules_import_the_standard_library_alone():
    modules = ", ".join(f"passt.{name}" for name in PLAIN)
    found = imported(f"import passt, {modules}; passt.checkpoints.released_modules()")
    assert found - imported("") - sys.stdlib_module_names == {"passt"}


@pytest.mark.parametrize("module", ["passt.training.config", "passt.__main__"])
def test_recipes_and_arguments_are_read_without_torch(module):
    assert not HEAVY & imported(f"import {module}")


@pytest.mark.slow
def test_the_hear_api_is_there_when_it_is_asked_for():
    assert set(passt.__all__) <= set(dir(passt))
    code = "import passt; assert all(callable(getattr(passt, name)) for name in passt.__all__)"
    assert "torch" in imported(code)
    assert not hasattr(passt, "load_modell")
