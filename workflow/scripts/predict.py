"""predict: train the downstream probes on each embedding of a task and predict its test parts.

What an earlier job has stored, from the same features under the same protocol, is kept.
"""

from pathlib import Path

import torch

from hear.features import read_stored
from hear.manifest import read_manifest
from hear.predictions import is_predicted, predict_task, save_predictions
from hear.protocol import Protocol
from workflow.logs import logged
from workflow.provenance import provenance_of, write_json

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    _, folders = read_manifest(snakemake.input.task)
    protocol, seed = Protocol.from_config(snakemake.params.protocol), int(snakemake.wildcards.seed)
    for entry in snakemake.params.embeddings:
        path = Path(entry["predictions"].format(seed=seed))
        provenance = provenance_of(entry, snakemake.params.protocol, snakemake.threads)
        if not is_predicted(path, seed, provenance):
            read_split = read_stored([(Path(p), level) for p, level in entry["components"]])
            save_predictions(path, *predict_task(folders, read_split, protocol, seed, provenance))
    write_json(snakemake.output[0], [entry["embedding"] for entry in snakemake.params.embeddings])
