"""estimate_probes: scores of every probe and share of the training clips, and how alike they rank.

With intervals from the same draws of the test clips.
"""

from analysis.statistics.cells import build_cells
from analysis.statistics.probes import Evaluated, estimate_probes
from analysis.tables.metrics import read_metrics
from analysis.tables.normalize import read_evaluations, read_maxima
from analysis.tables.scores import write_csv
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    summary = read_evaluations(snakemake.input.summary)
    summary = summary[summary["source"] == "run"]
    metrics, embeddings = read_metrics(snakemake.input.metrics), snakemake.params.embeddings
    evaluated = []
    for evaluation, replicates in zip(
        snakemake.params.evaluations, snakemake.input.replicates, strict=True
    ):
        rows = summary[(summary[list(evaluation)] == list(evaluation.values())).all(axis=1)]
        scored = {
            task: {model: embeddings[task][model] for model in of_task["model"]}
            for task, of_task in rows.groupby("task")
        }
        cells = build_cells(rows, replicates, scored, metrics)
        evaluated.append(Evaluated(**evaluation, cells=cells))
    maxima = read_maxima(snakemake.input.maxima)
    table = estimate_probes(evaluated, maxima, embeddings, snakemake.wildcards.study)
    write_csv(table, snakemake.output[0])
