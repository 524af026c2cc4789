"""Environments of models: what names them, how they are made, and what is left if that fails."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from hear.api.environment import (
    RECORD,
    Environment,
    find_python,
    list_packages,
    make_environment,
    read_environment,
)
from hear.api.model import HearModel
from hear.api.requirements import check_requirements
from tests.hear.test_remote import MODEL, TENSORFLOW

CONTRADICT = MODEL.replace(
    "import tensorflow as tf", "import contradict, tensorflow as tf"
).replace("    WHAT\n", "    return tf.Tensor(np.full((len(x), 2), contradict.V, np.float32))\n")


def make_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> str:
    """A wheel of a few files: nothing is built or downloaded."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    facts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in (files | facts).items():
            wheel.writestr(file, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in files | facts))
    return str(path)


def test_an_environment_is_named_by_what_it_holds(tmp_path):
    listed = read_environment({"requirements": ["a==1", "--no-deps b==2"], "python": "3.11"})
    file = tmp_path / "own.txt"
    file.write_text("# packages\na==1\n--no-deps b==2  # alone\n")
    assert read_environment({"requirements": str(file), "python": "3.11"}) == listed
    others = [
        Environment(("a==1", "--no-deps b==3"), "3.11"),
        Environment(("a==1", "--no-deps b==2"), "3.12"),
        Environment(conda="name: x"),
    ]
    assert len({e.name for e in (listed, *others)}) == 4
    assert read_environment({"interpreter": sys.executable}) is None


def test_a_file_of_requirements_is_read_as_pip_reads_it(tmp_path):
    (tmp_path / "base.txt").write_text("-r more.txt\nb==2 \\\n    --hash=sha256:0\n")
    (tmp_path / "more.txt").write_text("c @ file:///c.whl#egg=c  # of ours\n")
    file = tmp_path / "own.txt"
    file.write_text("--extra-index-url=https://example.org\n--requirement=base.txt\na==1\n")
    found = read_environment({"requirements": str(file)}).requirements
    assert found == (
        "--extra-index-url=https://example.org", "c @ file:///c.whl#egg=c", "b==2 --hash=sha256:0",
        "a==1",
    )  # fmt: skip
    assert read_environment({"requirements": [f"-r {file}"]}).requirements == found
    (tmp_path / "more.txt").write_text("-r own.txt")
    with pytest.raises(ValueError, match="own.txt: includes itself"):
        read_environment({"requirements": str(file)})


@pytest.mark.slow
def test_options_of_a_file_of_requirements_hold_for_all_of_it(tmp_path):
    here = {"here.pth": str(Path(np.__file__).parents[1])}
    make_wheel(tmp_path, "here", "1.0", here)
    make_wheel(tmp_path, "contradict", "1.0", {"contradict.py": ""})
    lone = make_wheel(tmp_path, "lone", "1.0", {"lone.py": ""})
    (tmp_path / "base.txt").write_text("here==1.0\n")
    file = tmp_path / "own.txt"
    file.write_text(
        f"--no-index\n--find-links {tmp_path}\n-r base.txt\ncontradict \\\n  ==1.0\n"
        f"--no-deps lone @ file://{lone}\n"
    )
    folder = tmp_path / "environment"
    make_environment(read_environment({"requirements": str(file)}), folder)
    packages = json.loads((folder / RECORD).read_text())["packages"]
    assert {"here", "contradict", "lone"} <= {*packages}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, "expected one of requirements, conda and interpreter, found none of them"),
        ({"requirements": ["a"], "conda": "x.yaml"}, "found requirements and conda"),
        ({"conda": "x.yaml", "python": "3.11"}, "python goes with requirements only"),
        ({"requirements": ["a"], "python": "3"}, "python: expected a version such as '3.11'"),
        ({"requirements": "nowhere.txt"}, "nowhere.txt: .*No such file"),
        ({"interpreter": "no/python"}, "interpreter: no such file: no/python"),
    ],
)
def test_what_an_entry_lacks_is_named(entry, expected):
    with pytest.raises(ValueError, match=expected):
        read_environment(entry)


@pytest.mark.parametrize(
    "said",
    ["", "Traceback", "[]", '["3.11"]', '["3.11", []]', '["3.11", {"numpy": 1}]', "[3, {}]",
     "[" * 5000, r"\377\376"],
)  # fmt: skip
def test_a_python_that_lists_no_packages_is_named(tmp_path, said):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nprintf '{said}'\n")
    for mode in (0o644, 0o755):  # one that does not start, too
        python.chmod(mode)
        with pytest.raises(ValueError, match=f"{python}: expected a list of its packages"):
            list_packages(python)


