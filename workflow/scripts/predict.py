"""predict: train the downstream probes on each embedding of a task and predict its test parts.

What an earlier job has stored, from the same features under the same protocol, is kept. Finished
predictions wait under working names until the job's last act, because Snakemake removes what a
failed job has newly made.
"""

import os
import sys
from pathlib import Path

from hear.evaluators import described, evaluator
from hear.features.store import check_arrays, read_stored
from hear.probes import PROBES, Evaluation
from hear.protocol import Protocol
from hear.scores.files import read_header, save_predictions, untrained
from hear.tasks.manifest import read_manifest
from passt import mkl
from workflow.logs import logged
from workflow.process import configure
from workflow.provenance import is_current, provenance_of

with logged(snakemake.log[0], snakemake.input):
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    configure(params.threads, params.mkl_fast_path)
    _, folders = read_manifest(snakemake.input.task)
    protocol = Protocol.from_config(params.protocol)
    evaluation = Evaluation(PROBES[params.evaluation["probe"]], params.evaluation["train_fraction"])
    path_of_mkl = mkl.__file__ if params.mkl_fast_path else None
    predict_task = evaluator(**params.evaluator, mkl=path_of_mkl, evaluation=evaluation)
    name, waiting = described(params.evaluator["name"], evaluation), {}
    checked: set[tuple[Path, str]] = set()  # components that embeddings share
    for entry in params.embeddings:
        path = Path(entry["predictions"].format(seed=seed))
        ready = path.with_suffix(".ready.npz")
        facts = provenance_of(entry, params.protocol, name, params.threads, params.mkl_fast_path)
        facts |= evaluation.facts
        if is_current(read_header(path).get("provenance", {}), facts):
            continue
        waiting[ready] = path
        if not is_current(read_header(ready).get("provenance", {}), facts):
            components = [(Path(p), level) for p, level in entry["components"]]
            check_arrays([pair for pair in components if pair not in checked])
            checked.update(components)
            read_split = read_stored(components)
            header, arrays = predict_task(folders, read_split, protocol, seed, facts)
            if said := untrained(header):
                print(f"warning: {entry['embedding']}: {said}", file=sys.stderr)
            save_predictions(ready, header, arrays)
    for ready, path in waiting.items():
        os.replace(ready, path)
