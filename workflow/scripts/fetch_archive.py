"""fetch_archive: download one HEAR archive, if there is room for what is still to come."""

from workflow.fetch.fetch import fetch_archive
from workflow.fetch.space import Need
from workflow.logs import logged

with logged(snakemake.log[0]):
    needs = [Need(**need) for need in snakemake.params.needs]
    fetch_archive(snakemake.wildcards.archive, snakemake.params.download, needs)
