"""Conda environment from the pinned requirements: environment.yml and its post-deploy script.

``snakemake --sdm conda`` copies only the yaml file, which therefore cannot refer to another file
and repeats the pins of ``requirements.txt``. Its pip section allows no options, so the wheels of
``requirements-models.txt``, which are installed without their dependencies, are left to the script
that Snakemake runs after creating the environment.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = "python -m workflow.commands.environment"
HEAD = f"""\
# requirements.txt as a conda environment, written by `{COMMAND}`.
# With `snakemake --sdm conda`, environment.post-deploy.sh adds the wheels that go without what they
# ask for. By hand:
#   conda env create -f environment.yml
#   conda run -n passt-hear pip install --no-deps -r requirements-models.txt
name: passt-hear
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""
SCRIPT_HEAD = f"""\
#!/usr/bin/env bash
# requirements-models.txt for `snakemake --sdm conda`, written by
# `{COMMAND}`.
set -euo pipefail
python -m pip install --no-deps"""


def conda_environment(requirements: str) -> str:
    """Text of a conda environment file with a requirements file as its pip section."""
    lines = [line for line in requirements.splitlines() if line]
    items = [line if line.startswith("#") else f"- {line}" for line in lines]
    return HEAD + "".join(f"      {item}\n" for item in items)


def post_deploy_script(requirements: str) -> str:
    """Text of a script that installs a requirements file without dependencies."""
    pins = [line for line in requirements.splitlines() if line and not line.startswith("#")]
    return " ".join([SCRIPT_HEAD, *pins]) + "\n"


def main() -> None:
    """Write both files anew."""
    pins, models = (ROOT / f"requirements{kind}.txt" for kind in ("", "-models"))
    (ROOT / "environment.yml").write_text(conda_environment(pins.read_text(encoding="utf-8")))
    script = post_deploy_script(models.read_text(encoding="utf-8"))
    (ROOT / "environment.post-deploy.sh").write_text(script, encoding="utf-8")


if __name__ == "__main__":
    main()
