"""The claims ledger: one row per claim with this study's numbers and a verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from analysis.claims.claim import TRAININGS_TOPIC, Claim, Measurand
from analysis.claims.decide import (
    NOT_TESTED_HERE,
    Measured,
    Verdict,
    detectable,
    holm,
    judge_measured,
)
from analysis.claims.numbers import EACH, judge
from analysis.claims.readings import hangs_on, other_aggregate
from analysis.statistics.cells import Cells
from analysis.tables.scores import read_csv, read_table

_NUMBERS: dict[str, Any] = dict.fromkeys(
    (
        "p", "p_holm", "estimate", "low", "high", "detectable", "threshold", "value",
        "other_value", "other_estimate", "other_low", "other_high", "official_estimate",
        "official_threshold",
    ),
    float,
)  # fmt: skip
_COUNTS = {"n_tasks": "Int64", "n_seeds": "Int64"}
LEDGER_COLUMNS = (
    "claim_id", "section", "statement", "verdict", "hangs_on", "official_verdict",
    "official_estimate", "official_claim_id", "official_direction", "official_threshold", "p",
    "p_holm", "estimate", "low", "high", "detectable", "n_tasks", "n_seeds", "study",
    "not_above_baseline", "reason", "reading",
    "stands_for", "confounds", "quantity", "aggregate", "direction", "threshold", "models",
    "others", "model", "other_model", "where", "value", "other_value", "other_aggregate",
    "other_verdict", "other_estimate", "other_low", "other_high", "topic", "short", "label",
)  # fmt: skip

NOTHING_MEASURED = Measured({}, "")


def ledger(
    claims: Sequence[Claim],
    scores: Mapping[str, Cells],
    measured: Measured,
    study: str,
    label: str,
    not_above_baseline: Collection[str] = (),
    traits: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    official: pd.DataFrame | None = None,
    trained_twice: tuple[str, str] | None = None,
) -> pd.DataFrame:
    """Compare every claim with a study.

    Parameters
    ----------
    scores : mapping
        Scores by quantity (see `quantities`).
    measured : Measured
        `NOTHING_MEASURED` if nothing was.
    study, label : str
        Its name, and which tasks and weights it is about; stand in every row.
    not_above_baseline : collection of str
        Tasks on which PaSST's features do not surely beat log-mel: a verdict on models of the run
        that rests on one of them says little of PaSST, and its row names them.
    traits : mapping
        By topic that is confounded in this study, how each model stands in it.
    official : DataFrame or None
        The ledger of the same claims by official scores, whose verdicts stand beside the study's.
    trained_twice : tuple of str or None
        Two models whose networks differ in the seed of their training alone: where a claim compares
        different networks, the reason gives these two models' difference in the same number.

    Returns
    -------
    DataFrame
        Columns `LEDGER_COLUMNS`, a row per claim in their order. ``estimate`` with ``low`` and
        ``high`` is compared with ``threshold``; it is ``value`` minus ``other_value``, which
        includes the claim's factor (for a claim against other categories: minus the same there).
        ``models`` and ``others`` are all that the claim speaks of, ``model`` and ``other_model``
        the deciding ones, ``where`` the tasks, ``confounds`` what else differs between the models.
        ``p`` is two-sided, below .05 where an interval decides; ``p_holm`` is adjusted for all
        claims that have one; ``detectable`` is the distance from the threshold that this sample
        would decide in four of five cases. The ``other_`` columns at the end are what the mean says
        where the claim is about the median, and the other way round; ``hangs_on`` is that of
        `analysis.claims.readings`. Those named ``official_`` are of
        ``official_claim_id``, the claim itself or the nearest evidence for it; empty if official
        scores test neither.
    """
    rows = []
    for claim in claims:
        verdict, alternative = _judge(claim, scores, measured), other_aggregate(claim)
        other = None
        if alternative is not None:
            other = alternative.aggregate, _judge(alternative, scores, measured)
        row = _row(claim, verdict, other, not_above_baseline) | _beside(claim, official)
        topics = _confounds(claim, traits)
        if TRAININGS_TOPIC in topics and trained_twice:
            noise = _training_noise(claim, verdict, scores, *trained_twice)
            row["reason"] = "; ".join(filter(None, (str(row["reason"]), noise)))
        row |= {"confounds": "; ".join(topics)}
        rows.append(row | {"hangs_on": _hangs_on(claim, verdict, scores, measured)})
    table = pd.DataFrame(rows).assign(study=study, label=label)
    table["p_holm"] = holm(table["p"])
    return table.reindex(columns=list(LEDGER_COLUMNS)).astype(_NUMBERS | _COUNTS)


def read_ledger(path: str | Path) -> pd.DataFrame:
    """Read a ledger written as CSV; ScoresError for other columns than `LEDGER_COLUMNS`."""
    return read_table(path, LEDGER_COLUMNS, _NUMBERS | _COUNTS)


def quantities(cells: Cells, maxima: Mapping[str, float], baseline: str) -> dict[str, Cells]:
    """Return the scores in every quantity that a claim can be about."""
    return {
        "score": cells,
        "normalized_score": cells.normalized(maxima),
        "headroom": cells.headroom(baseline),
    }


def read_measured(path: str | Path) -> Measured:
    """Read this machine's measurements (rows whose ``source`` is ``run``).

    ValueError if a column is missing, or a value stands there twice.
    """
    types = {"value": float, "architecture": str}
    table = read_csv(path, dtype=types, na_values={"value": [""]})
    expected = (*Measurand._fields, "value", "source", "architecture")
    missing = [column for column in expected if column not in table.columns]
    if missing:
        raise ValueError(f"{path}: expected columns {', '.join(expected)}; found no {missing}")
    mine = table[(table["source"] == "run") & table["value"].notna()]
    keys = [Measurand(*row) for row in mine[list(Measurand._fields)].itertuples(index=False)]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{path}: expected each value of this run once, found {twice} again")
    values = dict(zip(keys, mine["value"], strict=True))
    return Measured(values, " or ".join(sorted(set(mine["architecture"]))))


def _judge(claim: Claim, scores: Mapping[str, Cells], measured: Measured) -> Verdict:
    if claim.untested:
        return Verdict(NOT_TESTED_HERE, claim.untested)
    if claim.ratio:
        return judge_measured(claim, measured)
    return judge(claim, scores[claim.quantity])


def _hangs_on(claim: Claim, found: Verdict, scores: Mapping[str, Cells], measured: Measured) -> str:
    def judged(reading: Claim, without: str) -> str:
        left = {name: cells.without(without) for name, cells in scores.items() if without}
        return _judge(reading, left or scores, measured).verdict

    tasks: tuple[str, ...] = ()
    if claim.models:
        cells, places = scores[claim.quantity], {claim.category, *claim.than_categories}
        places = set(claim.tasks) or places
        tasks = tuple(t for t in cells.tasks if {t, cells.category[t], "all", EACH} & places)
    return hangs_on(claim, found.verdict, tasks, judged)


def _beside(claim: Claim, official: pd.DataFrame | None) -> dict[str, object]:
    """Verdict of official scores on a claim, or on the nearest evidence for it."""
    if official is None:
        return {}
    tested = official[official["verdict"] != NOT_TESTED_HERE]
    for of in ("claim_id", "stands_for"):
        for row in tested[tested[of] == claim.claim_id].to_dict("records"):
            names = ("verdict", "estimate", "direction", "threshold", "claim_id")
            return {f"official_{name}": row[name] for name in names}
    return {}


def _confounds(claim: Claim, traits: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Topics that are confounded and in which the models of a claim differ."""
    models = [id for ids in (*claim.models, *claim.others) for id in ids]
    return [
        topic
        for topic, of_models in traits.items()
        if len({of_models[model] for model in models if model in of_models}) > 1
    ]


