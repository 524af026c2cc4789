"""fetch_archive: download one HEAR archive, if there is room for what is still to come.

Addresses and mirrors are read from the config here: that they change must not make anything again.
"""

from workflow.fetch.fetch import excludable, fetch_archive
from workflow.logs import logged
from workflow.study.downloads import missing_space
from workflow.study.study import read_study

with logged(snakemake.log[0], snakemake.input), excludable(snakemake.params.task):
    study = read_study(snakemake.config)
    settings, needs = study.config["download"], missing_space(study)
    fetch_archive(snakemake.wildcards.archive, settings, needs)
