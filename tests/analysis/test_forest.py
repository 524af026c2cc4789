"""The forest plot of the claims: distances by hand, verdicts by color and shape, what is gray."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_parts import line_ends, words
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from report_page import CLAIMS

from analysis.claims.decide import distances
from analysis.claims.ledger import read_ledger
from analysis.exhibits.forest import (
    COLORS,
    MARKERS,
    agreement,
    figure_claims,
    figure_claims_caption,
)
from analysis.exhibits.text import FigureText
from analysis.tables.scores import write_csv


@pytest.mark.parametrize(
    ("direction", "numbers", "found"),
    [
        ("above", (0.3, 0.2, 0.4), (0.25, 0.15, 0.35)),
        ("below", (0.3, 0.2, 0.4), (-0.25, -0.35, -0.15)),
        ("within", (0.01, -0.02, 0.04), (0.04, 0.01, 0.05)),  # 0 is the most that is inside
        ("within", (-0.3, -0.4, -0.2), (-0.25, -0.35, -0.15)),
    ],
)
def test_distances_are_positive_on_the_claimed_side(
    direction: str, numbers: tuple, found: tuple
) -> None:
    assert distances(direction, 0.05, *numbers) == pytest.approx(found)
    assert np.isnan(distances(direction, 0.05, numbers[0], np.nan, np.nan)[1:]).all()


def markers(figure: Figure) -> list[tuple[str, str, bool]]:
    """Shape, color and whether it is filled, of every point."""
    lines = [line for axes in figure.axes for line in axes.lines if len(line.get_xdata()) == 1]
    return [
        (str(m.get_marker()), to_hex(m.get_color()), m.get_markerfacecolor() != "white")
        for m in lines
    ]


@pytest.fixture
def claims(tmp_path: Path) -> pd.DataFrame:
    write_csv(CLAIMS, tmp_path / "claims.csv")
    return read_ledger(tmp_path / "claims.csv")


def test_verdicts_have_color_and_shape_and_official_ones_are_hollow(
    claims: pd.DataFrame, text: FigureText
) -> None:
    figure, numbers = figure_claims(claims, text)
    holds, fails, undecided = (
        (MARKERS[k], COLORS[k].lower()) for k in ("holds", "does not hold", "undecided")
    )
    assert sorted(markers(figure)) == sorted([(*holds, True), (*fails, False), (*undecided, True)])
    assert line_ends(figure, 0) == [(pytest.approx(-0.1), pytest.approx(0.1)),
                                    (pytest.approx(-0.03), pytest.approx(0.15))]  # fmt: skip
    drawn = numbers.set_index("claim_id")
    assert drawn["distance"].round(3).tolist()[:2] == [0.05, -0.01]
    assert drawn.loc["c1", "official_distance"] == pytest.approx(-0.25)


def test_verdicts_on_weak_evidence_are_counted_below(
    claims: pd.DataFrame, text: FigureText
) -> None:
    for weak, said in ((["maestro", "", "esc50"], "1 of 1 decided verdicts"), ([""] * 3, "")):
        numbers = figure_claims(claims.assign(not_above_baseline=weak), text)[1]
        caption = figure_claims_caption(text, numbers)
        assert said in caption and ("weak evidence" in caption) == bool(said)


def test_what_is_not_tested_is_listed_with_its_reason_and_official_verdict(
    claims: pd.DataFrame, text: FigureText
) -> None:
    said = words(figure_claims(claims, text)[0])
    assert "Not tested in this study: 5.4 Made-up claim three" in said
    assert "(\u00b1.02) [official: holds]: no scores of x." in said
    assert "Made-up claim <b>one</b> (>.05)" in said


def test_ratios_have_an_axis_of_their_own(claims: pd.DataFrame, text: FigureText) -> None:
    quantity = ["normalized_score", "ratio of measurements", ""]
    figure, _ = figure_claims(claims.assign(quantity=quantity), text)
    labels = [axes.get_xlabel().split(" from")[0] for axes in figure.axes]
    assert labels == ["Distance", "Ratio, distance"]


def test_a_study_that_tests_nothing_lists_every_claim(
    claims: pd.DataFrame, text: FigureText
) -> None:
    figure, numbers = figure_claims(claims.assign(verdict="not tested in this study"), text)
    assert figure.axes == [] and len(numbers) == 3


def test_agreement_with_official_scores_is_counted() -> None:
    verdicts = ["holds at this seed", "holds", "undecided at this sample", "not tested here"]
    official = ["holds", "does not hold", "holds", "holds"]
    claims = pd.DataFrame({"verdict": verdicts, "official_verdict": official})
    said = agreement(claims)
    assert "test 3 of the claims" in said
    assert "1 with the same verdict, 1 with the opposite one, 1 undecided here" in said
    assert agreement(claims.assign(official_verdict="")) == ""
