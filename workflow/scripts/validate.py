"""validate: does a third-party model follow the HEAR API, do weights fit their checkpoint? Asked
before anything is embedded."""

import sys

from hear.api.environment import list_packages
from hear.api.requirements import check_requirements
from hear.api.validate import validate_model
from hear.files import write_record
from passt.checkpoints import Checkpoint
from passt.weights import load_network
from workflow.logs import logged
from workflow.process import configure
from workflow.sources import as_here

with logged(snakemake.log[0], snakemake.input):
    configure(snakemake.threads, snakemake.params.mkl_fast_path)
    params, id = snakemake.params, snakemake.wildcards.model
    report: dict = {}
    if params.model is None:
        checkpoint = Checkpoint.from_config(id, params.checkpoint)
        load_network(checkpoint)
        report |= {"file": checkpoint.file, "fingerprint": checkpoint.fingerprint()}
    else:
        if params.model["worker"] is None:
            packages = check_requirements(params.requires)
        else:
            report["python"], packages = list_packages(params.model["worker"]["python"])
        tasks = {"kinds": params.kinds, "shortest_s": params.shortest_s}
        report |= validate_model(**as_here(params.model), **tasks)
        for warning in report["warnings"]:
            print(f"{id}: {warning}", file=sys.stderr)
        report |= {"packages": packages}
    write_record(snakemake.output[0], report)
