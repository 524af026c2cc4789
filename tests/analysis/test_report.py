"""The report: whole in itself, every number's file linked, no claim that was not computed."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import CHROMIUM, Tab, browser
from figure_parts import draw
from report_page import Page, render, save, write_study
from score_rows import METRICS

from analysis.exhibits.registry import HEADLINE, SCORES, exhibits_among
from analysis.exhibits.tables import tasks, write_table
from analysis.exhibits.text import FigureText
from analysis.report.drawing import Drawings
from analysis.report.tables import BEST, plain_table, scores_table, task_scores
from analysis.report.trace import read_trace
from analysis.tables.scores import ScoresError, write_csv


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
    """Nothing is loaded from anywhere, ids are unique, figures are whole, links lead somewhere."""
    assert page.loaded == []
    assert len(set(page.ids)) == len(page.ids)
    for figure in page.figures:
        assert figure["aria-label"] and int(figure["width"]) > 0 and int(figure["height"]) > 0
    for link in [*page.links, *page.used]:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        else:
            assert "//" not in link and (root / link).is_file(), link


def test_page_is_whole_in_itself(page: Page, html: str, root: Path) -> None:
    check_structure(page, root)
    assert len(page.figures) == len(list(root.glob("figures/*.svg"))) > 0
    assert page.headings[0] == "h1" and page.headings.count("h1") == 1
    assert {found for found in re.findall(r"url\(#([^)]+)\)", html)} <= set(page.ids)


def test_every_exhibit_is_shown_once_with_its_numbers(page: Page, root: Path) -> None:
    files = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    shown = exhibits_among(files)
    assert {e.id for e in shown} >= {"tables/table_1", "figures/figure_3", HEADLINE, "claims"}
    for exhibit in shown:
        assert page.ids.count(exhibit.id) == 1
        assert page.links.count(exhibit.csv) == 1


def test_scores_open_a_report_of_which_no_claim_was_tested(
    page: Page, root: Path, text: FigureText, tmp_path: Path
) -> None:
    sections = [id for id in page.ids if id in ("headline-title", HEADLINE, SCORES, "annex")]
    assert sections == ["headline-title", HEADLINE, SCORES, "annex"]
    shutil.copytree(root, tmp_path / "study")
    path = tmp_path / "study" / "claims.csv"
    write_csv(pd.read_csv(path).assign(verdict="not tested in this study"), path)
    ids = Page(render(tmp_path / "study", text)).ids
    sections = [id for id in ids if id in ("headline-title", HEADLINE, SCORES, "annex")]
    assert sections == ["headline-title", SCORES, "annex", HEADLINE]


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


def test_scores_link_to_the_files_of_the_probe_of_exhibits(root: Path, text: FigureText) -> None:
    text = dataclasses.replace(text, score_file="scores/{model}/{task}.linear.json")
    links = [cell.href for row in task_scores(root, text).rows for cell in row if cell.href]
    assert links and all(link.endswith(".linear.json") for link in links)


def test_units_and_acronyms_in_headings_are_spelled_as_usual() -> None:
    table = pd.DataFrame(columns=["peak_mib", "cpu_s", "audioset_map_percent", "map_of_x"])
    assert plain_table(table).columns == ["peak MiB", "CPU s", "AudioSet mAP percent", "mAP of x"]


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


def test_probes_that_were_hardly_trained_are_named(
    root: Path, text: FigureText, tmp_path: Path
) -> None:
    assert "Warnings about probes" not in render(root, text)
    shutil.copytree(root, tmp_path / "study")
    path = next((tmp_path / "study" / "scores").rglob("*.json"))
    document = json.loads(path.read_text()) | {"model": path.parent.name}
    path.write_text(json.dumps(document | {"untrained_folds": ["fold01", "fold03"]}))
    html = render(tmp_path / "study", text)
    model, task = text.model(path.parent.name), text.task(document["task"])
    assert "Warnings about probes" in html
    assert f"<dt>{escape(model)}</dt><dd>{escape(task)}: fold01, fold03</dd>" in html
    path.write_text(json.dumps(document | {"untrained_folds": "fold01"}))
    with pytest.raises(ScoresError, match="untrained_folds: expected a list of names"):
        render(tmp_path / "study", text)


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
        write_table(tasks(warned, run_summary, text), study / "tables/tasks")
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
    digits = "9" * 400  # a text that pandas takes for a number
    assert plain_table(pd.DataFrame({"a": [int(digits)]})).rows[0][0].text == digits


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


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of a browser (Debian: apt-get install chromium)."""
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH: the page is not opened")
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(root: Path, html: str) -> str:
    path = root / "report.html"
    path.write_text(html)
    return path.as_uri()


