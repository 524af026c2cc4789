"""estimate: scores, categories, ranks and differences of models, each with an interval."""

from analysis.statistics.cells import build_cells
from analysis.statistics.estimates import estimate
from analysis.tables.metrics import read_metrics
from analysis.tables.normalize import read_maxima, read_summary
from analysis.tables.scores import write_csv
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    summary = read_summary(snakemake.input.summary)
    replicates = snakemake.input.get("replicates")
    metrics = read_metrics(snakemake.input.metrics)
    cells = build_cells(summary, replicates, snakemake.params.embeddings, metrics)
    maxima = read_maxima(snakemake.input.maxima)
    study, params = snakemake.wildcards.study, snakemake.params
    table = estimate(cells, maxima, params.baseline, study, params.event_tasks)
    write_csv(table, snakemake.output[0])
