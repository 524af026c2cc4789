"""The ways to deploy the workflow: conda environments, the container's files, the catalog."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
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


@pytest.mark.parametrize(
    ("here", "taken"),
    [
        (["python3.14", "python3.12", "python3"], "python3.12"),
        (["python3.14", "python3"], "python3.14"),
        (["python3.10", "python3"], "python3"),
    ],
)
def test_make_takes_the_lowest_python_that_runs(tmp_path, here, taken):
    for name in (*here, "python3.11"):
        stub = tmp_path / name
        stub.write_text("#!/bin/sh\nexit 0\n")
        stub.chmod(0o755)
    stub.write_text("#!/bin/sh\nexit 127\n")  # as a shim of pyenv whose version is not chosen
    make = shutil.which("make")
    assert make is not None
    shown = subprocess.run(
        [make, "--eval", "shown: ; @echo $(PYTHON) || :", "shown"],
        cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.split() == [taken]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_clone_and_its_python_may_lie_below_a_blank(image, tmp_path):
    folder = image.rename(tmp_path / "my 'own' clone")
    venv.create(folder / ".venv", symlinks=True)
    (packages,) = folder.glob(".venv/lib/*/site-packages")
    (packages / "here.pth").write_text("\n".join(site.getsitepackages()))
    command = [folder / ".venv" / "bin" / "python", "-m", "workflow.commands.launch"]
    target = "results/official/summary.csv"
    command += ["--cores", "1", target]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (folder / target).stat().st_size


def test_catalog_entry_agrees_with_the_workflow():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    deployment = usage["software-stack-deployment"]
    assert deployment["conda"] and not deployment["apptainer"]
    assert usage["report"] == deployment["report"]
    assert usage["mandatory-flags"]["flags"] == ""


MODULE = """
configfile: "config.yaml"


module passt_hear:
    snakefile:
        "{snakefile}"
    config:
        config


use rule * from passt_hear as passt_*


rule mine:
    default_target: True
    input:
        rules.passt_all.input,
"""


def module(folder: Path, snakefile: str) -> Path:
    """A workflow elsewhere that uses this one as a module, with the config of .test."""
    (folder / "workflow").mkdir(parents=True)
    (folder / "workflow" / "Snakefile").write_text(MODULE.format(snakefile=snakefile))
    shutil.copy(ROOT / ".test" / "config" / "config.yaml", folder / "config.yaml")
    return folder


def check_results(results: Path, config: Path) -> None:
    scores = (results / "scores.csv").read_text()
    for name in yaml.safe_load(config.read_text())["tasks"]:
        assert f",{name}," in scores
    page = (results / "report.html").read_text()
    assert "generated" in page and "<svg " in page


@pytest.mark.slow
def test_the_study_of_dot_test_runs_elsewhere_as_a_module_and_by_itself(tmp_path):
    """The workflow finds what the module has made, and makes what it lacks."""
    entry = str(ROOT / "workflow" / "Snakefile")
    folder = module(tmp_path / "elsewhere", entry)
    made = snakemake(folder, "--cores", "2")
    assert made.returncode == 0, made.stdout + made.stderr
    results, config = folder / "results" / "test", folder / "config.yaml"
    check_results(results, config)
    (folder / "config").mkdir()
    config.rename(folder / "config" / "config.yaml")
    planned = snakemake(ROOT, "-s", entry, "-d", str(folder), "-n")
    assert "Nothing to be done" in planned.stdout + planned.stderr, planned.stdout
    score = "scores/logmel/maestro.json"
    for file, targets in (("report.html", []), (score, [f"results/test/{score}"])):
        (results / file).unlink()
        again = snakemake(ROOT, "--cores", "2", "-s", entry, "-d", str(folder), *targets)
        assert again.returncode == 0, again.stdout + again.stderr
        assert (results / file).is_file()
    check_results(results, folder / "config" / "config.yaml")
    reported = snakemake(ROOT, "-s", entry, "-d", str(folder), "--report", "report.html")
    assert reported.returncode == 0, reported.stdout + reported.stderr
    assert (folder / "report.html").stat().st_size


@pytest.mark.slow
def test_a_module_from_git_says_what_to_do(tmp_path):
    repository = tmp_path / "repository"
    shutil.copytree(ROOT / "workflow", repository / "workflow")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(repository)]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "t"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    source = f"git+file://{repository}/workflow/Snakefile@main"
    finished = snakemake(module(tmp_path / "elsewhere", source), "-n")
    assert finished.returncode and "clone the repository" in finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["-s", "workflow/Snakefile"]])
def test_both_entries_make_the_study_by_default(image, arguments):
    planned = snakemake(image, "-n", "-q", "host", *arguments)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "report: study official" in planned.stdout + planned.stderr


@pytest.mark.slow
def test_the_catalog_draws_the_rule_graph(tmp_path):
    shutil.copytree(ROOT / ".test" / "config", tmp_path / "config")
    arguments = ["-s", "workflow/Snakefile", "-d", str(tmp_path), "--forceall", "--rulegraph"]
    drawn = snakemake(ROOT, *arguments)
    assert drawn.returncode == 0 and "digraph" in drawn.stdout, drawn.stderr
    assert "embed_scene" in drawn.stdout
