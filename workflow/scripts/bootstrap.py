"""bootstrap: score draws of the test clips or of their sources, the same for all models."""

from pathlib import Path

from hear.scores.bootstrap import bootstrap_study
from hear.scores.files import save_predictions
from hear.tasks.manifest import clip_sources
from workflow.logs import logged

with logged(snakemake.log[0], snakemake.input):
    params = snakemake.params
    sources = {task: clip_sources(manifest) for task, manifest in params.manifests.items()}
    header, arrays = bootstrap_study(params.predictions, sources, params.n_replicates, params.seed)
    header["evaluation"] = params.evaluation
    save_predictions(Path(snakemake.output[0]), header, arrays)
