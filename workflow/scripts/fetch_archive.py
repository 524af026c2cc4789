"""fetch_archive: download one HEAR archive, if there is room for what is still to come."""

from workflow.fetch.fetch import excludable, fetch_archive
from workflow.fetch.space import Need
from workflow.logs import logged

params = snakemake.params
with logged(snakemake.log[0]), excludable(params.task):
    needs = [Need(**need) for need in params.needs]
    fetch_archive(snakemake.wildcards.archive, params.download, needs)
