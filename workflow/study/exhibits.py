"""Exhibits of a study, their files and inputs."""

from __future__ import annotations

from analysis.exhibits.registry import Exhibit, exhibits_of
from workflow.study.blocks import block_series
from workflow.study.config import ROOT, shipped_path
from workflow.study.study import Study


def tables(study: Study) -> dict[str, str]:
    """Files that exhibits of the study are made from, by the registry's names."""
    results = f"results/{study.name}"
    found = {name: f"{results}/{name}.csv" for name in ("summary", "estimates", "claims")}
    if study.origin == "leaderboard":
        return found | {"tasks": shipped_path("config/tasks.tsv")}
    found |= {"tasks": f"{results}/tables/tasks.csv", "measure": f"{results}/measure.csv"}
    found |= {name: f"{results}/{name}.csv" for name in ("costs", "labels", "confusions")}
    if len(study.evaluations) > 1:
        found["probes"] = f"{results}/probes.csv"
    if study.judged_model:
        found["reference"] = shipped_path("resources/passt_reference_scores.csv")
    return found


def exhibits(study: Study) -> list[Exhibit]:
    """The exhibits that the study has, in the report's order."""
    has = {*tables(study)}
    if study.models:
        has |= {"run"}
    if study.models and study.tasks_of("event"):
        has |= {"event"}
    if len({one.probe.name for one in study.evaluations}) > 1:
        has |= {"several probes"}
    if any(one.train_fraction < 1 for one in study.evaluations):
        has |= {"train fractions"}
    if block_series(study):
        has |= {"blocks"}
    return exhibits_of(has)


def report_inputs(study: Study) -> list[str]:
    """Files that the report shows, and the tables behind them."""
    shown = [file for exhibit in exhibits(study) for file in exhibit.page_files]
    return [f"results/{study.name}/{file}" for file in [*shown, "scores.csv", "summary.csv"]]


def page_files() -> list[str]:
    """Templates of the report."""
    found = (ROOT / "analysis" / "report" / "page").glob("*.*")
    return sorted(shipped_path(str(file.relative_to(ROOT))) for file in found)


def exhibit_files(study: Study) -> list[str]:
    """Every file of every exhibit."""
    return [f"results/{study.name}/{file}" for ex in exhibits(study) for file in ex.files]


def targets(study: Study) -> list[str]:
    """Exhibits made by the rule ``all``: figures, tables, scores and the report."""
    results = f"results/{study.name}"
    others = ("scores.csv", "summary.csv", "maxima.csv", "metrics.csv", "report.html")
    made = [file for file in tables(study).values() if file.startswith(f"{results}/")]
    found = [*exhibit_files(study), *made, *(f"{results}/{file}" for file in others)]
    return list(dict.fromkeys(found))
