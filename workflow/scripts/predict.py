"""predict: train the downstream probes on one embedding of one task and predict its test parts."""

from pathlib import Path

import torch

from hear.evaluators import evaluator
from hear.features import read_stored
from hear.manifest import read_manifest
from hear.predictions import save_predictions
from hear.protocol import Protocol
from workflow.logs import logged
from workflow.provenance import provenance_of

with logged(snakemake.log[0]):
    torch.set_num_threads(threads := snakemake.params.threads)
    _, folders = read_manifest(snakemake.input.task)
    header, arrays = evaluator(**snakemake.params.evaluator)(
        folders,
        read_stored([(Path(p), level) for p, level in snakemake.params.components]),
        Protocol.from_config(snakemake.params.protocol),
        int(snakemake.wildcards.seed),
        provenance_of(snakemake.wildcards.embedding, snakemake.input.views, threads),
    )
    save_predictions(Path(snakemake.output[0]), header, arrays)
