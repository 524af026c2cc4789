"""tabulate: one table of a study as CSV and Markdown."""

from pathlib import Path

from analysis.exhibits.make import make_exhibit
from analysis.exhibits.text import FigureText
from analysis.tables.metrics import read_metric_labels
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    inputs = {k: v for k, v in snakemake.input.items() if k not in ("code", "metrics")}
    text = FigureText(**snakemake.params.text, metrics=read_metric_labels(snakemake.input.metrics))
    stem = Path(snakemake.output[0]).with_suffix("")
    make_exhibit(f"tables/{snakemake.wildcards.table}", inputs, text, stem)
