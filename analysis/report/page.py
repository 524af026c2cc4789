"""Rendering of the report: exhibits as table cells and SVG, and the page template."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from analysis.claims.claim import NOT_TESTED, verdict_kind
from analysis.exhibits.make import caption
from analysis.exhibits.registry import HEADLINE, SCORES, Exhibit
from analysis.exhibits.text import FigureText
from analysis.report.drawing import Drawings
from analysis.report.tables import (
    CLAIM_COLUMNS,
    UNTESTED_COLUMNS,
    Table,
    claims_table,
    plain_table,
    scores_table,
    task_scores,
    without_repeated,
)
from analysis.report.trace import Trace
from analysis.tables.scores import read_csv

PAGE = Path(__file__).parent / "page"
SCRIPTS = ("choice.js", "figures.js", "tables.js")  # in this order one script
_TEXT_COLUMNS = (
    "task", "model", "name", "category", "source", "panel", "verdict", "official_verdict",
    "claim_id", "section", "statement", "system", "patchout", "device", "network", "study",
    "warnings", "true", "predicted", "label", "best_model",
    "folder", "level", "kind", "found", "consequence",
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """Facts about the run, as text and plain values; none is computed from scores.

    Attributes
    ----------
    notices : list of str
        Properties of these tasks and weights, and their consequences for a reader.
    checkpoints : mapping
        Description of each checkpoint or model, by id.
    stages : DataFrame
        Columns ``rule, jobs, wall_s, cpu_s, peak_mib``.
    protocol : list of (str, str, str)
        Key, this study's value, heareval's value; only where they differ.
    deviations : list of str
        Other differences from heareval.
    config : str
        The whole configuration, YAML; empty if there is none.
    """

    study: str
    title: str
    notices: list[str]
    settings: Mapping[str, str]
    machine: Mapping[str, str]
    checkpoints: Mapping[str, str]
    stages: pd.DataFrame
    protocol: list[tuple[str, str, str]] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    config: str = ""


def render_report(
    root: Path, exhibits: list[Exhibit], facts: Facts, trace: Trace, text: FigureText
) -> str:
    """Render a study's report: a self-contained HTML page with relative links only.

    Parameters
    ----------
    root : Path
        The study's folder, in which the report must be stored, because its links are relative.
    exhibits : list of Exhibit
        Exhibits to show, in order; their files must exist. The scores also need ``summary.csv``.
    """
    drawings = Drawings()
    shown = [_shown(root, exhibit, drawings, text) for exhibit in exhibits]
    by_id = {item["id"]: item for item in shown}
    claims, opening = by_id.get("claims"), HEADLINE
    if claims and HEADLINE in by_id and not claims["table"].rows:  # none was tested
        opening, by_id[HEADLINE]["folded"] = SCORES, True
    loader = jinja2.FileSystemLoader(PAGE)
    script = "".join((PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html").render(
        facts=facts,
        trace=trace,
        text=text,
        definitions=drawings.definitions,
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        known={"models": dict(text.models), "tasks": _categories(root, by_id)},
        headline=by_id.get(opening),
        exhibits=[item for item in shown if not item["folded"]],
        annex=[item for item in shown if item["folded"]],
        claims=claims,
        per_task=task_scores(root, text) if "tables/scores" in by_id else None,
        stages=plain_table(facts.stages),
        warnings=_task_warnings(root) if "tables/tasks" in by_id else [],
    )


def _categories(root: Path, shown: Mapping[str, dict]) -> dict[str, str]:
    """Category of each task, by id and by display name, from Table 1."""
    if "tables/table_1" not in shown:
        return {}
    tasks = read_numbers(root / "tables" / "table_1.csv")
    return dict(zip([*tasks["task"], *tasks["name"]], [*tasks["category"]] * 2, strict=True))


def _task_warnings(root: Path) -> list[tuple[str, str]]:
    """Name and warnings of each task with warnings, from the task table."""
    tasks = read_numbers(root / "tables" / "tasks.csv")
    return [(task.name, task.warnings) for task in tasks.itertuples() if task.warnings]


def _shown(root: Path, exhibit: Exhibit, drawings: Drawings, text: FigureText) -> dict:
    """Return the template's variables for one exhibit."""
    numbers = read_numbers(root / exhibit.csv)
    shown = {key: getattr(exhibit, key) for key in ("id", "name", "title", "kind", "folded", "csv")}
    shown["caption"] = caption(exhibit, text, numbers)
    if exhibit.kind == "figure":
        label = f"{exhibit.name}: {exhibit.title}. The plotted numbers are in {exhibit.csv}."
        return shown | {"svg": drawings.inline(root / f"{exhibit.id}.svg", label)}
    if exhibit.kind == "claims":
        untested = numbers["verdict"].map(verdict_kind) == NOT_TESTED
        shown["untested"] = claims_table(numbers[untested], UNTESTED_COLUMNS)
        return shown | {"table": claims_table(numbers[~untested], CLAIM_COLUMNS)}
    numbers = numbers.drop(columns=list(exhibit.hidden))
    if exhibit.folded and exhibit.kind == "table":
        numbers, said = without_repeated(numbers)
        shown["caption"] += said
    return shown | {"table": _table(exhibit, numbers, text)}


def _table(exhibit: Exhibit, numbers: pd.DataFrame, text: FigureText) -> Table:
    if exhibit.kind == "scores":
        return scores_table(numbers, text)
    return plain_table(numbers)


def read_numbers(path: Path) -> pd.DataFrame:
    """Read an exhibit's CSV; empty cells are missing numbers or empty text."""
    columns = read_csv(path, nrows=0).columns
    numbers = dict.fromkeys(columns.difference(_TEXT_COLUMNS), [""])
    words = dict.fromkeys(columns.intersection(_TEXT_COLUMNS), str)
    return read_csv(path, dtype=words, na_values=numbers)
