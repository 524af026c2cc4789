"""plot_ranks: mean rank of every model over the tasks with its interval, numbers beside it."""

from pathlib import Path

from analysis.figures import FigureText
from analysis.figures.ranks import figure_ranks
from analysis.statistics import read_statistics
from analysis.style import save_exhibit

text = FigureText(
    label=snakemake.params.label,
    normalization=snakemake.params.normalization,
    models=snakemake.params.model_labels,
)
statistics = read_statistics(snakemake.input.statistics)
save_exhibit(figure_ranks(statistics, text), Path(snakemake.output.pdf).with_suffix(""))
