"""Verdicts on made-up studies, the official ledger's numbers, and measured claims."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_cells import make_cells
from score_rows import METRICS

from analysis.claims.claim import NOT_TESTED, UNDECIDED, Claim, Measurand, weak_in_words
from analysis.claims.decide import (
    AT_THIS_SEED,
    BY_VALUE,
    FAILS,
    HOLDS,
    NOT_TESTED_HERE,
    UNDECIDED_HERE,
    VIT_B,
    Measured,
    Number,
    decide,
    detectable,
    holm,
    judge_measured,
)
from analysis.claims.ledger import (
    LEDGER_COLUMNS,
    NOTHING_MEASURED,
    ledger,
    quantities,
    read_ledger,
    read_measured,
)
from analysis.claims.numbers import judge, spread, tasks_not_above
from analysis.statistics.cells import build_cells
from analysis.statistics.intervals import interval
from analysis.tables.normalize import summarize
from analysis.tables.scores import write_csv
from workflow.study.claims import read_claims

ROOT = Path(__file__).parents[2]
TASKS = pd.read_csv(ROOT / "config" / "tasks.tsv", sep="\t")["task"]
TOLERANCE = 0.0006
A, B, C = ("a",), ("b",), ("c",)


def claim(**values: object) -> Claim:
    facts = {"claim_id": "x", "section": "1", "statement": "s", "direction": "above"}
    return Claim(**facts | {"models": (A,), "others": (B,), "quantity": "score"} | values)


@pytest.mark.parametrize(
    ("direction", "threshold", "low", "high", "verdict"),
    [
        ("above", 0.0, 0.1, 0.3, HOLDS),
        ("above", 0.0, -0.1, 0.3, UNDECIDED_HERE),
        ("above", 0.0, -0.3, -0.1, FAILS),
        ("above", 0.2, 0.1, 0.3, UNDECIDED_HERE),
        ("above", 0.0, 0.0, 0.0, UNDECIDED_HERE),
        ("below", 0.0, -0.3, -0.1, HOLDS),
        ("below", 0.0, 0.1, 0.3, FAILS),
        ("within", 0.2, -0.1, 0.1, HOLDS),
        ("within", 0.2, -0.1, 0.3, UNDECIDED_HERE),
        ("within", 0.2, 0.3, 0.4, FAILS),
        ("within", 0.2, -0.4, -0.3, FAILS),
    ],
)
def test_an_interval_decides(
    direction: str, threshold: float, low: float, high: float, verdict: str
) -> None:
    number = Number((low + high) / 2, low, high, 3)
    found = decide(claim(direction=direction, threshold=threshold), [number])
    assert found.verdict == verdict and found.number is number


@pytest.mark.parametrize(
    ("n_seeds", "said"), [(1, (HOLDS + AT_THIS_SEED, FAILS + AT_THIS_SEED)), (3, (HOLDS, FAILS))]
)
def test_one_probe_seed_decides_at_this_seed_alone(n_seeds: int, said: tuple[str, str]) -> None:
    cells = make_cells(SCORES, spread=0.001, n_seeds=n_seeds)
    claims = [claim(category="general"), claim(tasks=("maestro",), others=(C,))]
    claims.append(claim(category="speech"))
    table = ledger(claims, {"score": cells}, NOTHING_MEASURED, "s", "l")
    assert table["verdict"].tolist() == [*said, NOT_TESTED_HERE]
    assert table["n_seeds"].tolist() == [n_seeds, n_seeds, pd.NA]


@pytest.mark.parametrize(("estimate", "verdict"), [(0.1, HOLDS), (-0.1, FAILS), (0.0, FAILS)])
def test_point_values_of_official_entries_decide(estimate: float, verdict: str) -> None:
    found = decide(claim(), [Number(estimate, of_run=False)])
    assert (found.verdict, found.reason) == (verdict, BY_VALUE)


def test_of_several_point_values_the_nearest_to_the_threshold_is_shown() -> None:
    numbers = [Number(x, of_run=False) for x in (0.3, 0.1, 0.2)]
    assert decide(claim(), numbers).number is numbers[1]
    assert decide(claim(threshold=0.5), numbers).number is numbers[1]
    assert decide(claim(direction="below", threshold=0.5), numbers).number is numbers[0]


def test_a_run_without_interval_decides_nothing() -> None:
    found = decide(claim(), [Number(0.5)])
    assert found.verdict == UNDECIDED_HERE and "too few test clips" in found.reason


def test_all_numbers_must_be_on_the_claimed_side() -> None:
    sure, weak, against = Number(0.5, 0.4, 0.6), Number(0.3, -0.1, 0.7), Number(-0.5, -0.6, -0.4)
    assert decide(claim(), [sure, sure]).verdict == HOLDS
    assert decide(claim(), [sure, weak]).number is weak
    assert decide(claim(), [sure, weak]).verdict == UNDECIDED_HERE
    assert decide(claim(), [sure, weak, against]).number is against
    assert decide(claim(), [sure, weak, against]).verdict == FAILS


def test_one_failing_number_of_several_fails_at_a_level_divided_by_their_number() -> None:
    good, bad = Number(0.5, 0.4, 0.6), Number(-0.11, -0.21, -0.01)  # p .031 alone
    assert decide(claim(), [bad]).verdict == FAILS
    assert decide(claim(), [bad]).p == pytest.approx(0.031, abs=5e-4)
    several = decide(claim(), [good, bad, good])
    assert (several.verdict, several.number) == (UNDECIDED_HERE, bad)
    assert several.p == pytest.approx(3 * 0.031, abs=2e-3)
    assert decide(claim(), [good, good, good]).p < 1e-12  # all must hold: no correction


@pytest.mark.parametrize(
    ("low", "high", "p"), [(0.0, 0.2, 0.05), (-0.1, 0.3, 0.327), (0.05, 0.25, 0.0033)]
)
def test_p_is_that_of_the_interval(low: float, high: float, p: float) -> None:
    found = decide(claim(), [Number((low + high) / 2, low, high)])
    assert found.p == pytest.approx(p, abs=5e-4)


def test_official_entries_and_numbers_without_interval_have_no_p() -> None:
    assert np.isnan(decide(claim(), [Number(0.1, of_run=False)]).p)
    assert np.isnan(decide(claim(), [Number(0.1)]).p)


def test_holm_by_hand() -> None:
    found = holm([0.01, np.nan, 0.04, 0.03, 0.5])  # times 4, 3, 2, 1 in order, never falling
    np.testing.assert_allclose(found, [0.04, np.nan, 0.09, 0.09, 0.5])
    assert len(holm([])) == 0


@pytest.mark.parametrize(
    ("values", "width", "times"),
    [
        ({"direction": "within", "threshold": 0.02}, 0.15, " 39 times"),  # (1.96 + 1.28) se
        ({"direction": "below", "threshold": 0.02}, 0.15, " 29 times"),  # (1.96 + 0.84) se
        ({"direction": "above", "threshold": -0.05}, 0.15, " 4.6 times"),
        ({"direction": "above", "threshold": 0.05}, 0.15, ""),  # equal models would not hold
        ({"direction": "within", "threshold": 0.2}, 0.15, ""),
        ({"direction": "within", "threshold": 0.02, "others": ()}, 0.15, ""),
    ],
)
def test_a_claim_of_equality_says_what_size_would_show_it(
    values: dict, width: float, times: str
) -> None:
    estimate = 0.06 if values["threshold"] > 0 else -0.06
    number = Number(estimate, estimate - width / 2, estimate + width / 2)
    found = decide(claim(**values), [number])
    assert times in found.reason and bool(times) == bool(found.reason)
    assert detectable(number) == pytest.approx(2.8016 * width / 3.92, rel=1e-3)


def test_the_size_that_would_show_equality_is_rounded_up() -> None:
    found = decide(claim(direction="within", threshold=0.02), [Number(0.01, -0.00235, 0.02235)])
    assert " 1.1 times" in found.reason  # ((1.96 + 1.28) / 3.92 * 0.0247 / 0.02)^2 = 1.04


SCORES = {
    "a": {"esc50": 0.9, "fsd50k": 0.7, "maestro": 0.5, "libricount": 0.6},
    "b": {"esc50": 0.8, "fsd50k": 0.5, "maestro": 0.4},
    "c": {"esc50": 0.2, "maestro": 0.6},
}


@pytest.mark.parametrize(
    ("values", "estimate", "n_tasks", "verdict"),
    [
        ({"category": "general", "aggregate": "mean"}, 0.15, 2, HOLDS),
        ({"category": "all", "aggregate": "mean"}, 0.4 / 3, 3, HOLDS),
        ({"category": "all", "aggregate": "mean", "shared": False}, 2.7 / 4 - 1.7 / 3, 3, HOLDS),
        ({"tasks": ("maestro",), "others": (C,)}, -0.1, 1, FAILS),
        ({"tasks": ("maestro",), "others": (B, C)}, -0.1, 1, FAILS),
        ({"others": (), "category": "general", "aggregate": "each", "threshold": 0.5},
         0.7, 2, HOLDS),
        ({"others": (), "category": "general", "aggregate": "sd", "threshold": 0.1},
         0.2 / 2**0.5, 2, HOLDS),
        ({"category": "general", "than_categories": ("music",), "aggregate": "mean"},
         0.05, 1, HOLDS),
        ({"category": "music", "than_categories": ("general",)}, -0.05, 1, FAILS),
        ({"tasks": ("maestro",), "factor": 0.5}, 0.5 - 0.5 * 0.4, 1, HOLDS),
        ({"tasks": ("maestro",), "factor": 0.5, "direction": "below"}, 0.3, 1, FAILS),
    ],
)  # fmt: skip
def test_numbers_by_hand(values: dict, estimate: float, n_tasks: int, verdict: str) -> None:
    found = judge(claim(**values), make_cells(SCORES, spread=0.001))
    assert found.number.estimate == pytest.approx(estimate, rel=1e-4)
    assert found.number.n_tasks == n_tasks
    assert found.verdict == verdict
    assert found.number.low < found.number.estimate < found.number.high


@pytest.mark.parametrize(
    ("other", "share", "verdict"),
    [(B, 1.0, HOLDS), (C, 0.5, UNDECIDED_HERE), (A, 0.5, UNDECIDED_HERE)],
)
def test_share_of_tasks_above(other: tuple[str], share: float, verdict: str) -> None:
    above = claim(others=(other,), aggregate="share_above", threshold=0.5)
    found = judge(above, make_cells(SCORES, spread=0.001))
    assert (found.number.estimate, found.verdict) == (share, verdict)
    assert found.number.n_tasks == {B: 3, C: 2, A: 4}[other]
    assert np.isnan(found.number.other_value)


def test_a_share_of_tasks_and_its_interval_lie_between_0_and_1() -> None:
    cells = make_cells({m: SCORES[m] for m in "ab"}, spread=0.2)  # a is ahead on all, barely
    found = judge(claim(aggregate="share_above", threshold=0.5), cells).number
    assert 0 <= found.low < found.estimate == found.high == 1
    than = claim(aggregate="share_above", category="general", than_categories=("music",))
    found = judge(than, cells).number
    assert -1 <= found.low < found.estimate == 0 < found.high <= 1


def test_a_claim_about_each_task_is_decided_by_the_task_that_is_weakest() -> None:
    cells = make_cells(SCORES, spread=0.01)
    each = claim(others=(), category="general", aggregate="each", threshold=0.8)
    found = judge(each, cells)
    assert (found.verdict, found.number.where, found.number.n_tasks) == (FAILS, "fsd50k", 2)
    pair = judge(claim(category="general", aggregate="each"), cells)
    assert (pair.verdict, pair.number.where) == (HOLDS, "esc50")  # .9 - .8 against .7 - .5
    lacking = judge(claim(category="speech", aggregate="each"), cells)
    assert (lacking.verdict, lacking.reason) == (NOT_TESTED_HERE, "no task of speech with scores")


def test_a_claim_about_each_category_has_a_number_for_each() -> None:
    scores = {"a": {"esc50": 0.9, "maestro": 0.6, "libricount": 0.5}}
    scores["b"] = {"esc50": 0.7, "maestro": 0.3, "libricount": 0.1}
    each = claim(category="each", aggregate="mean")
    found = judge(each, make_cells(scores, spread=0.01))
    assert (found.verdict, found.number.where) == (HOLDS, "general")  # by the least difference
    scores["b"]["libricount"] = 0.6
    found = judge(each, make_cells(scores, spread=0.01))
    assert (found.verdict, found.number.where) == (FAILS, "speech")
    assert judge(claim(aggregate="mean"), make_cells(scores, spread=0.01)).verdict == HOLDS


def test_others_that_a_study_has_can_suffice() -> None:
    cells = make_cells(SCORES, spread=0.01)
    others = {"others": (B, ("z",)), "category": "general"}
    assert judge(claim(**others), cells).reason == "no scores of z"
    found = judge(claim(**others, others_of_study=True), cells)
    assert found == judge(claim(category="general"), cells) and found.verdict == HOLDS
    none = judge(claim(others=(("y",), ("z",)), others_of_study=True), cells)
    assert (none.verdict, none.reason) == (NOT_TESTED_HERE, "no scores of y")


def test_a_wide_interval_leaves_it_undecided() -> None:
    found = judge(claim(category="general"), make_cells(SCORES, spread=0.5))
    assert found.verdict == UNDECIDED_HERE


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"models": (("z", "y"),)}, "no scores of z or y"),
        ({"tasks": ("esc50", "crema_d")}, "no task crema_d"),
        ({"category": "speech"}, "0 tasks of speech with a score of a and b"),
        ({"others": (), "category": "music", "aggregate": "sd"}, "1 tasks of music"),
        ({"others": (), "others_source": "hear2021"}, "no entries of source hear2021"),
    ],
)
def test_what_a_study_lacks_is_said(values: dict, reason: str) -> None:
    found = judge(claim(**values), make_cells(SCORES))
    assert found.verdict == NOT_TESTED_HERE and found.reason.startswith(reason)


def test_beside_official_entries_values_decide_without_interval() -> None:
    cells = make_cells(SCORES, source={"b": "hear2021"}, spread=0.5)
    found = judge(claim(category="general"), cells)
    assert (found.verdict, found.reason) == (HOLDS, BY_VALUE)
    assert np.isnan(found.number.low) and np.isnan(found.number.high)


def test_the_spread_over_tasks_is_that_of_the_tasks_not_of_the_clips() -> None:
    rng = np.random.default_rng(0)
    assert spread(np.array([0.2, 0.4]), np.zeros((2, 0)))[0] == pytest.approx(0.2 / 2**0.5)
    truth, noise = np.linspace(0.66, 0.74, 7), 0.046  # as 100 clips of accuracy .7
    values, inside = [], []
    for _ in range(300):
        score = rng.normal(truth, noise)
        value, drawn = spread(score, rng.normal(score[:, None], noise, (7, 400)))
        low, high, _ = interval(value, drawn)
        values.append(value**2)
        inside.append(low <= truth.std(ddof=1) <= high)
    assert np.mean(values) < 2 * truth.var(ddof=1)  # with the clips' noise: 4 times
    assert np.mean(inside) >= 0.93


SHARE_OF_BEST = claim(others=(), maxima="hear2021", category="general", threshold=0.5)


def test_the_challenges_best_is_not_a_runs_best() -> None:
    alone = make_cells(SCORES, spread=0.001)
    beside = make_cells(SCORES, source={"c": "hear2021"}, spread=0.001)
    assert judge(SHARE_OF_BEST, alone).verdict == NOT_TESTED_HERE
    assert "best HEAR 2021 entry" in judge(SHARE_OF_BEST, alone).reason
    assert judge(SHARE_OF_BEST, beside).verdict == HOLDS


def test_a_verdict_names_its_tasks_on_which_m_does_not_beat_log_mel() -> None:
    cells = make_cells(SCORES, spread=0.01)
    weak = tasks_not_above(cells, "c", "a")
    assert weak == {"esc50"}  # on MAESTRO c is ahead, on the others it has no score
    assert tasks_not_above(cells, "c", "logmel") == frozenset()
    claims = [claim(category="general"), claim(tasks=("maestro",))]
    table = ledger(claims, {"score": cells}, NOTHING_MEASURED, "s", "l", weak)
    assert table["not_above_baseline"].tolist() == ["esc50", ""]
    assert table["reason"].tolist() == ["M is not above log-mel on 1 of 2 tasks", ""]


def test_verdicts_on_weak_evidence_are_counted() -> None:
    verdicts = [HOLDS, "does not hold at this seed", UNDECIDED, NOT_TESTED, HOLDS]
    weak = ["esc50; maestro", "", "maestro", "", "maestro"]
    assert weak_in_words(verdicts, weak).startswith("2 of 3 decided verdicts ")
    assert weak_in_words(verdicts, [""] * 5) == ""
    assert weak_in_words([UNDECIDED], ["maestro"]) == ""  # nothing rests on it


def test_entries_without_a_score_on_a_task_are_not_compared_there() -> None:
    cells = make_cells(SCORES, source=dict.fromkeys("abc", "hear2021"))
    best = claim(others=(), others_source="hear2021", tasks=("fsd50k",))
    found = judge(best, cells)  # c has no score on it
    assert (found.verdict, found.number.other_model) == (HOLDS, "b")
    alone = judge(dataclasses.replace(best, tasks=("libricount",)), cells)
    assert alone.verdict == NOT_TESTED_HERE


FAST = Measurand("train_samples_per_s", 10, "structured")
SLOW = Measurand("train_samples_per_s", 10, "none")
SPEED_UP = claim(models=(), others=(), ratio=(FAST, SLOW), threshold=3.04)


def test_measured_claims() -> None:
    found = judge_measured(SPEED_UP, Measured({FAST: 40.0, SLOW: 10.0}, VIT_B))
    assert (found.verdict, found.number.estimate) == (HOLDS, 4)
    found = judge_measured(SPEED_UP, Measured({FAST: 20.0, SLOW: 10.0}, VIT_B))
    assert found.verdict == FAILS
    growth = dataclasses.replace(SPEED_UP, than_ratio=(SLOW, FAST), threshold=0)
    found = judge_measured(growth, Measured({FAST: 20.0, SLOW: 10.0}, VIT_B))
    assert found.number.estimate == 2 - 0.5
    lacking = judge_measured(SPEED_UP, Measured({SLOW: 10.0}, VIT_B))
    assert lacking.verdict == NOT_TESTED_HERE and "train_samples_per_s at hop 10" in lacking.reason
    assert judge_measured(SPEED_UP, NOTHING_MEASURED).reason.startswith("this study has no")


def test_another_network_does_not_test_the_papers_claim() -> None:
    found = judge_measured(SPEED_UP, Measured({FAST: 40.0, SLOW: 10.0}, "192 wide"))
    assert (found.verdict, found.number.estimate) == (NOT_TESTED_HERE, 4)
    assert found.reason.startswith("measured with a network 192 wide; the claim is about 768")


def test_measurements_are_read_of_this_run_alone(tmp_path: Path) -> None:
    path = tmp_path / "measure.csv"
    head = "hop_ms,hop,quantity,value,unit,source,patchout,architecture\n"
    row = '10,320,train_samples_per_s,{},1/s,{},none,"768 wide, 12 blocks, 12 heads"\n'
    path.write_text(head + row.format(7.5, "run") + row.format(23.1, "paper"))
    assert read_measured(path) == ({SLOW: 7.5}, VIT_B)
    path.write_text(head + row.format(7.5, "run") * 2)
    with pytest.raises(ValueError, match="each value of this run once"):
        read_measured(path)
    path.write_text("a,b\n")
    with pytest.raises(ValueError, match="found no"):
        read_measured(path)


@pytest.fixture(scope="module")
def official_ledger(official: tuple[pd.DataFrame, pd.Series]) -> pd.DataFrame:
    tidy, maxima = official
    cells = build_cells(summarize(tidy, METRICS), None, {}, METRICS)
    claims = read_claims(ROOT / "config" / "claims.yaml", cells.models, set(TASKS))
    scores = quantities(cells, maxima, "logmel")
    table = ledger(claims, scores, NOTHING_MEASURED, "official", "label")
    return table.set_index("claim_id")


@pytest.mark.parametrize(
    ("claim_id", "verdict", "value", "other_value", "n_tasks"),
    [
        ("base_general_median", HOLDS, 0.978, None, 6),
        ("base_general_each", FAILS, 0.846, None, 6),  # Vocal Imitations; DCASE 0.851
        ("base_openl3_speech", FAILS, 0.673, 0.697, 5),
        ("base_panns_speech", HOLDS, 0.673, 0.622, 5),
        ("base_panns_speech_box", HOLDS, 0.698, 0.632, 5),
        ("openl3_base_music", HOLDS, 0.905, 0.791, 6),
        ("openl3_base_music_own", FAILS, 0.781, 0.791, 6),
        ("fuse_cat_best", HOLDS, 0.965, None, None),
        ("cat_xwc_maestro", HOLDS, 0.469, 0.463, 1),
        ("receptive_field_dcase_entries", HOLDS, 0.913, 0.788, 1),
        ("low_level_dcase_entries", HOLDS, 0.925, 0.913, 1),
    ],
)
def test_the_official_scores_decide(
    official_ledger: pd.DataFrame,
    claim_id: str,
    verdict: str,
    value: float,
    other_value: float | None,
    n_tasks: int | None,
) -> None:
    row = official_ledger.loc[claim_id]
    assert row["verdict"] == verdict
    assert row["value"] == pytest.approx(value, abs=TOLERANCE)
    if other_value is not None:
        assert row["other_value"] == pytest.approx(other_value, abs=TOLERANCE)
        assert row["estimate"] == pytest.approx(row["value"] - row["other_value"])
    if n_tasks is not None:
        assert row["n_tasks"] == n_tasks


def test_both_aggregates_are_listed(official_ledger: pd.DataFrame) -> None:
    row = official_ledger.loc["base_openl3_speech"]  # median .698 against .731
    assert row["other_aggregate"] == "median" and row["other_verdict"] == FAILS
    assert row["other_estimate"] == pytest.approx(0.698 - 0.731, abs=2 * TOLERANCE)


def test_the_official_ledger_is_honest(official_ledger: pd.DataFrame) -> None:
    table = official_ledger.reset_index()
    assert tuple(table.columns) == LEDGER_COLUMNS
    assert table["low"].isna().all() and table["high"].isna().all()
    untested = table[table["verdict"] == NOT_TESTED_HERE]
    assert (untested["reason"] != "").all() and untested["estimate"].isna().all()
    assert (table.loc[table["verdict"].isin([HOLDS, FAILS]), "reason"] == BY_VALUE).all()
    of_variants = table[table["section"].isin(["5.1.1", "5.1.2", "5.2", "5.3"])]
    of_entries = of_variants["stands_for"] != ""
    assert set(of_variants.loc[~of_entries, "verdict"]) == {NOT_TESTED_HERE}
    nearest = of_variants.loc[of_entries, "stands_for"]
    assert set(nearest) == {"receptive_field_dcase", "low_level_dcase"}
    assert set(table["study"]) == {"official"} and set(table["label"]) == {"label"}


def test_what_no_study_can_test_says_why(official_ledger: pd.DataFrame) -> None:
    row = official_ledger.loc["map_hop5"]
    assert row["verdict"] == NOT_TESTED_HERE and "47.3 against 47.6" in row["reason"]
    assert pd.isna(row["threshold"]) and row["quantity"] == ""


def test_confounds_are_those_in_which_the_models_differ() -> None:
    cells = make_cells(SCORES, spread=0.001)
    claims = [claim(claim_id="ab"), claim(claim_id="ac", others=(C,)), claim(others=())]
    traits = {"hops": {"a": "10", "b": "5", "c": "10"}, "levels": {"a": "L", "c": "no L"}}
    table = ledger(claims, {"score": cells}, NOTHING_MEASURED, "s", "l", traits=traits)
    assert table["confounds"].tolist() == ["hops", "levels", ""]


def test_two_trainings_of_one_recipe_stand_beside_claims_of_different_networks() -> None:
    cells = make_cells(SCORES, spread=0.001)
    claims = [claim(claim_id="ab"), claim(claim_id="ac", others=(C,)), claim(others=())]
    traits = {"trainings": {"a": "x", "b": "y", "c": "x"}}
    table = ledger(
        claims, {"score": cells}, NOTHING_MEASURED, "s", "l", traits=traits,
        trained_twice=("a", "c"),
    )  # fmt: skip
    reasons = table["reason"].fillna("").tolist()
    minus = -table["estimate"][1]  # a minus c, of the second claim
    assert f"c minus a, trained alike: {minus:+.3f} [" in reasons[0]
    assert not any("trained alike" in reason for reason in reasons[1:])


MOVABLE = claim(category="general", aggregate="mean", threshold=0.06, chosen="threshold")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, "firm"),  # differences of .1 and .2
        ({"threshold": 0.12}, "does not hold: threshold 0.18, without fsd50k"),
        ({"threshold": 0.12, "chosen": ""}, "does not hold: without fsd50k"),
        ({"tasks": ("maestro",), "threshold": 0.0, "chosen": ""}, "no other reading"),
        ({"tasks": ("maestro",), "threshold": 0.0, "factor": 1.0, "chosen": "factor"},
         "does not hold: factor 1.5"),
        ({"category": "speech"}, ""),
        ({"aggregate": "sd", "others": (), "chosen": ""}, "no other reading"),
    ],
)  # fmt: skip
def test_what_a_verdict_hangs_on_by_hand(values: dict, found: str) -> None:
    cells = make_cells(SCORES, source=dict.fromkeys("abc", "hear2021"))
    table = ledger(
        [dataclasses.replace(MOVABLE, **values)], {"score": cells}, NOTHING_MEASURED, "s", "l"
    )
    assert table["hangs_on"].tolist() == [found]


def test_mean_and_median_can_decide_otherwise() -> None:
    scores = {"a": {"esc50": 0.5, "fsd50k": 0.5, "maestro": 0.9, "libricount": 0.5}}
    scores["b"] = {"esc50": 0.6, "fsd50k": 0.6, "maestro": 0.1, "libricount": 0.6}
    cells = make_cells(scores, source=dict.fromkeys("ab", "hear2021"))
    table = ledger([claim()], {"score": cells}, NOTHING_MEASURED, "s", "l")
    row = table.iloc[0]
    assert (row["verdict"], row["other_verdict"], row["hangs_on"]) == (FAILS, HOLDS, "holds: mean")


def test_official_verdicts_stand_beside_the_claim_or_by_its_nearest_evidence() -> None:
    claims = [claim(claim_id="own"), claim(claim_id="near", stands_for="far")]
    claims += [claim(claim_id="far", models=(C,)), claim(claim_id="none", models=(("z",),))]
    entries = {m: SCORES[m] for m in "ab"}
    cells = make_cells(entries, source=dict.fromkeys("ab", "hear2021"))
    official = ledger(claims, {"score": cells}, NOTHING_MEASURED, "official", "l")
    assert official["official_verdict"].isna().all()
    run = make_cells(SCORES, spread=0.001)
    table = ledger(claims, {"score": run}, NOTHING_MEASURED, "s", "l", official=official)
    assert table["official_claim_id"].fillna("").tolist() == ["own", "near", "near", ""]
    assert table["official_verdict"].fillna("").tolist() == [HOLDS, HOLDS, HOLDS, ""]
    assert table["official_estimate"].notna().tolist() == [True, True, True, False]


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path, official_ledger: pd.DataFrame) -> None:
    table = official_ledger.reset_index()[list(LEDGER_COLUMNS)]
    write_csv(table, tmp_path / "claims.csv")
    found = read_ledger(tmp_path / "claims.csv")
    assert found["verdict"].tolist() == table["verdict"].tolist()
    assert set(found["official_verdict"]) == {""}
    pd.testing.assert_series_equal(found["estimate"], table["estimate"])
