"""validate: does a third-party model follow the HEAR API, do weights fit their checkpoint? Asked
before anything is embedded."""

import sys

from hear.api.requirements import check_requirements
from hear.api.validate import validate_model
from hear.files import write_json
from passt.checkpoints import Checkpoint
from passt.weights import load_network
from workflow.logs import logged
from workflow.process import configure

with logged(snakemake.log[0]):
    configure(snakemake.threads, snakemake.params.mkl_fast_path)
    params, id = snakemake.params, snakemake.wildcards.model
    report: dict = {}
    if params.model is None:
        checkpoint = Checkpoint.from_config(id, params.checkpoint)
        load_network(checkpoint)
        report |= {"file": checkpoint.file, "fingerprint": checkpoint.fingerprint()}
    else:
        packages = check_requirements(params.requires)
        tasks = {"kinds": params.kinds, "shortest_s": params.shortest_s}
        report |= validate_model(**params.model, **tasks)
        for warning in report["warnings"]:
            print(f"{id}: {warning}", file=sys.stderr)
        report |= {"packages": packages}
    write_json(snakemake.output[0], report)
