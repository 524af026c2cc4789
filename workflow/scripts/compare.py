"""compare: scores, categories, ranks and differences of models, each with an interval."""

from analysis.statistics.cells import build_cells
from analysis.statistics.estimates import compare
from analysis.tables.normalize import read_maxima, read_summary
from analysis.tables.scores import write_csv
from workflow.logs import logged

with logged(snakemake.log[0]):
    summary = read_summary(snakemake.input.summary)
    cells = build_cells(summary, snakemake.input.get("replicates"), snakemake.params.embeddings)
    maxima = read_maxima(snakemake.input.maxima)
    table = compare(cells, maxima, snakemake.params.baseline, snakemake.params.study)
    write_csv(table, snakemake.output[0])