POINT = "[id='figures/figure_9'] use[data-model={}][data-category=speech]"
NAME = "[id='figures/figure_9'] g[data-model={}]:not([data-category])"
NAMES = ".dim[data-model]:not([data-category])"  # and boxes over all tasks
DIM = f"[...new Set([...document.querySelectorAll('{NAMES}')].map(m => m.dataset.model))]"
TIP = "document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent"
SHOWN = "[...document.querySelectorAll('{} tbody tr')].filter(r => !r.hidden).length"


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (400, True)])
def test_nothing_sticks_out_is_requested_or_refused(
    width: int, dark: bool, tab: Tab, url: str, html: str
) -> None:
    tab.open(url, width, dark=dark)
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert min(tab.ask("[...document.querySelectorAll('figure svg')].map(f => f.clientWidth)")) > 0
    paper = tab.ask("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(18, 18, 18)") == dark
    frame = tab.ask(
        "(() => { const f = document.querySelector('#per-task .scroll');"
        "return [f.clientWidth, f.scrollWidth, getComputedStyle(f).overflowX]; })()"
    )
    assert frame[0] <= width and (frame[1] <= frame[0] or frame[2] == "auto")
    assert tab.complaints == []


@pytest.mark.parametrize("width", (1200, 400))
def test_a_point_tells_its_numbers(
    width: int, tab: Tab, url: str, run_summary: pd.DataFrame
) -> None:
    tab.open(url, width)
    act = tab.hover if width > 600 else tab.tap
    act(POINT.format("logmel"))
    score = run_summary.query("model == 'logmel' and category == 'speech'")["score"].iloc[0]
    lines = tab.ask(TIP).split("\n")
    assert lines[:2] == ["log-mel", "libricount, speech"]
    assert f": {score:.3f} (95 % interval " in lines[2]
    box = tab.ask(
        "(b => [b.left, b.right, b.top])(document.querySelector('#tip').getBoundingClientRect())"
    )
    assert box[0] >= 0 and box[1] <= width and box[2] >= 0


CLAIMS = "[id='figures/claims'] [data-compared]"
OF_CLAIMS = (
    f'[...document.querySelectorAll("{CLAIMS}")].map(m => '
    "[m.dataset.compared, m.dataset.category, m.classList.contains('dim')])"
)


def test_a_claim_is_of_all_models_that_it_compares(tab: Tab, url: str) -> None:
    tab.open(f"{url}#model=passt_m_hop10", 1200)
    dim = {of: is_dim for of, _, is_dim in tab.ask(OF_CLAIMS)}
    assert set(dim.values()) == {True, False}
    assert all(is_dim == ("passt_m_hop10" not in of.split("; ")) for of, is_dim in dim.items())
    tab.open(f"{url}#category=speech", 1200)
    found = {(where, is_dim) for _, where, is_dim in tab.ask(OF_CLAIMS)}
    assert found == {("speech", False), ("music", True)}


@pytest.mark.parametrize("width", (1200, 400))
def test_a_click_on_a_name_keeps_its_model_in_every_figure(
    width: int, tab: Tab, url: str, run_summary: pd.DataFrame
) -> None:
    tab.open(url, width)
    act = tab.click if width > 600 else tab.tap
    act(NAME.format("logmel"))
    others = set(run_summary["model"]) - {"logmel"}
    assert set(tab.ask(DIM)) == others
    assert tab.ask("location.hash") == "#model=logmel"
    act("#per-task thead [data-model=passt_m_hop10] .keep")
    assert set(tab.ask(DIM)) == others - {"passt_m_hop10"}
    assert tab.ask("document.querySelectorAll('#per-task th.kept').length") == 2
    act("#choice [name=all]")
    assert tab.ask(DIM) == [] and tab.ask("location.hash") == ""


