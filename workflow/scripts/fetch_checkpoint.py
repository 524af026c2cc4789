"""fetch_checkpoint: download released weights.

Mirrors are read from the config here: that they change must not make anything again.
"""

from workflow.fetch.fetch import fetch_checkpoint
from workflow.logs import logged
from workflow.study.config import read_config

with logged(snakemake.log[0], snakemake.input):
    fetch_checkpoint(snakemake.params.url, read_config(snakemake.config)["download"])
