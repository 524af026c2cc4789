"""list_tasks: what the study's tasks are, how hard they are for a few of its models, and what
their examination found."""

from pathlib import Path

import pandas as pd

from analysis.exhibits.tables import findings, tasks, write_table
from analysis.exhibits.text import FigureText
from analysis.tables.metrics import read_metric_labels
from analysis.tables.normalize import read_summary
from hear.tasks.manifest import finding_rows, task_rows
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    manifests = [Path(path) for path in snakemake.input.manifests]
    text = FigureText(**snakemake.params.text, metrics=read_metric_labels(snakemake.input.metrics))
    rows = pd.DataFrame(task_rows(manifests, snakemake.params.categories, text.tasks))
    folder = Path(snakemake.output.csv).parent
    write_table(tasks(rows, read_summary(snakemake.input.summary), text), folder / "tasks")
    write_table(findings(finding_rows(manifests), text), folder / "findings")
