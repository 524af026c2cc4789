"""The study, read and checked before anything else, and what all rules share."""

import os
import re
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

from workflow.downloads import Downloads
from workflow.official import OfficialStudy
from workflow.study import Study

try:
    STUDY = Study(config)
except (ValueError, OSError) as error:
    raise WorkflowError(str(error)) from None

if not sys.stderr.isatty():  # in a log file every update of a progress bar is a line
    os.environ.setdefault("TQDM_MININTERVAL", "30")

OFFICIAL = OfficialStudy()
RESULTS = f"results/{STUDY.name}"
ENVIRONMENT = "../../environment.yml"
FIGURE_CODE = ("analysis/style.py", *sorted(f"analysis/figures/{p.name}" for p in Path("analysis/figures").glob("*.py")))


wildcard_constraints:
    task="|".join(STUDY.tasks),
    source="[A-Za-z0-9_]+",
    view="[a-z0-9]+",
    embedding="[A-Za-z0-9_]+[.][a-z0-9+]+[.][A-Z]+",
    seed="[0-9]+",
    figure="[0-9]+",


def code(*modules):
    """Library modules whose change must redo a cheap step (Snakemake sees scripts only)."""
    return [workflow.source_path(f"../../{module}") for module in modules]


def pretraining_index(wildcards):
    """Index of the clips that a training recipe names."""
    with open(f"config/pretrain_{wildcards.recipe}.yaml") as stream:
        return f"{yaml.safe_load(stream)['data']}/index.csv"
