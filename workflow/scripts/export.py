"""export: a run for other tools: RO-Crate, Croissant, Every Eval Ever, MTEB and the leaderboard."""

from pathlib import Path

from analysis.exhibits.text import FigureText
from analysis.formats.every_eval_ever import Origin
from analysis.formats.results import results
from analysis.report.trace import read_trace
from analysis.statistics.estimates import read_estimates
from analysis.tables.leaderboard import leaderboard_table
from analysis.tables.metrics import read_metrics
from analysis.tables.normalize import read_evaluations, read_summary
from analysis.tables.scores import read_tidy, write_csv, write_text
from hear.files import write_json
from hear.tasks.manifest import read_manifest
from workflow import export
from workflow.crate import ro_crate
from workflow.logs import logged

source, facts, files = snakemake.input, snakemake.params.facts, snakemake.params.files

with logged(snakemake.log[0], snakemake.input):
    metrics = read_metrics(source.metrics)
    labels = {slug: metric.label for slug, metric in metrics.items()}
    text = FigureText(**facts["text"], metrics=labels)
    trace = read_trace(source.scores)
    software = export.software_of(trace)
    made = [read_manifest(path) for path in source.manifests]
    tasks, inputs = export.task_facts(made, text.tasks)
    inputs += export.trace_inputs(trace)
    for path, one in zip(source.manifests, made, strict=True):
        if (task := one[0]["task"]) in files["croissant"]:
            export.write_croissant(
                files["croissant"][task], one, text.tasks[task], facts["licenses"][task],
                software["passt-hear"], Path(path).stat().st_mtime,
            )  # fmt: skip
    summary = read_summary(source.summary)
    found = results(
        read_tidy(source.tidy), read_evaluations(source.summary), read_estimates(source.estimates)
    )
    origin = Origin(software, tasks, time_s=int(Path(source.tidy).stat().st_mtime))
    export.write_scores(found, files, text, metrics, origin)
    table = leaderboard_table(summary, text.models, text.tasks, facts["real_tasks"])
    write_csv(table, files["leaderboard"])
    export.copy_sources(files)
    write_text(facts["config"], files["config"])
    root = Path(source.tidy).parent
    run = export.run_of(root, source.results, files, text, software, inputs, snakemake.params.logs)
    write_json(snakemake.output.crate, ro_crate(run))