def test_tables_are_sorted_searched_and_filtered(
    tab: Tab, url: str, run_summary: pd.DataFrame
) -> None:
    tab.open(url)
    tab.click("#per-task thead th:nth-child(4) .sort")
    cells = "[...document.querySelectorAll('#per-task tbody td:nth-child(4)')]"
    sorts = f"{cells}.map(cell => Number(cell.dataset.sort))"
    assert tab.ask(sorts) == sorted(tab.ask(sorts), reverse=True)
    tasks = run_summary["task"].nunique()
    assert tab.ask(SHOWN.format("#per-task")) == tasks
    tab.type("#choice [name=search]", "Libri")
    assert tab.ask(SHOWN.format("#per-task")) == 1
    assert "Scores per task (1)" in tab.ask("document.querySelector('#choice output').textContent")
    tab.click("#choice [name=all]")
    tab.click("#choice [name=category]")
    tab.press("Escape")
    for letter in "mu":
        tab.press(letter)
    assert tab.ask(SHOWN.format("#per-task")) == 2
    assert tab.ask("location.hash") == "#category=music"
    dim = "[...new Set([...document.querySelectorAll('.dim')].map(m => m.dataset.category))]"
    assert set(tab.ask(dim)) == {"general", "speech"}


def test_an_address_keeps_the_choice(tab: Tab, url: str) -> None:
    choice = "model=logmel&category=speech&search=libri"
    tab.open(f"{url}#figures/ranks&{choice}".replace("ranks", "figure_10"))
    assert tab.ask("location.hash") == f"#figures/figure_10&{choice}"
    assert tab.ask("document.getElementById('figures/figure_10').getBoundingClientRect().top") < 200
    assert "logmel" not in tab.ask(DIM) and tab.ask(SHOWN.format("#per-task")) == 1
    tab.click("nav a[href='#claims']")
    tab.wait(f"location.hash === '#claims&{choice}'")
    assert "logmel" not in tab.ask(DIM)
    tab.open(f"{url}#tables/scores")
    assert tab.ask("document.getElementById('tables/scores').closest('details').open")


def test_keys_go_from_mark_to_mark(tab: Tab, url: str) -> None:
    tab.open(url)
    tab.ask("document.querySelector('[id=\\'figures/figure_9\\'] svg').focus()")
    told = []
    for _ in range(3):
        tab.press("ArrowRight")
        told.append(tab.ask(TIP))
    assert all(told) and len(set(told)) > 1
    tab.press("Enter")
    assert tab.ask("location.hash").startswith("#model=")
    tab.press("Escape")
    assert tab.ask(TIP) == ""


def test_without_javascript_the_page_is_whole(tab: Tab, url: str, html: str) -> None:
    tab.open(url, script=False)
    assert tab.ask("document.querySelector('#choice').hidden")
    assert tab.ask("document.querySelectorAll('main button').length") == 0
    assert (
        tab.ask("document.querySelectorAll('figure svg title').length") == html.count("<title>") - 1
    )
    assert tab.printed().startswith(b"%PDF")


def test_a_name_like_a_reference_is_a_name(
    tmp_path: Path, run_summary: pd.DataFrame, text: FigureText
) -> None:
    odd = 'url(#x) href="#y"'
    named = dataclasses.replace(text, models={"logmel": odd})
    save(draw("figure_9", run_summary, named), tmp_path / "figure_9")
    drawn = Drawings().inline(tmp_path / "figure_9.svg", odd)
    assert f">{odd}\n" in drawn


def test_odd_names_run_nothing(
    tmp_path: Path, root: Path, tab: Tab, run_summary: pd.DataFrame, text: FigureText
) -> None:
    odd = "</script><img src=x onerror='document.title=1'>"
    models, tasks = {"logmel": odd}, {"libricount": '</title>&"$' + odd}
    named = dataclasses.replace(text, models=models, tasks=tasks)
    shutil.copytree(root, tmp_path / "odd")
    save(draw("figure_9", run_summary, named), tmp_path / "odd" / "figures" / "figure_9")
    path = tmp_path / "odd" / "report.html"
    path.write_text(render(tmp_path / "odd", named))
    tab.open(path.as_uri())
    assert tab.ask("[document.title, document.images.length]") == ["Study test", 0]
    tab.hover(POINT.format("logmel"))
    assert tab.ask(TIP).startswith(f"{odd}\n{tasks['libricount']}, speech\n")
    assert tab.complaints == []
