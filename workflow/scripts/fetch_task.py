"""fetch_task: bring a task here (generate it, unpack its archives, or point to its folder) and
check every split file, label and audio file of it."""

from pathlib import Path

from hear.manifest import write_manifest
from hear.mini import make_task
from hear.prepare import prepare_archives
from workflow.fetching.care import Care
from workflow.logs import logged

params, threads = snakemake.params, snakemake.threads
manifest, task = Path(snakemake.output[0]), snakemake.wildcards.task
sources = [Path(source) for source in params.sources]
care = Care(params.care, sources)
with logged(snakemake.log[0]), care.explained():
    if params.generated:
        folders = make_task(task, manifest.parent, params.seed)
        origin = {"generator": params.generator, "seed": params.seed}
    else:
        archives = [source for source in sources if source.is_file()]
        made, origin = prepare_archives(
            archives, manifest.parent, params.resample, threads, care.verify, care.fetch_again
        )
        folders = [source for source in sources if source.is_dir()] + made
        care.check(folders)
    write_manifest(manifest, task, folders, origin)
