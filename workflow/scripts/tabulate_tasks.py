"""tabulate_tasks: clips, seconds, chance and log-mel baseline of each task of the study."""

import pandas as pd

from analysis.tables.normalize import read_summary
from analysis.tables.scores import write_csv, write_text
from analysis.tables.tabulate import task_table, to_markdown, wins

tasks = pd.read_csv(snakemake.input.tasks, sep="\t", keep_default_na=False)
*others, first = snakemake.params.models.values()
table = task_table(tasks, read_summary(snakemake.input.summary), snakemake.params.models)
write_csv(table, snakemake.output.csv)
notes = [*wins(table, first, others), snakemake.params.label]
write_text(to_markdown(table, "\n\n".join(notes)), snakemake.output.md)
