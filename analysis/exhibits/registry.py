"""Registry of the figures and tables: their names, input tables and drawing functions.

Plain data, read by the workflow before anything is computed: imports the standard library only. An
exhibit consists of an entry here, a drawing function, ``function(**tables, text)``, which returns a
figure or Markdown and the table of its numbers, and a caption in the same module,
``function_caption(text, numbers)``. If the paper has an exhibit of that name,
``function_here(text, numbers)`` describes what is shown instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

READERS = {  # table that exhibits are made from: what reads it
    "summary": "analysis.tables.normalize:read_summary",
    "estimates": "analysis.statistics.estimates:read_estimates",
    "claims": "analysis.claims.ledger:read_ledger",
    "tasks": "analysis.exhibits.tables:read_tasks",
    "measure": "analysis.exhibits.costs:read_costs",
    "costs": "analysis.tables.embedding_costs:read_embedding_costs",
    "labels": "analysis.tables.labels:read_labels",
    "confusions": "analysis.tables.labels:read_confusions",
    "probes": "analysis.statistics.probes:read_probes",
    "reference": "analysis.exhibits.reproduction:read_reference",
}
_DRAWN = (".pdf", ".png", ".svg", ".csv")


@dataclass(frozen=True)
class Exhibit:
    """One figure or table of a study.

    Attributes
    ----------
    id : str
        Path of its files below the study's folder, without suffix.
    name, title : str
        Such as "Figure 6", and its topic.
    drawing : str
        ``module:function`` of the drawing function; if there is none, of its caption without
        ``_caption``.
    of : tuple of str
        Input tables of the drawing function, keys of `READERS`; empty if the exhibit has a rule of
        its own.
    kind : str
        ``figure``, ``table``, ``scores`` (the best of each column is marked) or ``claims``
        (verdicts are marked).
    needs : tuple of str
        Other requirements: ``run`` (the study runs models), ``event`` (event tasks), ``several
        probes``, ``train fractions`` (below 1), ``blocks`` (models of single blocks), ``request``
        (made on request only).
    paper : str
        Content of the paper's exhibit of this name, for the line that lists the differences; empty
        if the paper has none.
    folded : bool
        Whether the report shows it collapsed, for long tables.
    hidden : tuple of str
        Columns of the CSV that the report omits.
    suffixes : tuple of str
        Suffixes of its files.
    """

    id: str
    name: str
    title: str
    drawing: str
    of: tuple[str, ...] = ()
    kind: str = "figure"
    needs: tuple[str, ...] = ()
    paper: str = ""
    folded: bool = False
    hidden: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = _DRAWN

    @property
    def stem(self) -> str:
        """Name of its files without suffix."""
        return self.id.rpartition("/")[2]

    @property
    def rule(self) -> str:
        """The rule that makes it: ``draw``, ``tabulate``, or empty if it has one of its own."""
        if not self.of:
            return ""
        return "draw" if self.kind == "figure" else "tabulate"

    @property
    def csv(self) -> str:
        """Path of its numbers, below the study's folder."""
        return f"{self.id}.csv"

    @property
    def files(self) -> list[str]:
        """Paths of all its files, below the study's folder."""
        return [f"{self.id}{suffix}" for suffix in self.suffixes]

    @property
    def page_files(self) -> list[str]:
        """Paths of the files that the report shows, below the study's folder."""
        return [file for file in self.files if file.endswith((".svg", ".csv"))]

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules of the drawing function and of the readers of its tables."""
        places = (self.drawing, *(READERS[table] for table in self.of))
        return tuple(dict.fromkeys(place.partition(":")[0] for place in places))


def _figure(
    number: int, title: str, module: str, *of: str, paper: str, needs: tuple = ("run",)
) -> Exhibit:
    stem = f"figure_{number}"
    place = f"analysis.exhibits.{module}:{stem}"
    name = f"Figure {number}"
    return Exhibit(f"figures/{stem}", name, title, place, of, needs=needs, paper=paper)


def _table(stem: str, name: str, title: str, place: str, *of: str, **more: Any) -> Exhibit:
    place = f"analysis.exhibits.{place}"
    more = {"kind": "table", "suffixes": (".csv", ".md")} | more
    return Exhibit(f"tables/{stem}", name, title, place, of, **more)


EVENT_TASKS = "DCASE 2016 and MAESTRO"  # with timestamp embeddings, as the paper names them
IMPROVED = "improved PaSST, whose larger receptive field it does not state (here 640 ms)"
HEADLINE = "figures/claims"  # opens the report
SCORES = "figures/figure_9"  # opens it where no claim was tested
EXHIBITS = (  # in the report's order
    Exhibit(
        HEADLINE, "Claims", "Verdicts of this study",
        "analysis.exhibits.forest:figure_claims", ("claims",),
    ),
    _table(
        "table_1", "Table 1", "The tasks", "tables:table_1", "tasks",
        paper="the 19 HEAR 2021 tasks (7 general, 7 music, 5 speech)",
    ),
    _table(
        "table_2", "Table 2", "Cost of finer STFT hops", "costs:table_2", "measure",
        needs=("run",), hidden=("device", "network"),
        paper="ViT-B networks on a Titan RTX, with their mAP on AudioSet",
    ),
    _figure(
        3, "Speed and memory of training", "costs", "measure",
        paper="PaSST, AST and CNNs on a Titan RTX, the radius of a circle is the memory",
    ),
    _figure(
        4, "Levels, on event tasks", "event_bars", "summary", "estimates", needs=("run", "event"),
        paper=f"{EVENT_TASKS}, levels of PaSST beside OpenL3, Wav2Vec2 and Cat XWC",
    ),
    _figure(
        5, "Receptive fields, on event tasks", "event_bars", "summary", "estimates",
        needs=("run", "event"),
        paper=f"{EVENT_TASKS}, receptive fields of L+M beside OpenL3, Wav2Vec2 and Cat XWC",
    ),
    _figure(
        6, "Levels, by category", "boxes", "summary", "estimates",
        paper="M, H and M+H of the network of hop 10 on 19 tasks",
    ),
    _figure(
        7, "STFT hops, by category", "boxes", "summary", "estimates",
        paper="hops of 10, 5 and 3 ms on 19 tasks, at unstated levels",
    ),
    _figure(
        8, "PaSST beside other models", "boxes", "summary", "estimates", needs=(),
        paper=f"OpenL3, Wav2Vec2, PANNs, PaSST base and {IMPROVED}",
    ),
    _figure(
        9, "All models over all their tasks", "overview", "summary", "estimates", needs=(),
        paper=f"all 29 HEAR 2021 entries and {IMPROVED}",
    ),
    _figure(
        10, "Base against improved, task by task", "task_bars", "summary", "estimates",
        paper=f"PaSST base, on 19 tasks beside {IMPROVED}",
    ),
    Exhibit(
        "figures/blocks", "Blocks", "Score over the block whose features are probed",
        "analysis.exhibits.blocks:figure_blocks", ("estimates",), needs=("run", "blocks"),
    ),
    Exhibit(
        "figures/ranks", "Ranks", "Mean ranks with intervals",
        "analysis.exhibits.ranks:figure_ranks", ("estimates",),
    ),
    Exhibit(
        "figures/probes", "Probes", "Do the probes rank the embeddings alike?",
        "analysis.exhibits.probes:figure_probes", ("probes",), needs=("several probes",),
    ),
    Exhibit(
        "figures/train_fractions", "Training data", "Scores with fewer training clips, by category",
        "analysis.exhibits.train_fractions:figure_train_fractions", ("probes",),
        needs=("train fractions",),
    ),
    Exhibit(
        "figures/costs", "Costs", "Scores against the cost of embeddings",
        "analysis.exhibits.cost_scores:figure_costs", ("costs", "estimates"), needs=("run",),
    ),
    Exhibit(
        "estimates", "Estimates", "Intervals of every number",
        "analysis.exhibits.captions:estimates", kind="table", folded=True, suffixes=(".csv",),
    ),
    Exhibit(
        "claims", "Ledger", "Every claim with its numbers",
        "analysis.exhibits.captions:claims", kind="claims", suffixes=(".csv",),
    ),
    _table(
        "scores", "Scores", "Every model on every task", "tables:scores", "summary",
        kind="scores", folded=True,
    ),
    _table(
        "ranks", "Rank table", "Ranks per task and category", "ranks:table_ranks", "summary",
        needs=("run",), folded=True, hidden=("model", "against"),
    ),
    _table(
        "tasks", "Task table", "How hard the tasks are", "tables:tasks",
        needs=("run",), folded=True,
        hidden=("name", "prediction_type", "split_mode", "metrics", "folders", "warnings"),
    ),
    _table(
        "findings", "Findings", "Possible flaws of the tasks", "tables:findings",
        needs=("run",), folded=True, hidden=("task", "folder", "kind"),
    ),
    _table(
        "reproduction", "Reproduction", "PaSST base against its published scores",
        "reproduction:reproduction", "summary", "reference", needs=("run",),
    ),
    _table(
        "confusions", "Confusions", "Confusions of the best models",
        "labels:table_confusions", "confusions", "summary", needs=("run",), folded=True,
        hidden=("model",),
    ),
    _table(
        "labels", "Labels", "Worst labels of the best models", "labels:table_labels", "labels",
        "summary", needs=("run",), folded=True, hidden=("model",),
    ),
    Exhibit(
        "leaderboard_row", "Leaderboard row", "This study's row for the public leaderboard",
        "analysis.exhibits.captions:leaderboard_row", kind="table", needs=("request",), folded=True,
        suffixes=(".csv",),
    ),
)  # fmt: skip


def find_exhibit(id: str) -> Exhibit:
    """Return an exhibit by its id; ValueError for an unknown id suggests the nearest one."""
    by_id = {exhibit.id: exhibit for exhibit in EXHIBITS}
    if id not in by_id:
        near = difflib.get_close_matches(id, by_id, 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(by_id)}"
        raise ValueError(f"exhibit {id!r} is not in the registry; {hint}")
    return by_id[id]


def exhibits_of(has: Collection[str]) -> list[Exhibit]:
    """Return the exhibits that a study can make if it `has` these tables and other needs."""
    return [exhibit for exhibit in EXHIBITS if {*exhibit.of, *exhibit.needs} <= set(has)]


def exhibits_among(files: Collection[str]) -> list[Exhibit]:
    """Return the exhibits that the report can show from `files`, paths below the study's folder."""
    return [exhibit for exhibit in EXHIBITS if set(exhibit.page_files) <= set(files)]
