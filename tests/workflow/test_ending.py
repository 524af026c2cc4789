"""The end of a run: best models, claims and time from what lies there; nothing left to make."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from snakemake.common import NOTHING_TO_BE_DONE_MSG

from workflow.ending import AtNothingToBeDone, ending

HEAD = "model,label,source,position,median_normalized_score\n"
RUN = "{0},Model {0},run,{1},0.9\n"
ENTRY = "entry,Entry,hear2021,1,0.99\n"


def write(folder: Path, rows: str, verdicts: list[str]) -> None:
    (folder / "figures").mkdir(parents=True)
    (folder / "figures/figure_9.csv").write_text(HEAD + rows)
    (folder / "claims.csv").write_text(
        "\n".join(["claim_id,verdict,p_holm", *(f"c,{v}" for v in verdicts)])
    )


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        (
            "".join(RUN.format(model, place) * 2 for place, model in enumerate("abcd", 1)),
            "Model a (0.900), Model b (0.900), Model c (0.900); median normalized score of 4",
        ),
        (ENTRY + RUN.format("a", 2), "Model a (0.900, place 2 of 2); median"),
        (ENTRY, "Entry (0.990); median"),
    ],
    ids=["run", "beside entries", "entries alone"],
)
def test_best_models_claims_and_time(rows: str, best: str, tmp_path: Path) -> None:
    verdicts = [
        "not tested in this study,",
        "holds at this seed,0.2",
        "holds,0.01",
        "undecided at this sample,1.0",
    ]
    write(tmp_path / "mini", rows, verdicts)
    said = ending({"mini": "Study mini: generated tasks"}, 62.4, tmp_path).splitlines()
    assert said[1:3] == [
        "Study mini: generated tasks",
        f"  report: {tmp_path.resolve()}/mini/report.html",
    ]
    assert said[3].startswith(f"  best: {best}")
    assert said[4:] == [
        "  claims: holds at this seed: 1, holds: 1, undecided: 1, not tested: 1; "
        "1 stand when all are tested together (Holm)",
        "The run took 0:01:02.",
    ]


def test_what_lies_elsewhere_is_left_out(tmp_path: Path) -> None:
    said = ending({"mini": "Study mini"}, None, tmp_path)
    assert "best" not in said and "claims" not in said
    assert said.endswith("Everything was up to date.")


def test_a_run_without_jobs_says_it_too() -> None:
    said: list[str] = []
    heard = AtNothingToBeDone(lambda: said.append("ending"))
    for message in ("Building DAG of jobs...", NOTHING_TO_BE_DONE_MSG):
        assert heard.filter(logging.LogRecord("x", logging.INFO, "", 0, message, None, None))
    assert said == ["ending"]
