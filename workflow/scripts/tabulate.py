"""tabulate: write the paper's table 1 and the scores per model and task, as CSV and Markdown."""

import pandas as pd

from analysis.tables.normalize import read_summary
from analysis.tables.scores import write_csv, write_text
from analysis.tables.tabulate import mark_best, score_table, table_1, to_markdown

tasks = table_1(pd.read_csv(snakemake.input.tasks, sep="\t", keep_default_na=False))
scores = score_table(read_summary(snakemake.input.summary), snakemake.params.model_labels)
write_csv(tasks, snakemake.output.tasks_csv)
write_csv(scores, snakemake.output.scores_csv)
write_text(to_markdown(tasks, snakemake.params.label), snakemake.output.tasks_md)
write_text(to_markdown(mark_best(scores), snakemake.params.label), snakemake.output.scores_md)
