"""embed: one forward pass of each checkpoint (or model) over each view of every clip of a task.

What an earlier job has stored, by the same weights from the same audio, is kept. Finished views
wait in working folders until the job's last act, because Snakemake removes what a failed job has
newly made.
"""

from pathlib import Path

from hear.features.embed import embed_task
from hear.features.store import publish
from hear.tasks.manifest import read_manifest, task_hashes
from passt import mkl
from workflow.logs import logged
from workflow.process import configure
from workflow.sources import load_source, stale_views, where

with logged(snakemake.log[0]):
    configure(snakemake.threads, snakemake.params.mkl_fast_path)
    manifest, folders = read_manifest(snakemake.input.task)
    for source in snakemake.params.sources:
        model, facts = load_source(source, snakemake.input.validated)
        provenance = facts | {"tasks": task_hashes(manifest), "software": {"mkl": mkl.path()}}
        storage = source["embedding"]["storage"]
        levels = source["levels"]
        if views := stale_views(source["views"], provenance, levels):
            here = where(model)
            embed_task(folders, model, views, provenance, True, storage, levels, here)
    for source in snakemake.params.sources:
        for directory in source["views"].values():
            publish(Path(directory))
