"""write_leaderboard_row: a model's 19 scores in the public leaderboard's columns, or why not."""

from analysis.tables.leaderboard import leaderboard_row
from analysis.tables.normalize import read_summary
from analysis.tables.scores import write_csv
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    params = snakemake.params
    summary = read_summary(snakemake.input.summary)
    row = leaderboard_row(
        summary, **params.entry, real_tasks=params.real_tasks, deviations=params.deviations
    )
    write_csv(row, snakemake.output[0])
