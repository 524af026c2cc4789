"""The registry: plain data, every exhibit made twice from files with the same bytes."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_parts import draw, estimates_of
from report_page import CLAIMS, ROOT, measured

from analysis.exhibits.make import caption, load, make_exhibit
from analysis.exhibits.numbers import BASE
from analysis.exhibits.registry import EXHIBITS, READERS, Exhibit, exhibits_of, find_exhibit
from analysis.exhibits.text import FigureText
from analysis.statistics.estimates import SCENES, estimate
from analysis.statistics.probes import Evaluated, estimate_probes
from analysis.tables.embedding_costs import EMBEDDING_COST_COLUMNS, cost_row
from analysis.tables.labels import LABEL_SCORES, confusion_table, label_table
from analysis.tables.scores import write_csv

MADE = [exhibit.id for exhibit in EXHIBITS if exhibit.rule]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, run_summary: pd.DataFrame) -> dict[str, Path]:
    from made_up_cells import make_cells

    folder = tmp_path_factory.mktemp("tables")
    cells = make_cells({"a": {"esc50": 0.5}, "b": {"esc50": 0.7}})
    ranks = estimate(cells, {"esc50": 1.0}, "a", "test")
    means = ranks[ranks["category"].eq(SCENES) | ranks["statistic"].eq("mean_rank")]
    estimates = pd.concat([estimates_of(run_summary), means])
    for name, table in (
        ("summary", run_summary),
        ("estimates", estimates),
        ("measure", measured()),
        ("claims", CLAIMS),
        ("costs", costs_of("a", "b")),
        *of_labels(run_summary).items(),
        ("probes", _probes()),
    ):
        write_csv(table, folder / f"{name}.csv")
    made = {path.stem: path for path in folder.glob("*.csv")}
    return made | {
        "tasks": ROOT / "config" / "tasks.tsv",
        "reference": ROOT / "resources" / "passt_reference_scores.csv",
    }


def costs_of(*models: str) -> pd.DataFrame:
    """Costs of models on a scene task."""
    spent = {"machine": "a", "device": "cpu", "threads": 1, "mkl": "fast", "audio_s": 1}
    rows = [
        cost_row("esc50", "scene", model, {f"{model}.scene": [spent | {"seconds": seconds}]})
        for seconds, model in enumerate(models, start=1)
    ]
    return pd.DataFrame(rows, columns=list(EMBEDDING_COST_COLUMNS))


def of_labels(summary: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of two labels of every task for every model."""
    models, n = summary["model"].unique(), [3, 2]
    scores = {name: np.array([0.5, 0.25]) for name in LABEL_SCORES}
    tasks = summary["task"].unique()
    rows = [label_table(task, model, ["a", "b"], n, scores) for task in tasks for model in models]
    counts = dict.fromkeys(models, np.array([[2, 1], [1, 1]]))
    pairs = [confusion_table(task, ["a", "b"], counts) for task in tasks]
    return {"labels": pd.concat(rows), "confusions": pd.concat(pairs)}


def _probes() -> pd.DataFrame:
    """Two models by two probes, one of them with half of the training clips."""
    from made_up_cells import make_cells

    cells = make_cells({"a": {"esc50": 0.5}, "b": {"esc50": 0.7}}, spread=0.1)
    given = (("mlp", 1.0), ("mlp", 0.5), ("knn", 1.0))
    embeddings = {"esc50": {"a": "a", "b": "b"}}
    return estimate_probes([Evaluated(*one, cells) for one in given], {"esc50": 1}, embeddings, "t")


def test_importing_the_registry_imports_the_standard_library_only() -> None:
    code = (
        "import sys; before = set(sys.modules); import analysis.exhibits.registry; "
        "new = {m.partition('.')[0] for m in set(sys.modules) - before}; "
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert found.strip() == "['analysis']"


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.id)
def test_every_entry_has_a_caption_and_a_drawing_of_its_tables(exhibit) -> None:
    assert callable(load(f"{exhibit.drawing}_caption"))
    assert set(exhibit.of) <= set(READERS)
    assert not exhibit.paper or callable(load(f"{exhibit.drawing}_here"))
    if exhibit.of:
        taken = inspect.signature(load(exhibit.drawing)).parameters
        assert set(taken) == {*exhibit.of, "text"}


