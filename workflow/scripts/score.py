"""score: every metric of a task from the stored predictions, one file per model."""

from pathlib import Path

from hear.files import write_json
from hear.scores.files import load_predictions
from hear.scores.score import metrics_of, score_predictions
from workflow.logs import logged
from workflow.provenance import score_file

with logged(snakemake.log[0]):
    rows: dict[str, list] = {}
    headers: dict[str, dict] = {}
    for path in snakemake.input.predictions:
        header, arrays = load_predictions(path)
        embedding = header["provenance"]["embedding"]
        rows.setdefault(embedding, []).extend(score_predictions(header, arrays))
        headers[embedding] = header
    outputs = {Path(path).parent.name: path for path in snakemake.output}
    facts = {"study": snakemake.wildcards.study, "category": snakemake.params.category}
    for model in snakemake.params.models:
        if path := outputs.get(model["model"]):
            header = headers[model["embedding"]]
            own = facts | {"task": snakemake.wildcards.task, **model, "metrics": metrics_of(header)}
            write_json(path, score_file(own, rows[model["embedding"]], header))
