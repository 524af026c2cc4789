"""fetch_checkpoint: download released weights."""

from workflow.fetch.fetch import fetch_checkpoint
from workflow.logs import logged

with logged(snakemake.log[0]):
    fetch_checkpoint(snakemake.params.url, snakemake.params.download)
