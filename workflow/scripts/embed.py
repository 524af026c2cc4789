"""embed: one forward pass of each checkpoint (or model) over each view of every clip of a task.

What an earlier job has stored, by the same weights from the same audio, is kept. Finished views
wait in working folders until the job's last act, because Snakemake removes what a failed job has
newly made.
"""

from pathlib import Path

from hear.features.embed import embed_task
from hear.features.store import discard, publish
from hear.tasks.manifest import ChangedError, read_manifest, task_hashes, unchanged
from workflow.logs import logged
from workflow.process import configure
from workflow.sources import load_source, mkl_path, stale_views, where

with logged(snakemake.log[0], snakemake.input):
    configure(snakemake.threads, snakemake.params.mkl_fast_path)
    sources = snakemake.params.sources
    directories = [Path(view) for source in sources for view in source["views"].values()]
    manifest, folders = read_manifest(snakemake.input.task)
    try:
        with unchanged(snakemake.input.task, manifest, folders):
            for source in sources:
                model, facts = load_source(source, snakemake.input.validated)
                facts |= {"tasks": task_hashes(manifest), "software": {"mkl": mkl_path(model)}}
                storage, levels = source["embedding"]["storage"], source["levels"]
                if views := stale_views(source["views"], facts, levels):
                    here = where(model)
                    embed_task(folders, model, views, facts, True, storage, levels, here)
    except ChangedError:
        for directory in directories:
            discard(directory)
        raise
    for directory in directories:
        publish(directory)
