"""plot: draw one of the figures from a study's summary, with the drawn numbers beside it."""

from pathlib import Path

from analysis.figures import FIGURES, FigureText
from analysis.normalize import read_summary
from analysis.style import save_exhibit

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
