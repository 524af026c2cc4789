"""plot_ranks: mean rank of every model over the tasks with its interval, numbers beside it."""

from pathlib import Path

from analysis.exhibits.figures.common import FigureText
from analysis.exhibits.figures.ranks import figure_ranks
from analysis.exhibits.style import save_exhibit
from analysis.statistics.estimates import read_estimates

text = FigureText(
    label=snakemake.params.label,
    normalization=snakemake.params.normalization,
    models=snakemake.params.model_labels,
)
statistics = read_estimates(snakemake.input.statistics)
save_exhibit(figure_ranks(statistics, text), Path(snakemake.output.pdf).with_suffix(""))
