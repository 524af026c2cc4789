"""embed: one forward pass of one checkpoint (or model) over one view of every clip of a task."""

from pathlib import Path

import torch

from hear.embed import embed_task
from hear.manifest import read_manifest, task_hashes
from hear.models import HearModel
from passt.checkpoints import Checkpoint
from workflow.logs import logged

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    source, view = snakemake.wildcards.source, snakemake.wildcards.view
    if snakemake.params.checkpoint is not None:
        checkpoint = Checkpoint.from_config(source, snakemake.params.checkpoint)
        model, fingerprint = checkpoint.embedder(), checkpoint.fingerprint()
    else:
        model = HearModel(**snakemake.params.model)
        fingerprint = model.fingerprint()
    manifest, folders = read_manifest(snakemake.input.task)
    provenance = {"source": source, "fingerprint": fingerprint, "tasks": task_hashes(manifest)}
    embed_task(folders, model, view, Path(snakemake.output[0]).parent, provenance)