def _training_noise(
    claim: Claim, verdict: Verdict, scores: Mapping[str, Cells], first: str, second: str
) -> str:
    """Text on the number of a claim for two trainings of one recipe; empty without it."""
    category = verdict.number.where if claim.category == EACH else claim.category
    of_chance = dataclasses.replace(
        claim, models=((second,),), others=((first,),), factor=1.0, category=category
    )
    number = _judge(of_chance, scores, NOTHING_MEASURED).number
    if verdict.verdict == NOT_TESTED_HERE or pd.isna(number.estimate):
        return ""
    interval = f" [{number.low:+.3f}, {number.high:+.3f}]" if pd.notna(number.low) else ""
    return f"{second} minus {first}, trained alike: {number.estimate:+.3f}{interval}"


def _row(
    claim: Claim,
    verdict: Verdict,
    other: tuple[str, Verdict] | None,
    not_above_baseline: Collection[str],
) -> dict[str, object]:
    number = verdict.number
    facts = dataclasses.asdict(claim) | dataclasses.asdict(number)
    facts |= {"verdict": verdict.verdict, "reason": verdict.reason, "p": verdict.p}
    facts["detectable"] = detectable(number)
    facts["models"] = "; ".join(ids[0] for ids in claim.models)
    facts["others"] = claim.others_source or "; ".join(ids[0] for ids in claim.others)
    facts["aggregate"] = "" if len(claim.tasks) == 1 else claim.aggregate
    facts["where"] = number.where or "; ".join(claim.tasks) or claim.category
    weak = [task for task in number.tasks if number.of_run and task in not_above_baseline]
    facts["not_above_baseline"] = "; ".join(weak)
    if weak:
        said = f"M is not above log-mel on {len(weak)} of {len(number.tasks)} tasks"
        facts["reason"] = "; ".join(filter(None, (verdict.reason, said)))
    facts |= {key: facts[key] or None for key in ("n_tasks", "n_seeds")}  # 0: there is none
    if claim.untested:
        facts |= dict.fromkeys(("quantity", "aggregate", "where"), "") | {"threshold": None}
    if claim.ratio:
        facts |= {"quantity": "ratio of measurements", "aggregate": "", "where": "this machine"}
    if other is not None:
        name, second = other
        facts |= {"other_aggregate": name, "other_verdict": second.verdict}
        facts |= {f"other_{k}": getattr(second.number, k) for k in ("estimate", "low", "high")}
    return facts
