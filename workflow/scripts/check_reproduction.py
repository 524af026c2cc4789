"""check_reproduction: compare the run's PaSST base with its published scores, task by task."""

from analysis.tables.normalize import read_summary
from analysis.tables.reproduction import read_reference, reproduction_notes, reproduction_table
from analysis.tables.scores import write_csv, write_text
from analysis.tables.tabulate import to_markdown
from workflow.logs import logged

with logged(snakemake.log[0]):
    summary = read_summary(snakemake.input.summary)
    reference = read_reference(snakemake.input.reference)
    table = reproduction_table(summary, reference, snakemake.params.model)
    write_csv(table, snakemake.output.csv)
    notes = reproduction_notes(table, snakemake.params.label)
    write_text(to_markdown(table, notes, decimals=3), snakemake.output.md)
