"""Environments of models: files of requirements, what a Python lists, and pip's requirements."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from hear.api.environment import list_packages, read_environment
from hear.api.requirements import check_requirements
from tests.fuzz.mutations import TEXTS, damaged, json_files, texts
from tests.fuzz.watch import Reader

LISTED = ["3.11.9", {"numpy": "2.1.0", "torch": "2.6.0"}]
LINES = (
    "numpy", "numpy>=1.20,<3", "no-such-package==1.0", "torch==0.0.1", "--no-deps x==1",
    "-r other.txt", "-e .", "--index-url https://example.org/simple x", "numpy; python_version<'3'",
    "numpy[extra]", "x @ file:///etc/passwd", "numpy @ https://example.org/x.whl", "# a comment",
    "numpy # a comment", "numpy>=", "numpy==1.*", "numpy===x", "NumPy", "numpy>1e999", "../escaped",
    "numpy==" + "9" * 5_000, "numpy" + ">=1," * 2_000 + "<2", "[" * 5_000, "numpy;" + "(" * 5_000,
)  # fmt: skip


@st.composite
def _requirements(draw: Any) -> bytes:
    """Lines that pip takes, or odd ones."""
    line = st.sampled_from(LINES) | st.sampled_from(TEXTS) | texts().map(lambda t: f"numpy{t}")
    lines = draw(st.lists(line, min_size=1, max_size=4))
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return draw(damaged([content])) if content and draw(st.integers(0, 5)) == 0 else content


def _read_requirements(case: bytes, inside: Path) -> None:
    path = inside / "requirements.txt"
    path.write_bytes(case)
    for key in ("requirements", "conda"):
        environment = read_environment({key: str(path)})
        assert environment is not None and len(environment.name) == 16
    try:
        check_requirements(read_environment({"requirements": str(path)}).requirements)  # type: ignore[union-attr]
    except ValueError as error:  # it knows lines, and its caller the model
        raise ValueError(f"{path}: {error}") from error


def _is_text(case: bytes) -> bool:
    try:
        return bool(case.decode("utf-8-sig").strip())
    except UnicodeDecodeError:
        return False


def _list(case: bytes, inside: Path) -> None:
    done = subprocess.CompletedProcess([], 0, case.decode("utf-8", "replace"), "")
    with mock.patch.object(subprocess, "run", lambda *_, **__: done):
        version, packages = list_packages(inside / "python")
    assert all(isinstance(text, str) for text in (version, *packages, *packages.values()))


def _is_list(case: bytes) -> bool:
    return case.strip().startswith(b"[")


def readers() -> list[Reader]:
    """Readers of this module."""
    return [
        Reader(
            "requirements of environments", _requirements(), _read_requirements, (ValueError,),
            ("requirements.txt",), "text in UTF-8", _is_text,
            [line.encode() for line in LINES], bytes,
        ),
        Reader(
            "packages of environments", json_files([LISTED]), _list, (ValueError,), ("python",),
            "a JSON array", _is_list, [b'["3.11.9", {"numpy": "2.1.0"}]'], bytes,
        ),
    ]  # fmt: skip
