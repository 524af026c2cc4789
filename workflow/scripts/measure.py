"""measure: speed and memory of PaSST on this machine, beside the paper's numbers."""

import pandas as pd
import torch

from analysis.tables.scores import write_csv
from passt.measure.networks import Settings
from passt.measure.table import COLUMNS, measure
from passt.mkl import take_fast_path
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    torch.set_num_threads(1)  # further threads would not survive the fork of a measurement
    if snakemake.params.mkl_fast_path:
        take_fast_path()
    rows = pd.DataFrame(measure(Settings(**snakemake.params.settings)), columns=list(COLUMNS))
    published = pd.read_csv(snakemake.input.published, dtype=str, keep_default_na=False)
    write_csv(pd.concat([rows, published[list(COLUMNS)]]), snakemake.output[0])
