"""verify: check every link of the finished study by hash, and a sample by value."""

import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from workflow.commands.arguments import checked_study
from workflow.commands.verify.__main__ import verify
from workflow.logs import logged

with (
    logged(snakemake.log[0], snakemake.input),
    redirect_stdout(sys.stderr),
    tempfile.TemporaryDirectory(prefix="verify-") as place,
):
    study = checked_study(snakemake.config)
    if not verify(study, Path(place), snakemake.threads):
        raise ValueError(f"study {study.name}: files do not hold the chain; they are named above")
