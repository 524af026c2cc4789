"""embed: one forward pass of each checkpoint (or model) over each view of every clip of a task.

What an earlier job has stored, by the same weights from the same audio, is kept.
"""

from pathlib import Path

from hear.features.embed import embed_task
from hear.features.store import is_embedded, shard_suffix
from hear.tasks.manifest import read_manifest, task_hashes
from workflow.logs import logged
from workflow.process import configure
from workflow.provenance import write_json
from workflow.study.jobs import load_source

with logged(snakemake.log[0]):
    configure(snakemake.threads)
    manifest, folders = read_manifest(snakemake.input.task)
    shard, part = snakemake.params.shard, shard_suffix(*snakemake.params.shard)
    for source in snakemake.params.sources:
        model, facts = load_source(source)
        provenance = facts | {"tasks": task_hashes(manifest)}
        for view, directory in source["views"].items():
            target, done = Path(directory), (view, provenance)
            if not is_embedded(target, *done) and not is_embedded(target, *done, part):
                options = {"storage": source["embedding"]["storage"], "shard": shard}
                embed_task(folders, model, view, target, provenance, **options)
    write_json(snakemake.output[0], [source["views"] for source in snakemake.params.sources])
