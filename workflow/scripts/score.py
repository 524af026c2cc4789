"""score: every metric of a task from the stored predictions, one file per model."""

from hear.scores.files import load_predictions
from hear.scores.score import metrics_of, score_predictions
from workflow.logs import logged
from workflow.provenance import score_file, write_json

with logged(snakemake.log[0]):
    rows, headers = {}, {}
    for path in snakemake.params.predictions:
        header, arrays = load_predictions(path)
        embedding = header["provenance"]["embedding"]
        rows.setdefault(embedding, []).extend(score_predictions(header, arrays))
        headers[embedding] = header
    for model in snakemake.params.models:
        embedding = model["embedding"]
        facts = {"study": snakemake.params.study, "category": snakemake.params.category}
        facts |= {"task": snakemake.wildcards.task, **model}
        facts["metrics"] = metrics_of(headers[embedding])
        content = score_file(facts, rows[embedding], headers[embedding])
        path = next(p for p in snakemake.output if p.split("/")[-2] == model["model"])
        write_json(path, content)
