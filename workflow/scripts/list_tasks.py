"""list_tasks: what the study's tasks are, and how hard they are for a few of its models."""

from pathlib import Path

import pandas as pd

from analysis.exhibits.tables import write_tasks
from analysis.exhibits.text import FigureText
from analysis.tables.normalize import read_summary
from hear.tasks.manifest import task_rows
from workflow.logs import logged

with logged(snakemake.log[0]):
    manifests = [Path(path) for path in snakemake.input.manifests]
    text = FigureText(**snakemake.params.text)
    rows = pd.DataFrame(task_rows(manifests, snakemake.params.categories, text.tasks))
    stem = Path(snakemake.output.csv).with_suffix("")
    write_tasks(rows, read_summary(snakemake.input.summary), text, stem)
