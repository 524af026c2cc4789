"""predict: train the downstream probes on each embedding of a task and predict its test parts.

What an earlier job has stored, from the same features under the same protocol, is kept.
"""

from pathlib import Path

from hear.evaluators import described, evaluator
from hear.features.store import read_stored
from hear.protocol import Protocol
from hear.scores.files import is_predicted, save_predictions
from hear.tasks.manifest import read_manifest
from workflow.logs import logged
from workflow.process import configure
from workflow.provenance import provenance_of, write_json

with logged(snakemake.log[0]):
    configure(threads := snakemake.params.threads)
    _, folders = read_manifest(snakemake.input.task)
    seed, params = int(snakemake.wildcards.seed), snakemake.params
    protocol, predict_task = Protocol.from_config(params.protocol), evaluator(**params.evaluator)
    name = described(params.evaluator["name"])
    for entry in params.embeddings:
        path = Path(entry["predictions"].format(seed=seed))
        facts = provenance_of(entry, params.protocol, name, threads)
        if not is_predicted(path, seed, facts):
            read_split = read_stored([(Path(p), level) for p, level in entry["components"]])
            save_predictions(path, *predict_task(folders, read_split, protocol, seed, facts))
    write_json(snakemake.output[0], [entry["embedding"] for entry in params.embeddings])
