"""make_pretraining_clips: generate the multi-label clips that the mini checkpoints learn from."""

from pathlib import Path

from mini.pretraining.shards import make_dataset
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    params = snakemake.params
    destination = Path(snakemake.output[0]).parent
    make_dataset(destination, params.n_clips, params.n_valid, params.seed)
