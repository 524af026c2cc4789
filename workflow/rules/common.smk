"""The study, read and checked before anything else, and what all rules share.

Rules marked `localrule` take seconds: on a cluster they run beside Snakemake, not as jobs of
their own that wait longer than they work.
"""

import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from workflow.study.downloads import Downloads
from workflow.study.official import OfficialStudy
from workflow.study.report import report_facts, report_inputs
from workflow.study.study import Study

try:
    STUDY = Study(config)
except (ValueError, OSError) as error:
    raise WorkflowError(str(error)) from None

if not sys.stderr.isatty():  # in a log file every update of a progress bar is a line
    os.environ.setdefault("TQDM_MININTERVAL", "30")

OFFICIAL = OfficialStudy()
RESULTS = f"results/{STUDY.name}"
ENVIRONMENT = "../../environment.yml"
FIGURE_CODE = ("analysis/exhibits/style.py", *sorted(f"analysis/exhibits/figures/{p.name}" for p in Path("analysis/exhibits/figures").glob("*.py")))
REPORT_CODE = sorted(str(p) for room in ("analysis/report", "analysis/exhibits") for p in Path(room).rglob("*.*") if p.suffix != ".pyc")

BASELINE = "logmel"  # what headroom is measured from
CLAIM_CODE = ("analysis/claims/ledger.py", "analysis/claims/decide.py", "analysis/claims/numbers.py")


wildcard_constraints:
    task="|".join(STUDY.tasks),
    batch="[A-Za-z0-9_.+]+",
    seed="[0-9]+",
    figure="[4-9]|[1-9][0-9]",  # 3 is of what was measured, not of scores


def events_first(wildcards):
    """Event tasks take longest, so that they go before the others of their stage."""
    return 30 if STUDY.tasks[wildcards.task].embedding_type == "event" else 20


def code(*modules):
    """Library modules whose change must redo a cheap step (Snakemake sees scripts only)."""
    return [workflow.source_path(f"../../{module}") for module in modules]
