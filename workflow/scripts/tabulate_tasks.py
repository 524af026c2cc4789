"""tabulate_tasks: clips, seconds, chance and log-mel baseline of each task of the study."""

import pandas as pd

from analysis.normalize import read_summary
from analysis.scores import write_csv, write_text
from analysis.tables import task_table, to_markdown

tasks = pd.read_csv(snakemake.input.tasks, sep="\t", keep_default_na=False)
table = task_table(tasks, read_summary(snakemake.input.summary), snakemake.params.baseline)
write_csv(table, snakemake.output.csv)
write_text(to_markdown(table, snakemake.params.label), snakemake.output.md)
