"""make_environment: packages of its own for a model that runs in a worker process."""

from pathlib import Path

from hear.api.environment import Environment, make_environment
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    environment = Environment(**snakemake.params.environment)
    make_environment(environment, Path(snakemake.output[0]).parent)
