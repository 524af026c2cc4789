"""list_tasks: one row per task of the study, in the columns of config/tasks.tsv."""

from pathlib import Path

import pandas as pd

from analysis.tables.scores import write_text
from hear.tasks.manifest import task_rows
from workflow.logs import logged

with logged(snakemake.log[0]):
    manifests = [Path(path) for path in snakemake.input.manifests]
    rows = task_rows(manifests, snakemake.params.categories, snakemake.params.names)
    write_text(pd.DataFrame(rows).to_csv(sep="\t", index=False), snakemake.output[0])
