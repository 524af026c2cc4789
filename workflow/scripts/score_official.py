"""score_official: check the official HEAR 2021 scores and put them into the study tables' form."""

import pandas as pd

from analysis.tables.metrics import metric_facts, metrics_table
from analysis.tables.normalize import normalize, summarize
from analysis.tables.official import challenge_maxima, load_official_scores, official_tidy
from analysis.tables.scores import write_csv
from hear.metrics.registry import METRICS
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    tasks = pd.read_csv(snakemake.input.tasks, sep="\t", dtype=str, keep_default_na=False)
    scores = load_official_scores(snakemake.input.scores, tasks)
    maxima = challenge_maxima(scores)
    metrics = {slug: metric_facts(slug, metric.facts(), "hear") for slug, metric in METRICS.items()}
    tidy = normalize(official_tidy(scores, tasks), maxima, metrics)
    write_csv(tidy, snakemake.output.scores)
    write_csv(summarize(tidy, metrics), snakemake.output.summary)
    write_csv(maxima.reset_index(), snakemake.output.maxima)
    write_csv(metrics_table(metrics), snakemake.output.metrics)
