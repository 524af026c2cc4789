"""The ways to deploy the workflow: conda environments, the container's files, the catalog."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import conda_stand_in
import pytest
import yaml

from workflow.commands.environment import conda_environment, post_deploy_script

ROOT = Path(__file__).parents[2]


def copied() -> list[tuple[list[str], str]]:
    """Sources and target of each ``COPY`` of the Dockerfile."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copies = [line.split()[1:] for line in lines if line.startswith("COPY ")]
    return [(sources, target) for *sources, target in copies]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder with what the Dockerfile copies, and nothing else."""
    folder = tmp_path / "image"
    folder.mkdir()
    for sources, target in copied():
        for pattern in sources:
            found = list(ROOT.glob(pattern))
            assert found, f"Dockerfile: nothing matches {pattern}"
            for path in found:
                if path.is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(path, folder / target, ignore=ignored)
                else:
                    (folder / target).mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, folder / target)
    return folder


def snakemake(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    environment = os.environ | environment
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_dockerfile_copies_all_that_the_workflow_needs(image):
    for arguments in (["-n"], ["-n", "--configfile", "config/paper.yaml"]):
        planned = snakemake(image, *arguments)
        assert planned.returncode == 0, planned.stdout + planned.stderr


def test_conda_environment_repeats_the_pins():
    requirements = (ROOT / "requirements.txt").read_text()
    text = (ROOT / "environment.yml").read_text()
    again = "write it again with `make environment`"
    assert text == conda_environment(requirements), again
    pins = [line for line in requirements.splitlines() if line and not line.startswith("#")]
    assert yaml.safe_load(text)["dependencies"] == ["python=3.11", "pip", {"pip": pins}]
    models = (ROOT / "requirements-models.txt").read_text()
    script = (ROOT / "environment.post-deploy.sh").read_text()
    assert script == post_deploy_script(models), again


def test_a_rule_runs_in_its_conda_environment(image, tmp_path):
    conda_stand_in.install(tmp_path / "conda")
    path = f"{tmp_path / 'conda' / 'bin'}:{os.environ['PATH']}"
    target = "results/official/summary.csv"
    finished = snakemake(image, "--sdm", "conda", "--", target, PATH=path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (image / target).stat().st_size
    said = finished.stdout + finished.stderr
    (settings,) = (image / ".snakemake" / "conda").glob("*/pyvenv.cfg")
    assert f"Activating conda environment: {settings.parent.relative_to(image)}" in said
    assert "Running post-deploy script" in said


def test_catalog_entry_agrees_with_the_workflow():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    deployment = usage["software-stack-deployment"]
    assert deployment["conda"] and not deployment["apptainer"]
    assert usage["report"] == deployment["report"]
    assert usage["mandatory-flags"]["flags"] == ""
