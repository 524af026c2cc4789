"""score: every metric of a task from the stored predictions, one file per model and evaluation."""

from hear.files import write_record
from hear.scores.files import load_predictions
from hear.scores.score import metrics_of, score_predictions
from workflow.logs import logged
from workflow.provenance import score_file

with logged(snakemake.log[0], snakemake.input):
    facts = {"study": snakemake.wildcards.study, "task": snakemake.wildcards.task}
    facts |= {"category": snakemake.params.category}
    for evaluation in snakemake.params.evaluations:
        rows: dict[str, list] = {}
        headers: dict[str, dict] = {}
        for path in evaluation["predictions"]:
            header, arrays = load_predictions(path)
            embedding = header["provenance"]["embedding"]
            rows.setdefault(embedding, []).extend(score_predictions(header, arrays))
            if "left_out" not in headers.get(embedding, {}):  # with one seed: with all
                headers[embedding] = header
        for path, model in evaluation["models"].items():
            header = headers[model["embedding"]]
            own = facts | model | {"metrics": metrics_of(header)}
            write_record(path, score_file(own, rows[model["embedding"]], header))
