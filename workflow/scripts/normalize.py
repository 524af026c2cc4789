"""normalize: put all scores of a study into one table and relate each to the best on its task.

The best is the best HEAR 2021 entry where official scores are an input (real tasks), and the best
model of this run that is no control everywhere else.
"""

from analysis.tables.metrics import metrics_table
from analysis.tables.normalize import best_of_run, normalize, read_maxima, summarize
from analysis.tables.score_files import read_scores
from analysis.tables.scores import combine, read_tidy, write_csv
from hear.files import read_record
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    for path in snakemake.input.scores:  # damage is found before numbers are taken
        read_record(path)
    tidy, metrics = read_scores(snakemake.input.scores)
    if snakemake.input.official:
        maxima = read_maxima(*snakemake.input.maxima)
        tidy = combine(tidy, read_tidy(*snakemake.input.official))
    else:
        maxima = best_of_run(tidy, metrics, snakemake.params.controls)
    tidy = normalize(tidy, maxima, metrics)
    write_csv(tidy, snakemake.output.scores)
    write_csv(summarize(tidy, metrics), snakemake.output.summary)
    write_csv(maxima.reset_index(), snakemake.output.maxima)
    write_csv(metrics_table(metrics), snakemake.output.metrics)
