"""validate: does a third-party model follow the HEAR API? Asked before anything is embedded."""

import sys

from hear.api.requirements import check_requirements
from hear.api.validate import validate_model
from hear.files import write_json
from workflow.logs import logged
from workflow.process import configure

with logged(snakemake.log[0]):
    configure(snakemake.threads, snakemake.params.mkl_fast_path)
    packages = check_requirements(snakemake.params.requires)
    tasks = {"kinds": snakemake.params.kinds, "shortest_s": snakemake.params.shortest_s}
    report = validate_model(**snakemake.params.model, **tasks)
    for warning in report["warnings"]:
        print(f"{snakemake.wildcards.model}: {warning}", file=sys.stderr)
    write_json(snakemake.output[0], report | {"packages": packages})