@pytest.mark.parametrize("exhibit", [e for e in EXHIBITS if e.rule], ids=lambda e: e.id)
def test_every_caption_says_what_the_paper_has(
    exhibit: Exhibit, inputs: dict[str, Path], text: FigureText
) -> None:
    words = FigureText(**vars(text) | {"judged_model": BASE})
    tables = {name: load(READERS[name])(inputs[name]) for name in exhibit.of}
    numbers = load(exhibit.drawing)(**tables, text=words)[1]
    said = caption(exhibit, words, numbers)
    if exhibit.name.startswith(("Table", "Figure")):
        assert f" In the paper: {exhibit.paper}; here: " in said
        assert caption(exhibit, words, numbers.iloc[:0]).endswith("; here: nothing.")
    else:
        assert said.endswith(" The paper has no such exhibit.")


def test_what_an_exhibit_lacks_is_named(run_summary: pd.DataFrame, text: FigureText) -> None:
    def here(stem: str, summary: pd.DataFrame) -> str:
        exhibit = find_exhibit(f"figures/{stem}")
        return caption(exhibit, text, draw(stem, summary, text)[1]).rpartition("here: ")[2]

    assert here("figure_4", run_summary).endswith("without OpenL3, Wav2Vec2, Cat XWC.")
    others = here("figure_8", run_summary)
    assert text.model("logmel") in others and others.endswith("without OpenL3, Wav2Vec2, PANNs.")
    no_hop3 = run_summary[run_summary["model"] != "passt_mh_hop3"]
    assert here("figure_7", no_hop3).endswith("without 3 ms.")
    assert here("figure_10", run_summary[run_summary["model"] != BASE]).endswith("PaSST base.")


@pytest.mark.slow
@pytest.mark.parametrize("id", MADE)
def test_same_input_same_bytes(
    id: str, inputs: dict[str, Path], text: FigureText, tmp_path: Path
) -> None:
    words = FigureText(**vars(text) | {"judged_model": BASE})
    for name in ("first", "second"):
        make_exhibit(id, inputs, words, tmp_path / name)
    suffixes = find_exhibit(id).suffixes
    assert {path.suffix for path in tmp_path.iterdir()} == set(suffixes)
    for suffix in suffixes:
        first, second = (tmp_path / f"{name}{suffix}" for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_what_is_not_registered_is_refused(text: FigureText, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'figures/figur_8' .*did you mean figures/figure_8"):
        find_exhibit("figures/figur_8")
    with pytest.raises(ValueError, match="figures/figure_4: inputs: expected summary, estimates"):
        make_exhibit("figures/figure_4", {"summary": tmp_path}, text, tmp_path / "x")
    with pytest.raises(ValueError, match="claims: inputs: expected an exhibit that is drawn"):
        make_exhibit("claims", {}, text, tmp_path / "x")


def test_a_study_has_the_exhibits_whose_tables_it_has() -> None:
    assert len({exhibit.id for exhibit in EXHIBITS}) == len(EXHIBITS)
    official = {exhibit.id for exhibit in exhibits_of(["summary", "estimates", "tasks", "claims"])}
    assert {"figures/figure_8", "figures/figure_9", "figures/ranks", "tables/table_1"} <= official
    assert official.isdisjoint({"figures/figure_4", "figures/figure_10", "tables/ranks"})
    run = {
        exhibit.id for exhibit in exhibits_of(["run", "summary", "estimates", "tasks", "claims"])
    }
    assert official < run and "figures/figure_4" not in run
    everything = exhibits_of([*READERS, *{need for exhibit in EXHIBITS for need in exhibit.needs}])
    assert everything == list(EXHIBITS)
