"""fetch_task: bring a task here (generate it, unpack its archives, or point to its folder) and
check every split file, label and audio file of it."""

from pathlib import Path

from hear.archives import sha256_file, unpack
from hear.manifest import write_manifest
from hear.mini import make_task
from workflow.logs import logged

with logged(snakemake.log[0]):
    manifest = Path(snakemake.output[0])
    sources = [Path(source) for source in snakemake.params.sources]
    if snakemake.params.generated:
        folders = make_task(snakemake.wildcards.task, manifest.parent, snakemake.params.seed)
        origin = {"generator": snakemake.params.generator, "seed": snakemake.params.seed}
    else:
        archives = [source for source in sources if source.is_file()]
        folders = [source for source in sources if source.is_dir()]
        for archive in archives:
            folders += unpack(archive, manifest.parent)
        origin = {"archives": {archive.name: sha256_file(archive) for archive in archives}}
    write_manifest(manifest, snakemake.wildcards.task, folders, origin)
