"""fetch_task: bring a task here (generate it, unpack its archives, or point to its folder) and
check every split file, label and audio file of it."""

from pathlib import Path

from hear.tasks.manifest import write_manifest
from mini.make import make_task
from workflow.fetch.care import Care
from workflow.logs import logged

params, task = snakemake.params, snakemake.wildcards.task
manifest = Path(snakemake.output[0])
care = Care(params.expected, params.sources, snakemake.config["download"])
with logged(snakemake.log[0]), care.explained():
    if params.generated:
        folders = make_task(task, manifest.parent, params.seed)
        origin = {"generator": params.generator, "seed": params.seed}
    else:
        folders, origin = care.prepare(manifest.parent, params.resample, snakemake.threads)
    write_manifest(manifest, task, folders, origin)