@pytest.mark.parametrize("text", ["numpy>=", "numpy;" + "(" * 5_000])
def test_a_requirement_that_pip_does_not_take_is_named(text):
    with pytest.raises(ValueError, match="requires: 'numpy.* is not what pip install takes"):
        check_requirements([text])


def test_a_python_that_is_not_there_is_named():
    assert find_python("") == sys.executable
    with pytest.raises(ValueError, match=r"expected python3\.99 on PATH, found none"):
        find_python("3.99")


# Answers `micromamba env create --yes --prefix FOLDER --file FILE` with a Python that is there.
CONDA = """#!/bin/sh
set -e
test "$1 $2 $3 $4 $6" = "env create --yes --prefix --file"
{cat} "$7"
{mkdir} -p "$5/bin"
printf '#!/bin/sh\\nexec {python} "$@"\\n' > "$5/bin/python"
{chmod} +x "$5/bin/python"
{ending}
"""


@pytest.fixture
def conda(tmp_path, monkeypatch):
    """Write a stand-in of a name and ending, the only program on PATH."""

    def write(name: str, ending: str) -> None:
        programs = {program: shutil.which(program) for program in ("cat", "mkdir", "chmod")}
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(CONDA.format(python=sys.executable, ending=ending, **programs))
        command.chmod(0o755)
        monkeypatch.setenv("PATH", str(command.parent))

    return write


def test_an_environment_of_conda_runs_a_model(conda, tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("dependencies: [python=3.9, tensorflow]\n")
    environment = read_environment({"conda": str(file)})
    conda("micromamba", "exit 0")
    folder = tmp_path / "environments" / environment.name
    make_environment(environment, folder)
    record = json.loads((folder / RECORD).read_text())
    assert record["python"] == str(folder / "bin" / "python")
    assert record["conda"] == file.read_text() and "numpy" in record["packages"]
    assert os.listdir(folder.parent) == [folder.name]
    (tmp_path / "tensorflow.py").write_text(TENSORFLOW)
    module = tmp_path / "model.py"
    module.write_text(MODEL.replace("WHAT", "pass"))
    model = HearModel(str(module), worker={"python": record["python"], "timeout_s": 60})
    assert model.embed(torch.ones(1, 16000), "scene")[0]["E"].tolist() == [[1.0, 0.0]]


def test_a_conda_that_fails_shows_its_last_lines_and_leaves_nothing(conda, tmp_path):
    folder = tmp_path / "environments" / "own"
    conda("conda", "echo unsatisfiable >&2; exit 1")
    with pytest.raises(ValueError, match="(?s)conda failed; its last lines:.*unsatisfiable"):
        make_environment(Environment(conda="name: x"), folder)
    assert os.listdir(folder.parent) == []
    (tmp_path / "bin" / "conda").unlink()
    with pytest.raises(ValueError, match="expected micromamba, mamba or conda on PATH, found none"):
        make_environment(Environment(conda="name: x"), folder)


@pytest.mark.slow
def test_a_failed_installation_shows_its_last_lines_and_leaves_nothing(tmp_path):
    wrong = tmp_path / "wrong-1.0-py3-none-any.whl"
    wrong.write_text("no archive")
    with pytest.raises(ValueError, match="(?s)pip install .* failed; its last lines:.*wrong"):
        make_environment(Environment((str(wrong),)), tmp_path / "environment")
    assert not (tmp_path / "environment").exists()


@pytest.mark.slow
def test_contradicting_versions_of_one_package_live_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "tensorflow.py").write_text(TENSORFLOW)
    module = tmp_path / "contradicted.py"
    module.write_text(CONTRADICT)
    # numpy comes from this environment: by a path that a package brings.
    here = make_wheel(tmp_path, "here", "1.0", {"here.pth": str(Path(np.__file__).parents[1])})
    found = {}
    for version in ("1.0", "2.0"):
        wheel = make_wheel(tmp_path, "contradict", version, {"contradict.py": f"V = {version}\n"})
        environment, folder = Environment((here, wheel)), tmp_path / version
        make_environment(environment, folder)
        record = json.loads((folder / RECORD).read_text())
        assert record["packages"]["contradict"] == version
        model = HearModel(str(module), worker={"python": record["python"], "timeout_s": 60})
        found[version] = model.embed(torch.zeros(1, 8000), "scene")[0]["E"].tolist()
    assert found == {"1.0": [[1.0, 1.0]], "2.0": [[2.0, 2.0]]}
