"""pretrain: train one checkpoint with Patchout, or go on with a training that was killed."""

from pathlib import Path

from passt.training.config import read_recipe
from passt.training.loop import train
from workflow.logs import logged
from workflow.process import configure

with logged(snakemake.log[0], snakemake.input):
    configure(snakemake.threads, snakemake.params.mkl_fast_path)
    recipe, data = read_recipe(snakemake.input.recipe, snakemake.wildcards.hop)
    train(recipe, data, Path(snakemake.output.weights).parent)
