"""score_labels: scores and confusions of every label, by task and model."""

import pandas as pd
from tqdm import tqdm

from analysis.tables.labels import LABEL_COLUMNS, PAIR_COLUMNS, confusion_table, label_table
from analysis.tables.scores import write_csv
from hear.scores.labels import score_labels
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    params = snakemake.params
    labels = [pd.DataFrame(columns=list(LABEL_COLUMNS))]
    pairs = [pd.DataFrame(columns=list(PAIR_COLUMNS))]
    for task, paths in tqdm(params.predictions.items(), desc="score_labels", unit="task"):
        found, confusions = score_labels(paths), {}
        for model, embedding in params.embeddings[task].items():
            mine = found[embedding]
            labels.append(label_table(task, model, mine.labels, mine.n, mine.scores))
            if mine.confusions is not None:
                confusions[model] = mine.confusions
        if confusions:
            pairs.append(confusion_table(task, mine.labels, confusions))
    write_csv(pd.concat(labels), snakemake.output.labels)
    write_csv(pd.concat(pairs), snakemake.output.confusions)
