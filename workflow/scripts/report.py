"""report: one self-contained page with every exhibit of a study and what made it."""

from pathlib import Path

from analysis.exhibits.registry import exhibits_among
from analysis.exhibits.text import FigureText
from analysis.report.page import Facts, render_report
from analysis.report.trace import read_trace
from analysis.tables.metrics import read_metric_labels
from analysis.tables.scores import write_text
from workflow.logs import logged
from workflow.machine import machine
from workflow.stages import read_stages

with logged(snakemake.log[0], snakemake.input):
    params = snakemake.params
    page = Path(snakemake.output[0])
    files = [Path(path).relative_to(page.parent).as_posix() for path in snakemake.input.files]
    facts = Facts(machine=machine(), stages=read_stages(params.logs), **params.facts)
    text = FigureText(**params.text, metrics=read_metric_labels(snakemake.input.metrics))
    trace = read_trace(snakemake.input.scores)
    write_text(render_report(page.parent, exhibits_among(files), facts, trace, text), page)
