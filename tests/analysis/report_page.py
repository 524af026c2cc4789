"""A page as a reader's browser sees it, and a study's folder to make one from, for the tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
from figure_parts import OF_SCORES, draw
from matplotlib.figure import Figure

from analysis.claims.ledger import LEDGER_COLUMNS, read_ledger
from analysis.exhibits.costs import COST_COLUMNS, figure_3, read_costs, table_2
from analysis.exhibits.forest import figure_claims
from analysis.exhibits.registry import exhibits_among
from analysis.exhibits.style import save_figure
from analysis.exhibits.tables import scores, table_1
from analysis.exhibits.text import FigureText
from analysis.report.page import Facts, render_report
from analysis.report.trace import read_trace
from analysis.tables.scores import write_csv

ROOT = Path(__file__).parents[2]
STAGES = pd.DataFrame(
    [("embed", 3, 12.5, 11.0, 512.0)], columns=["rule", "jobs", "wall_s", "cpu_s", "peak_mib"]
)

_CLAIMS = pd.DataFrame(
    [
        ("c1", "5.2", "Made-up claim <b>one</b>", "holds", 0.02, 0.04, 0.1, 0.02, 0.2, 4, 1,
         "firm", "does not hold", -0.2, "", "above", 0.05, ""),
        ("c2", "5.3", "Made-up claim two", "undecided at this sample", 0.85, 0.85, 0.01, -0.1,
         0.1, 4, 1, "holds: mean", "", None, "", "below", 0.0, ""),
        ("c3", "5.4", "Made-up claim three", "not tested in this study", None, None, None, None,
         None, 0, None, "", "holds", 0.3, "no scores of x", "within", 0.02, "c1"),
    ],
    columns=(
        "claim_id", "section", "statement", "verdict", "p", "p_holm", "estimate", "low", "high",
        "n_tasks", "n_seeds", "hangs_on", "official_verdict", "official_estimate", "reason",
        "direction", "threshold", "stands_for",
    ),
)  # fmt: skip
_CLAIMS["official_direction"] = _CLAIMS["direction"].where(_CLAIMS["official_verdict"] != "", "")
_CLAIMS["official_threshold"] = _CLAIMS["threshold"].where(_CLAIMS["official_verdict"] != "")
_CLAIMS["models"] = ["passt_m_hop10", "logmel", ""]
_CLAIMS["others"] = ["passt_h_hop10; logmel", "", ""]
_CLAIMS["where"] = ["speech", "music", ""]
CLAIMS = _CLAIMS.reindex(columns=list(LEDGER_COLUMNS), fill_value="")


class Page(HTMLParser):
    """Ids, figures, links, references inside and to other files of an HTML page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.figures: list[dict] = []
        self.used: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.headings: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.headings += [tag] if tag in ("h1", "h2", "h3") else []
        if tag == "svg" and found.get("role") == "img":
            self.figures.append(found)
        if tag == "use":
            self.used.append(found["href"])
        elif tag == "a":
            self.links.append(found["href"])
        elif tag in ("link", "iframe", "object", "embed") or "src" in found or "href" in found:
            self.loaded.append(found.get("src") or found.get("href") or tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def measured() -> pd.DataFrame:
    """Costs as if measured, made up, above the paper's."""
    networks = [  # hop in ms and samples, Patchout, patches, of which without Patchout
        (10, 320, "none", 1188, 1188),
        (10, 320, "structured", 472, 1188),
        (10, 320, "unstructured", 788, 1188),
        (10, 320, "no overlap, structured", 252, 496),
        (5, 160, "none", 2388, 2388),
        (5, 160, "structured", 594, 2388),
        (3, 100, "none", 3828, 3828),
        (3, 100, "structured", 1014, 3828),
    ]
    rows = []
    for hop_ms, hop, patchout, n, n_all in networks:
        values = {"sequence_length": n, "sequence_length_with_tokens": n + 2}
        values |= {"train_samples_per_s": 9000 / n, "train_memory_per_sample": n / 40}
        values |= {"inference_samples_per_s": 20000 / n} if n == n_all else {}
        values |= {"train_speedup": n_all / n} if patchout == "structured" else {}
        machine = ("CPU: made up", 1, "float32", 2, "192 wide, 1 blocks, 3 heads")
        rows += [(hop_ms, hop, q, v, "", "run", patchout, *machine) for q, v in values.items()]
    published = read_costs(ROOT / "resources" / "paper_costs.csv")
    return pd.concat([pd.DataFrame(rows, columns=list(COST_COLUMNS)), published], ignore_index=True)


def write_study(root: Path, summary: pd.DataFrame, tasks: pd.DataFrame, text: FigureText) -> None:
    """Write what a study's report is made from: tables, figures, claims, score files."""
    for folder in ("figures", "tables"):
        (root / folder).mkdir(parents=True)
    write_csv(summary, root / "summary.csv")
    write_csv(summary, root / "scores.csv")
    tasks = tasks[tasks["task"].isin(summary["task"])]
    write_csv(table_1(tasks, text)[1], root / "tables/table_1.csv")
    write_csv(scores(summary, text)[1], root / "tables/scores.csv")
    write_csv(table_2(measured(), text)[1], root / "tables/table_2.csv")
    save(figure_3(measured(), text), root / "figures/figure_3")
    for stem in OF_SCORES:
        save(draw(stem, summary, text), root / f"figures/{stem}")
    write_csv(CLAIMS, root / "claims.csv")
    save(figure_claims(read_ledger(root / "claims.csv"), text), root / "figures/claims")
    for _, row in summary[summary["source"] == "run"].iterrows():
        path = root / "scores" / row["model"] / f"{row['task']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        made_by = {
            "task_hashes": {f"{row['task']}-v1": "0" * 64},
            "checkpoints": {"made_up": "1" * 64},
            "software": {"torch": "0.0"},
        }
        path.write_text(json.dumps({"task": row["task"], "provenance": made_by}))


def save(drawn: tuple[Figure, pd.DataFrame], stem: Path) -> None:
    """Write what the page needs of a figure."""
    write_csv(drawn[1], f"{stem}.csv")
    save_figure(drawn[0], stem, ("svg",))


def render(root: Path, text: FigureText, edit: Callable[[dict], None] = lambda facts: None) -> str:
    """Render the page of a study's folder."""
    facts = {
        "study": "test",
        "title": "Study test",
        "notices": ["Made-up numbers."],
        "settings": {"protocol": "mini"},
        "machine": {"processor": "made up"},
        "checkpoints": {"made_up": "random weights"},
        "stages": STAGES,
        "protocol": [("patience", "5", "20")],
        "deviations": ["Audio is resampled."],
        "config": "study: test",
    }
    edit(facts)
    files = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    trace = read_trace(sorted(root.glob("scores/*/*.json")))
    return render_report(root, exhibits_among(files), Facts(**facts), trace, text)
