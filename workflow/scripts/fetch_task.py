"""fetch_task: bring a task here (generate it, unpack its archives, or point to its folder) and
check every split file, label and audio file of it."""

from contextlib import nullcontext
from pathlib import Path

from hear.tasks.audio_checks import Limits
from hear.tasks.check import write_manifest
from mini.make import make_task
from mini.task import Scale
from workflow.fetch.fetch import excludable, unpack_task
from workflow.logs import logged
from workflow.study.config import read_config

params, task = snakemake.params, snakemake.wildcards.task
manifest = Path(snakemake.output[0])
with (
    logged(snakemake.log[0], snakemake.input),
    excludable(task) if params.expected else nullcontext(),
):
    if params.generated:
        scale = Scale(**params.scale)
        folders = make_task(task, manifest.parent, params.seed, scale=scale)
        origin = {"generator": params.generator, "seed": params.seed}
    else:
        sources = [Path(source) for source in params.sources]
        how = (params.resample, snakemake.threads, params.expected)
        settings = read_config(snakemake.config)["download"]
        folders, origin = unpack_task(sources, manifest.parent, *how, settings)
    limits = Limits(**params.limits)
    write_manifest(manifest, task, folders, origin, params.is_official, limits)
