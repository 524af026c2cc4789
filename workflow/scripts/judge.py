"""judge: compare every claim of the paper with a study's numbers, one row and verdict each."""

from analysis.claims.ledger import (
    NOTHING_MEASURED,
    ledger,
    quantities,
    read_ledger,
    read_measured,
)
from analysis.claims.numbers import tasks_not_above
from analysis.statistics.cells import build_cells
from analysis.tables.metrics import read_metrics
from analysis.tables.normalize import read_maxima, read_summary
from analysis.tables.scores import write_csv
from workflow.logs import logged
from workflow.study.claims import read_claims

with logged(snakemake.log[0], snakemake.input):
    summary = read_summary(snakemake.input.summary)
    replicates, measured = snakemake.input.get("replicates"), snakemake.input.get("measured")
    official = snakemake.input.get("official")
    metrics = read_metrics(snakemake.input.metrics)
    cells = build_cells(summary, replicates, snakemake.params.embeddings, metrics)
    features, baseline = snakemake.params.features, snakemake.params.baseline
    table = ledger(
        read_claims(snakemake.input.claims, *snakemake.params.known),
        quantities(cells, read_maxima(snakemake.input.maxima), baseline),
        read_measured(measured) if measured else NOTHING_MEASURED,
        snakemake.wildcards.study,
        snakemake.params.label,
        tasks_not_above(cells, features, baseline),
        snakemake.params.traits,
        read_ledger(official) if official else None,
        snakemake.params.trained_twice,
    )
    write_csv(table, snakemake.output[0])
