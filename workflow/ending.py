"""Summary at the end of a run: reports, best models, claims and time.

Read with the standard library alone: with `--sdm conda` the head process has nothing else.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from snakemake.common import NOTHING_TO_BE_DONE_MSG

from analysis.claims.claim import verdicts_in_words

N_BEST = 3


class AtNothingToBeDone(logging.Filter):
    """Says something when Snakemake finds nothing to be done: no hook of its own runs then."""

    def __init__(self, say: Callable[[], None]) -> None:
        super().__init__()
        self._say = say

    def filter(self, record: logging.LogRecord) -> bool:
        """Say it; the record passes."""
        if record.msg == NOTHING_TO_BE_DONE_MSG:
            self._say()
        return True


def ending(studies: Mapping[str, str], seconds: float | None, results: Path) -> str:
    """Sum up a run.

    Parameters
    ----------
    studies : mapping
        Which tasks and weights each study is of (`workflow.study.words.stamp`), by name, of the
        studies whose reports the run was asked for.
    seconds : float or None
        What the run took; None if nothing was to be made.
    results : Path
        The folder of all studies.
    """
    lines = []
    for name, stamp in studies.items():
        folder = (results / name).resolve()
        lines += ["", stamp, f"  report: {folder / 'report.html'}"]
        best, claims = _best(folder / "figures/figure_9.csv"), _claims(folder / "claims.csv")
        lines += [
            f"  {name}: {said}" for name, said in (("best", best), ("claims", claims)) if said
        ]
    took = "Everything was up to date." if seconds is None else f"The run took {_time(seconds)}."
    return "\n".join([*lines, took])


def _best(path: Path) -> str:
    """The best models of a study by the overview, of the run's if it has some."""
    models = {row["model"]: row for row in _read(path)}
    run = {model: row for model, row in models.items() if row["source"] == "run"}
    shown = sorted((run or models).values(), key=lambda row: int(row["position"]))[:N_BEST]
    said = []
    for row in shown:
        place = f", place {row['position']} of {len(models)}" * (0 < len(run) < len(models))
        said.append(f"{row['label']} ({float(row['median_normalized_score']):.3f}{place})")
    return f"{', '.join(said)}; median normalized score of {len(models)} models" if said else ""


def _claims(path: Path) -> str:
    """Number of claims by verdict, and how many stand when tested together."""
    rows = _read(path)
    p_holm = [float(row["p_holm"] or "nan") for row in rows]
    return verdicts_in_words([row["verdict"] for row in rows], p_holm)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():  # kept in a remote storage alone
        return []
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
