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
    if not verify(checked_study(snakemake.config), Path(place), snakemake.threads):
        sys.exit(1)
