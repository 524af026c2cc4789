"""bootstrap: score draws of the test clips, the same draws for all models of a task."""

from pathlib import Path

from hear.scores.bootstrap import bootstrap_study
from hear.scores.files import save_predictions
from workflow.logs import logged

with logged(snakemake.log[0]):
    params = snakemake.params
    header, arrays = bootstrap_study(params.predictions, params.n_replicates, params.seed)
    save_predictions(Path(snakemake.output[0]), header, arrays)
