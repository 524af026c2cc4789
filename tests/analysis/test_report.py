"""The report: whole in itself, every number's file linked, no claim that was not computed."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_page import Page, render, write_study
from score_rows import METRICS

from analysis.exhibits.registry import HEADLINE, exhibits_among
from analysis.exhibits.tables import write_tasks
from analysis.exhibits.text import FigureText
from analysis.report.tables import BEST, plain_table, scores_table, task_scores
from analysis.report.trace import read_trace
from analysis.tables.scores import write_csv

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")


@pytest.fixture(scope="module")
def text() -> FigureText:
    return FigureText(
        study="test",
        metrics={slug: facts.label for slug, facts in METRICS.items()},
        label="study test & <generated> numbers",
        normalization="best model of this run",
        models={"logmel": "log-mel"},
        event_tasks=("dcase2016_task2", "maestro"),
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory, run_summary, task_table, text) -> Path:
    folder = tmp_path_factory.mktemp("study") / "test"
    write_study(folder, run_summary, task_table, text)
    return folder


@pytest.fixture(scope="module")
def html(root: Path, text: FigureText) -> str:
    return render(root, text)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def check_structure(page: Page, root: Path) -> None:
    """Nothing is loaded from anywhere, ids are unique, images are there, links lead somewhere."""
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.loaded)
    assert len(page.loaded) == len(page.images)
    assert len(set(page.ids)) == len(page.ids)
    for image in page.images:
        assert image["alt"] and int(image["width"]) > 0 and int(image["height"]) > 0
        svg = base64.b64decode(image["src"].partition(",")[2]).decode()
        assert "<svg" in svg and svg.rstrip().endswith("</svg>")
        outside = set(re.findall(r'(?:href|src)="([^#"][^"]*)"|url\(([^#)][^)]*)\)', svg))
        assert outside == set()
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        else:
            assert "//" not in link and (root / link).is_file(), link


def test_page_is_whole_in_itself(page: Page, root: Path) -> None:
    check_structure(page, root)
    assert len(page.images) == len(list(root.glob("figures/*.svg"))) > 0
    assert page.headings[0] == "h1" and page.headings.count("h1") == 1


def test_every_exhibit_is_shown_once_with_its_numbers(page: Page, root: Path) -> None:
    files = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    shown = exhibits_among(files)
    assert {e.id for e in shown} >= {"tables/table_1", "figures/figure_3", HEADLINE, "claims"}
    for exhibit in shown:
        assert page.ids.count(exhibit.id) == 1
        assert page.links.count(exhibit.csv) == 1


def test_exhibits_without_files_are_left_out(page: Page) -> None:
    assert {"figures/ranks", "estimates", "leaderboard_row"}.isdisjoint(page.ids)
    assert exhibits_among([]) == []


def test_words_of_the_study_are_escaped(html: str, page: Page) -> None:
    assert "study test & <generated> numbers" in page.words
    assert "&lt;generated&gt;" in html and "<generated>" not in html
    assert "<b>one</b>" not in html.split("<script>")[0]


def test_captions_say_normalization_and_tasks(html: str) -> None:
    said = " ".join(html.split())
    assert "score divided by the best model of this run" in said
    assert "4 tasks (1 general, 2 music, 1 speech)" in said
    assert "HEAR 2021 entries are official" not in said


def test_every_score_of_the_run_links_to_its_file(page: Page, run_summary: pd.DataFrame) -> None:
    links = {link for link in page.links if link.startswith("scores/")}
    keys = run_summary[["model", "task"]].itertuples(index=False)
    assert links == {f"scores/{key.model}/{key.task}.json" for key in keys}


def test_best_of_a_row_is_marked(root: Path, text: FigureText, run_summary: pd.DataFrame) -> None:
    table = task_scores(root, text)
    assert table.columns[3] == "log-mel"
    best = run_summary.groupby("task")["score"].max()
    marked = {row[0].text: [c.text for c in row if c.mark == "best"] for row in table.rows}
    assert marked == {task: [f"{score:.3f} {BEST}"] for task, score in best.items()}


def test_an_undefined_score_is_said(
    tmp_path: Path, run_summary: pd.DataFrame, text: FigureText
) -> None:
    first = run_summary.index == run_summary.index[0]
    write_csv(run_summary.assign(score=run_summary["score"].mask(first)), tmp_path / "summary.csv")
    cells = [cell for row in task_scores(tmp_path, text).rows for cell in row]
    (cell,) = (cell for cell in cells if cell.text == "undefined")
    model, task = run_summary[["model", "task"]].iloc[0]
    assert cell.href == f"scores/{model}/{task}.json"


def test_warnings_about_tasks_are_shown(
    tmp_path: Path,
    root: Path,
    run_summary: pd.DataFrame,
    task_table: pd.DataFrame,
    text: FigureText,
) -> None:
    study = tmp_path / "study"
    shutil.copytree(root, study)
    rows = task_table[task_table["task"].isin(run_summary["task"])]
    said = {"maestro": "clips <left> out"}
    rows = rows.assign(chance="", stands_for="", duration_s=1.0)
    for warnings in ({}, said):
        warned = rows.assign(warnings=[warnings.get(task, "") for task in rows["task"]])
        write_tasks(warned, run_summary, text, study / "tables/tasks")
        html = render(study, text)
        page = Page(html)
        check_structure(page, study)
        assert ("warnings" in page.ids) == ("#warnings" in page.links) == bool(warnings)
        assert ("clips <left> out" in page.words) == bool(warnings)


@pytest.mark.slow
def test_official_entries_stand_beside_real_tasks(
    tmp_path: Path, real_summary: pd.DataFrame, task_table: pd.DataFrame, text: FigureText
) -> None:
    write_study(tmp_path / "real", real_summary, task_table, text)
    page = Page(render(tmp_path / "real", text))
    check_structure(page, tmp_path / "real")
    assert "best HEAR 2021 entry" in page.words
    row = next(r for r in task_scores(tmp_path / "real", text).rows if r[0].text == "libricount")
    official = real_summary.query("task == 'libricount' and source == 'hear2021'")
    best = official.loc[official["score"].idxmax()]
    assert row[3].text == f"{best['score']:.3f} {best['model']}"


@pytest.mark.slow
def test_official_scores_alone(
    tmp_path: Path, official_summary: pd.DataFrame, task_table: pd.DataFrame, text: FigureText
) -> None:
    text = dataclasses.replace(text, models={})
    write_study(tmp_path / "official", official_summary, task_table, text)
    page = Page(render(tmp_path / "official", text, lambda facts: facts.update(protocol=[])))
    check_structure(page, tmp_path / "official")
    said = " ".join(page.words)
    assert "No model was run" in said and "nothing was run" in said


def test_verdicts_are_counted_and_marked(html: str) -> None:
    said = " ".join(html.split())
    assert "3 claims: holds: 1" in said
    assert "holds: 1 with the same verdict" not in said
    assert "1 of the claims that are tested here" in said and "1 with the opposite one" in said
    assert "2 claims have an interval, which decides 1 at 5 % each; 1 stand when all" in said
    assert "the study has one probe seed" in said
    for mark in ("verdict holds", "verdict undecided", "verdict not-tested"):
        assert f'class="{mark}"' in html


def test_cells() -> None:
    table = plain_table(pd.DataFrame({"a_b": ["x", "y"], "n": [1.0, np.nan], "s": [0.12345, 7e-5]}))
    assert table.columns == ["a b", "n", "s"]
    texts = [[cell.text for cell in row] for row in table.rows]
    assert texts == [["x", "1", "0.1235"], ["y", "", "7e-05"]]


def test_ties_are_all_best() -> None:
    scores = pd.DataFrame({"model": ["a", "b", "c"], "source": "run", "x": [0.5, 0.5, np.nan]})
    table = scores_table(scores, FigureText("test", label="", normalization=""))
    assert [row[2].text for row in table.rows] == [f"0.500 {BEST}", f"0.500 {BEST}", ""]


def test_trace_refuses_scores_of_different_inputs(tmp_path: Path) -> None:
    for name, digest in (("a", "1"), ("b", "2")):
        made_by = {"task_hashes": {"t-v1": digest}, "software": {"torch": name}}
        content = {"task": "t", "provenance": made_by}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="b.json: .*expected hash 1 as elsewhere, found 2"):
        read_trace(sorted(tmp_path.glob("*.json")))
    assert read_trace([tmp_path / "a.json"]).software == {"torch": "a"}
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ValueError, match="provenance: expected an object"):
        read_trace([tmp_path / "a.json"])


PROBE = """<script>addEventListener("load", () => {
  const button = document.querySelectorAll("table.sortable thead button")[3];
  button.click();
  const rows = [...button.closest("table").tBodies[0].rows];
  const found = {
    images: [...document.images].map((i) => [i.naturalWidth, i.clientWidth, i.clientHeight]),
    requests: performance.getEntriesByType("resource").map((entry) => entry.name),
    sorted: rows.map((row) => Number(row.cells[3].dataset.sort)),
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
  document.documentElement.dataset.probe = JSON.stringify(found);
});</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH: the page is not opened")
@pytest.mark.parametrize("width", (1000, 500))
def test_in_a_browser(width: int, html: str, tmp_path: Path) -> None:
    """Loads without errors and requests, every image has a size, columns sort, nothing sticks out.

    Runs where a chromium is on PATH (Debian: apt-get install chromium).
    """
    copy = tmp_path / "report.html"
    copy.write_text(html.replace("</body>", PROBE + "</body>"))
    options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --dump-dom"
    options += " --disable-background-networking --disable-component-update --disable-sync"
    options += f" --enable-logging=stderr --window-size={width},800"
    command = [CHROMIUM, *options.split(), f"--user-data-dir={tmp_path / 'user'}", copy.as_uri()]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    assert "CONSOLE" not in finished.stderr
    probe = re.search(r'data-probe="([^"]*)"', finished.stdout)
    assert probe, "the page's load event never came"
    found = json.loads(probe[1].replace("&quot;", '"'))
    assert found["requests"] == [] and len(found["images"]) == html.count("<img ")
    assert all(min(sizes) > 0 for sizes in found["images"])
    assert found["sorted"] == sorted(found["sorted"], reverse=True)
    assert found["overflow"] <= 0
