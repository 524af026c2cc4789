"""What Snakemake asks of conda, answered with venv and pip.

An environment starts with all that the Python running this has, so that pip installs only what the
file pins differently, and fails on what does not exist.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from argparse import ArgumentParser
from pathlib import Path

import yaml

ACTIVATE = 'export CONDA_PREFIX="$1"\nexport PATH="$1/bin:$PATH"\n'


def install(folder: Path) -> None:
    """Write ``bin/conda`` and the ``bin/activate`` that Snakemake sources into a folder."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "activate").write_text(ACTIVATE)
    command = folder / "bin" / "conda"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{folder}" "$@"\n')
    command.chmod(0o755)


def create(file: Path, prefix: Path) -> None:
    """Make the environment of a file: Python as asked for, then its pip section."""
    environment = yaml.safe_load(file.read_text())
    python, pip, packages = environment["dependencies"]
    assert python == f"python={sys.version_info.major}.{sys.version_info.minor}" and pip == "pip"
    venv.create(prefix, symlinks=True)
    paths = {"base": str(prefix), "platbase": str(prefix)}
    site_packages = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    (site_packages / "outer.pth").write_text(sysconfig.get_path("purelib") + "\n")
    requirements = prefix / "requirements.txt"
    requirements.write_text("\n".join(packages["pip"]))
    command = [prefix / "bin" / "python", "-m", "pip", "install", "-r", requirements]
    subprocess.run(command, check=True)


def main(folder: str, *arguments: str) -> None:
    """Answer one call of conda."""
    match arguments:
        case ["--version"]:
            print("conda 25.1.0")
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": folder, "platform": "linux-64"}))
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["clean", *_]:
            pass
        case ["env", "create", *options]:
            parser = ArgumentParser()
            parser.add_argument("--file", type=Path)
            parser.add_argument("--prefix", type=Path)
            known, _ = parser.parse_known_args(options)
            create(known.file, known.prefix)
        case _:
            sys.exit(f"conda stand-in: unexpected {arguments}")


if __name__ == "__main__":
    main(*sys.argv[1:])
