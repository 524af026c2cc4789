"""The report: HTML and script in every name and text that comes into it."""

from __future__ import annotations

import json
import re
import tempfile
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import strategies as st
from matplotlib.figure import Figure

from analysis.claims.ledger import LEDGER_COLUMNS
from analysis.exhibits.markdown import to_markdown
from analysis.exhibits.marks import mark
from analysis.exhibits.registry import EXHIBITS, Exhibit, exhibits_among
from analysis.exhibits.style import house_style, save_figure
from analysis.exhibits.text import FigureText
from analysis.report.page import PAGE, SCRIPTS, Facts, render_report
from analysis.report.trace import read_trace
from analysis.tables.normalize import SUMMARY_COLUMNS
from analysis.tables.scores import ScoresError, write_csv
from tests.fuzz.mutations import TEXTS
from tests.fuzz.readers.tasks import write
from tests.fuzz.watch import Fault, Reader
from workflow.study.config import NO_TEXT

PIECES = (
    "<script>document.title=1</script>", "</script>", "<img src=x onerror=alert(1)>",
    "<svg/onload=a>",
    "</title>", "</style>", "</pre>", "</svg>", "-->", "<!--", "]]>", "<![CDATA[", "&lt;",
    "&#60;", "&",
    "javascript:alert(1)", "data:text/html,x", "'", '"', "`", " onmouseover=alert(1) ", "{{ 7*7 }}",
    "{% raw %}", "${x}", "url(#a)", 'href="#a"', "#a", "|", "<", ">", "\u2028", "\u202e", "é",
    "=1+1",
    "__proto__", "constructor", "\\", "\\u003c", "%3Cscript%3E", "<a href=//x>", "<base href=//x>",
)  # fmt: skip
TAGS = {
    "html", "head", "meta", "title", "style", "body", "svg", "defs", "header", "h1", "h2", "h3",
    "div", "p", "strong", "nav", "ul", "li", "a", "form", "label", "select", "option", "input",
    "span", "button", "output", "main", "section", "figure", "figcaption", "table", "thead",
    "tbody", "tr", "th", "td", "caption", "details", "summary", "pre", "dl", "dt", "dd", "code",
    "script", "g", "path", "use", "clippath", "rect", "image", "text",
}  # fmt: skip
FIELDS = ("label", "notice", "setting", "machine", "checkpoint", "config", "model", "name", "task",
          "statement", "reason", "verdict", "warning", "finding", "digest", "package",
          "drawn")  # fmt: skip


FIGURE = Exhibit("figures/drawn", "Drawn", "a name", "analysis.exhibits.captions:estimates")


