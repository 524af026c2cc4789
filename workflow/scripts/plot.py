"""plot: draw one of the figures from a study's summary, with the drawn numbers beside it."""

from pathlib import Path

from analysis.exhibits.figures import FIGURES
from analysis.exhibits.figures.common import FigureText
from analysis.exhibits.style import save_exhibit
from analysis.tables.normalize import read_summary

text = FigureText(
    label=snakemake.params.label,
    normalization=snakemake.params.normalization,
    models=snakemake.params.model_labels,
    tasks=snakemake.params.task_labels,
    event_tasks=tuple(snakemake.params.event_tasks),
    highlight=tuple(snakemake.params.highlight),
)
draw = FIGURES[int(snakemake.wildcards.figure)]
stem = Path(snakemake.output.pdf).with_suffix("")
save_exhibit(draw(read_summary(snakemake.input.summary), text), stem)
