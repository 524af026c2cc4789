"""The study, read and checked before anything else, and what all rules share.

Rules marked `localrule` take seconds: on a cluster they run beside Snakemake, not as jobs of
their own that wait longer than they work.
"""

import json
import os
import re
import shlex
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

STARTED = time.monotonic()
CONFIG = "PASST_HEAR_CONFIG"  # environment variable, of a run for its jobs

# The libraries lie beside the workflow; jobs find them by PYTHONPATH, from any working directory.
HERE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
if not (HERE.parents[1] / "passt").is_dir():
    raise WorkflowError(
        "passt-hear: the workflow imports Python modules that lie beside it, which Snakemake does "
        "not fetch; clone the repository and give the path of workflow/Snakefile in the clone"
    )
sys.path.insert(0, str(HERE.parents[1]))

from analysis.exhibits.registry import EXHIBITS, find_exhibit
from workflow.commands import launch
from workflow.ending import AtNothingToBeDone, ending
from workflow.study import confounds, downloads, exhibits, exports, jobs, paths, words
from workflow.study.code import code_of
from workflow.study.config import read_yaml, share_libraries, shipped_path
from workflow.study.recipes import recipe_inputs
from workflow.study.report import report_facts
from workflow.study.study import known_names, leaderboard_study, read_study

IS_RUN = workflow.is_main_process and workflow.modifier.is_main_snakefile()
if IS_RUN:
    try:
        LOCK = launch.hold()
    except ValueError as error:
        raise WorkflowError(str(error)) from None
elif workflow.modifier.is_main_snakefile() and CONFIG in os.environ:
    config.clear()
    config.update(json.loads(os.environ[CONFIG]))

try:
    for file in map(Path, workflow.configfiles if IS_RUN else []):
        if file.suffix in (".yaml", ".yml"):
            read_yaml(file)  # Snakemake takes the last of two equal keys: this refuses them
    STUDY = read_study(config)
    paths.refuse_former_results(STUDY)
except (ValueError, OSError) as error:
    raise WorkflowError(str(error)) from None

if workflow.is_main_process:  # and not in every job
    for notice in STUDY.notices:
        print(f"config: {notice}", file=sys.stderr)

if IS_RUN:  # its jobs read the Snakefile again, and the config may have been edited meanwhile
    os.environ[CONFIG] = json.dumps(config)
share_libraries()
sys.executable = shlex.quote(sys.executable)  # Snakemake puts it into shell commands as it is
if not sys.stderr.isatty():  # in a log file every update of a progress bar is a line
    os.environ.setdefault("TQDM_MININTERVAL", "30")

LEADERBOARD = leaderboard_study()
STUDIES = {study.name: study for study in (STUDY, LEADERBOARD)}
ENVIRONMENT = "../../environment.yml"
PROBES = {paths.probe(STUDY, one): one for one in STUDY.evaluations}  # by folder of predictions
MAIN = STUDY.evaluations[0]  # of exhibits and claims
BASELINE = "logmel"  # what headroom is measured from
FEATURES = "passt_m_hop10"  # a task on which it is not above the baseline says little of PaSST


def say_ending(seconds=None):
    """Sum up the studies whose reports this run was asked for, made now or before."""
    reports = {job.wildcards.study for job in workflow.dag.jobs if job.rule.name == "report"}
    stamps = {name: words.stamp(study) for name, study in STUDIES.items() if name in reports}
    if stamps and not workflow.dryrun:
        print(ending(stamps, seconds, Path("results")), file=sys.stderr)


if IS_RUN:
    logger.addFilter(AtNothingToBeDone(say_ending))


wildcard_constraints:
    study="|".join(STUDIES),
    task="|".join(STUDY.tasks),
    source="|".join([*STUDY.checkpoints, *STUDY.third_party]),
    view="[a-z0-9]+",
    probe="|".join(map(re.escape, PROBES)),
    embedding=r"[A-Za-z0-9_.+@]+",
    seed="[0-9]+",
    model="|".join(STUDY.models),


def kind_of(wildcards):
    return STUDY.tasks[wildcards.task].embedding_type


def events_first(wildcards):
    """Event tasks take longest, so that they go before the others of their stage."""
    return 30 if kind_of(wildcards) == "event" else 20


def job_views(wildcards):
    """Views of one embedding job: one where the rule names it, else all of the task."""
    if hasattr(wildcards, "view"):
        return [(wildcards.source, wildcards.view)]
    return STUDY.views(kind_of(wildcards))


def job_embeddings(wildcards):
    """Embeddings of one prediction job: one where the rule names it, else all of the task."""
    if hasattr(wildcards, "embedding"):
        return [wildcards.embedding]
    return list(dict.fromkeys(STUDY.embeddings_of(kind_of(wildcards)).values()))


def exhibit_inputs(wildcards, id):
    """Tables that an exhibit is made from, and the modules that draw it."""
    exhibit = find_exhibit(id)
    tables = exhibits.tables(STUDIES[wildcards.study])
    found = {name: tables[name] for name in exhibit.of}
    return found | {"code": code_of(exhibit.rule, exhibit.modules)}


def of_run(wildcards, **files):
    """Files of models that are run; the leaderboard's entries left neither predictions nor costs."""
    if not STUDIES[wildcards.study].models:
        return {}
    return {name: file.format(study=wildcards.study) for name, file in files.items()}


def predictions_of(one):
    """Predictions of one evaluation by task; a probe may have no tasks of a kind."""
    tasks = [task for kind in one.probe.kinds for task in STUDY.tasks_of(kind)]
    return {task: paths.predictions(STUDY, task, one) for task in STUDY.tasks if task in tasks}


def bootstrapped(wildcards):
    """Predictions of the evaluation that a job bootstraps, by task."""
    return predictions_of(PROBES[wildcards.probe])
