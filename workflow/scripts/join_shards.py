"""join_shards: make the shards of a task's views one, without copying them."""

from pathlib import Path

from hear.features.shards import join_shards
from workflow.logs import logged
from workflow.provenance import write_json

with logged(snakemake.log[0]):
    for source in snakemake.params.sources:
        for directory in source["views"].values():
            join_shards(Path(directory), snakemake.params.n)
    write_json(snakemake.output[0], [source["views"] for source in snakemake.params.sources])
