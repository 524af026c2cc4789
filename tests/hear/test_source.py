"""Source files of models: found and hashed without importing anything of theirs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from hear.api.source import ModelError, source_hash

ROOT = Path(__file__).parents[2]


def test_a_module_and_its_file_have_one_hash(tmp_path, monkeypatch):
    package = tmp_path / "somebody" / "models"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "tiny.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    expected = hashlib.sha256(b"raise RuntimeError('imported')\n").hexdigest()
    assert source_hash("somebody.models.tiny") == expected
    assert source_hash(str(package / "tiny.py")) == expected
    assert source_hash("somebody.models") == source_hash(str(package / "__init__.py")) != expected


def test_it_needs_no_torch():
    program = (
        "import sys; from hear.api.source import source_hash; source_hash('zoo.crepe'); "
        "print({'numpy', 'torch', 'zoo'} & sys.modules.keys())"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == "set()\n"


@pytest.mark.parametrize(
    "module",
    ["", "../..", "a b", "zoo.", ".zoo", "zoo.nope", "zoo.crepe.nope", "sys", "nope.py", "a\0.py",
     "x" * 300, "x" * 300 + ".py", "tests.py/"],
)  # fmt: skip
def test_what_is_no_module_is_refused_by_name(module):
    with pytest.raises(ModelError) as error:
        source_hash(module)
    assert repr(module) in str(error.value) and "no such module or file" in str(error.value)
