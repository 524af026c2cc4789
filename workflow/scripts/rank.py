"""rank: how the run's models stand, per task and per category, among whom they can be compared."""

from analysis.tables.normalize import read_summary
from analysis.tables.ranks import standing, standing_table
from analysis.tables.scores import write_csv, write_text
from analysis.tables.tabulate import to_markdown
from workflow.logs import logged

with logged(snakemake.log[0]):
    table = standing(read_summary(snakemake.input.summary), snakemake.params.model_labels)
    write_csv(table, snakemake.output.csv)
    words = f"Rank of each model among {table['against'].iloc[0]} and itself (normalized score). "
    write_text(
        to_markdown(standing_table(table), words + snakemake.params.label), snakemake.output.md
    )
