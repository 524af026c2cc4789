"""sum_costs: cost of each model's embeddings by task, in seconds per second of audio."""

import pandas as pd

from analysis.tables.embedding_costs import EMBEDDING_COST_COLUMNS, cost_row
from analysis.tables.scores import write_csv
from hear.files import read_record
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    costs = {path: read_record(path) for path in snakemake.input.costs}
    rows = [
        cost_row(
            entry["task"],
            entry["embedding_type"],
            model,
            {name: costs[path] for name, path in passes.items()},
        )
        for entry in snakemake.params.tasks
        for model, passes in entry["passes"].items()
    ]
    write_csv(pd.DataFrame(rows, columns=list(EMBEDDING_COST_COLUMNS)), snakemake.output[0])
