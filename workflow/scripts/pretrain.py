"""pretrain: train one checkpoint with Patchout, or go on with a training that was killed."""

from pathlib import Path

import torch

from passt.training import read_recipe, train
from workflow.logs import logged

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    recipe, data = read_recipe(snakemake.input.recipe, snakemake.wildcards.hop)
    train(recipe, data, Path(snakemake.output.weights).parent)