class _Page(HTMLParser):
    """Says as a Fault what a page runs, loads or leads to beside what its template has."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")
        if tag not in TAGS:
            raise Fault(f"an element of a text: {tag}")
        for name, value in attributes:
            if name.startswith("on") or name in ("src", "srcdoc", "action", "formaction", "style"):
                if not (name == "style" and tag in ("g", "path", "use", "rect", "text")):
                    raise Fault(f"an attribute of a text: {tag} {name}={value!r:.80}")
            if name == "href" and re.match(r"\s*[\w.+-]*:|\s*//", value or ""):
                raise Fault(f"a link that leads outside: {value!r:.80}")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


@cache
def _script() -> str:
    return "".join((PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS)


def _texts() -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(PIECES + TEXTS), min_size=1, max_size=4).map("".join)


@st.composite
def _cases(draw: Any) -> dict[str, str]:
    """A text for each field of a report, most of them plain."""
    hostile = draw(st.sets(st.sampled_from(FIELDS), min_size=1, max_size=4))
    return {field: draw(_texts()) if field in hostile else field for field in FIELDS}


def _read(case: dict[str, str], inside: Path) -> None:
    if any(NO_TEXT.search(text) for text in case.values()):
        raise ScoresError("report: no text, which config, claims and task folders refuse")
    root = inside / "study"
    for folder in ("figures", "tables", "scores/m"):
        (root / folder).mkdir(parents=True)
    text = FigureText(
        study="mine", label=case["label"], normalization="best", models={"m": case["name"]},
        tasks={"t": case["task"]}, metrics={"top1_acc": "Accuracy"},
    )  # fmt: skip
    row = {"model": "m", "task": "t", "category": "music", "probe": "mlp", "train_fraction": 1.0}
    row |= {"metric": "top1_acc", "score": 0.5, "score_sd": 0.1, "n_folds": 1, "n_seeds": 1}
    row |= {"normalized_score": 1.0, "source": "run"}
    write_csv(pd.DataFrame([row], columns=list(SUMMARY_COLUMNS)), root / "summary.csv")
    write_csv(pd.DataFrame({"model": [case["name"]], "source": ["run"], "t": [0.5]}),
              root / "tables/scores.csv")  # fmt: skip
    facts = {"task": ["t"], "name": [case["task"]], "category": ["music"]}
    write_csv(pd.DataFrame(facts), root / "tables/table_1.csv")
    facts |= {name: [""] for exhibit in EXHIBITS for name in exhibit.hidden}
    facts["warnings"] = [case["warning"]]
    write_csv(pd.DataFrame(facts), root / "tables/tasks.csv")
    found = {"task": ["t"], "folder": ["f"], "level": ["severe"], "kind": ["copies"],
             "found": [case["finding"]], "consequence": ["none"]}  # fmt: skip
    write_csv(pd.DataFrame(found), root / "tables/findings.csv")
    claim = dict.fromkeys(LEDGER_COLUMNS, "") | {
        "claim_id": "c", "section": "5.2", "statement": case["statement"], "verdict": "holds",
        "official_verdict": "", "reason": case["reason"], "estimate": 0.1, "n_tasks": 1,
    }  # fmt: skip
    write_csv(pd.DataFrame([claim]), root / "claims.csv")
    if case["drawn"] in FIELDS:
        write(root, _plain())  # a figure takes longer than all else
    else:
        _draw(case["drawn"], root / "figures/drawn")
    made_by = {"task_hashes": {"f": case["digest"]}, "checkpoints": {case["checkpoint"]: "0"},
               "software": {case["package"]: "1"}}  # fmt: skip
    score_file = root / "scores/m/t.json"
    score_file.write_text(json.dumps({"task": "t", "provenance": made_by}))
    given = Facts(
        study="mine", title="Study mine", notices=[case["notice"]],
        settings={"a": case["setting"]}, machine={"processor": case["machine"]},
        checkpoints={case["checkpoint"]: case["checkpoint"]},
        stages=pd.DataFrame(columns=["rule", "jobs", "wall_s", "cpu_s", "peak_mib"]),
        deviations=[case["notice"]], config=case["config"],
    )  # fmt: skip
    files = [path.relative_to(root).as_posix() for path in root.glob("*/*.csv")]
    exhibits = [FIGURE, *exhibits_among([*files, "claims.csv"])]
    trace = read_trace([score_file])
    html = render_report(root, exhibits, given, trace, text)
    html.encode("utf-8")
    known, script = _Page(html).scripts
    assert script == _script() and json.loads(known)["models"] == {"m": case["name"]}
    table = to_markdown(pd.DataFrame({"name": [case["name"]]}), case["label"])
    assert "<" not in table and len(table.split("\n\n")[0].split("\n")) == 3


def _draw(name: str, stem: Path) -> None:
    """A figure of one point whose model, title and letters are a hostile name."""
    with house_style():
        figure = Figure(figsize=(1, 1))
        (line,) = figure.add_subplot(xticks=[], yticks=[]).plot([0], [0], "o")
        figure.text(0, 0, name[:80])
        mark(line, pd.DataFrame({"model": [name], "category": ["music"]}), [name])
        save_figure(figure, stem, ("svg",))
    write_csv(pd.DataFrame({"model": [name], "normalized_score": [1.0]}), f"{stem}.csv")


@cache
def _plain() -> dict[str, bytes]:
    """The figure of a name that is not hostile, by file."""
    with tempfile.TemporaryDirectory() as folder:
        _draw("drawn", Path(folder) / "drawn")
        return {f"figures/{path.name}": path.read_bytes() for path in Path(folder).iterdir()}


def readers() -> list[Reader]:
    """Readers of this module."""
    _plain()  # before cases are watched
    plain = {field: field for field in FIELDS}
    return [
        Reader(
            "report", _cases(), _read, (ScoresError,), ("report",),
            "text without control characters",
            lambda case: not any(NO_TEXT.search(text) for text in case.values()), [plain],
        )
    ]  # fmt: skip
