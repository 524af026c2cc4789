"""measure: speed and memory of PaSST on this machine, beside the paper's numbers."""

import pandas as pd

from analysis.tables.scores import write_csv
from passt.measure.networks import Settings
from passt.measure.table import COLUMNS, measure
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    params = snakemake.params
    rows = measure(Settings(**params.settings), params.mkl_fast_path)
    published = pd.read_csv(snakemake.input.published, dtype=str, keep_default_na=False)
    table = pd.concat([pd.DataFrame(rows, columns=list(COLUMNS)), published[list(COLUMNS)]])
    write_csv(table, snakemake.output[0])
