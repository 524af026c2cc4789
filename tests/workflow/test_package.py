"""`pip install .` installs `passt` alone, with what it needs to run from any folder."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import passt

ROOT = Path(__file__).parents[2]
ROOMS = ("passt", "hear", "mini", "workflow")


@pytest.mark.slow
def test_the_wheel_is_passt_alone_typed_with_its_version(tmp_path):
    clone = tmp_path / "clone"  # setuptools leaves its files where it builds
    clone.mkdir()
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    for room in ROOMS:
        shutil.copytree(ROOT / room, clone / room, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, clone], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (described,) = (name for name in names if name.endswith("METADATA"))
        metadata = email.message_from_bytes(archive.read(described))
        archive.extractall(tmp_path / "installed")
    assert {name.split("/")[0] for name in names} == {"passt", described.split("/")[0]}
    source = {path.relative_to(ROOT).as_posix() for path in (ROOT / "passt").rglob("*.py")}
    assert source | {"passt/py.typed", "passt/audioset_tags.csv"} <= names
    assert (metadata["Name"], metadata["Version"]) == ("passt", passt.__version__)
    needed = {line.partition(";")[0].strip() for line in metadata.get_all("Requires-Dist")}
    assert {"numpy", "requests", "safetensors", "soundfile", "soxr"} < needed
    (tmp_path / "anywhere").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "passt", "--version"],
        cwd=tmp_path / "anywhere",
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"passt {passt.__version__}\n"
