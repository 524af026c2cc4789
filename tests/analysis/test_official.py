"""The official scores: what is read from the committed table, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.tables.official import (
    OfficialScoresError,
    challenge_maxima,
    load_official_scores,
    official_tidy,
)
from analysis.tables.scores import TIDY_COLUMNS

ROOT = Path(__file__).parents[2]
SCORES = ROOT / "resources" / "hear2021_scores.csv"
FIRST = "AMAAI Lab wav2vec2+DDSP,HEAR 2021,beijing_opera,top1_acc,0.634929073"


@pytest.fixture(scope="module")
def tasks() -> pd.DataFrame:
    return pd.read_csv(ROOT / "config" / "tasks.tsv", sep="\t", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def scores(tasks: pd.DataFrame) -> pd.DataFrame:
    return load_official_scores(SCORES, tasks)


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return the committed table with a text in it replaced."""

    def edit(old: str, new: str) -> Path:
        content = SCORES.read_text(encoding="utf-8")
        assert old in content
        path = tmp_path / "edited.csv"
        path.write_text(content.replace(old, new), encoding="utf-8")
        return path

    return edit


def test_committed_table(scores: pd.DataFrame) -> None:
    assert len(scores) == 616
    assert scores.loc[~scores["later"], "model"].nunique() == 29
    assert scores.loc[scores["later"], "model"].nunique() == 5
    assert scores["score"].between(0, 1).all()


def test_task_table(tasks: pd.DataFrame) -> None:
    assert len(tasks) == 19
    assert not tasks["task"].duplicated().any()
    assert tasks["category"].value_counts().to_dict() == {"general": 7, "music": 7, "speech": 5}
    names = tasks["archives"].str.split(";")
    folders = tasks["folders"].str.split(";")
    assert [len(n) for n in names] == [len(f) for f in folders]
    for some_names, some_folders in zip(names, folders, strict=True):
        assert some_names == [f"hear2021-{folder}-48000.tar.gz" for folder in some_folders]
    assert tasks["archive_names_are"].value_counts().to_dict() == {"read": 13, "inferred": 6}


def test_later_entries_never_enter_the_maximum(scores: pd.DataFrame) -> None:
    maxima = challenge_maxima(scores)
    raised = scores.assign(score=scores["score"].mask(scores["later"], 1.0))
    pd.testing.assert_series_equal(challenge_maxima(raised), maxima)
    assert len(maxima) == 19
    assert maxima["esc50"] == pytest.approx(0.9475, abs=1e-6)


def test_tidy_rows(scores: pd.DataFrame, tasks: pd.DataFrame) -> None:
    tidy = official_tidy(scores, tasks)
    assert tuple(tidy.columns) == TIDY_COLUMNS
    assert len(tidy) == len(scores)
    assert set(tidy["source"]) == {"hear2021", "later"}
    assert set(tidy["study"]) == {"official"}
    assert (tidy["fold"] == "").all()
    assert tidy["seed"].isna().all()
    assert tidy["category"].notna().all()


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (FIRST.replace("beijing_opera", "beijing_opra"), "line 2: task: .* found 'beijing_opra'"),
        (FIRST.replace("top1_acc", "mAP"), "line 2: metric: expected 'top1_acc', .*found 'mAP'"),
        (FIRST.replace("0.634929073", "1.2"), r"line 2: score: .* in \[0, 1\], found '1.2'"),
        (FIRST.replace("0.634929073", "nan"), "line 2: score: .*, found 'nan'"),
        (FIRST.replace("0.634929073", ""), "line 2: score: .*, found ''"),
        (FIRST.replace("HEAR 2021", "2023"), "line 2: entry: expected 'HEAR 2021' or a date"),
        (FIRST.replace("AMAAI Lab wav2vec2+DDSP", ""), "line 2: model: expected a name"),
        (f"{FIRST}\n{FIRST}", "line 3: expected one score for .* the first is in line 2"),
        (FIRST.replace("HEAR 2021", "2023-01-01"), "entry of 'AMAAI Lab .*: expected one value"),
        (FIRST.replace("AMAAI Lab", "AMAI Lab"), "expected 29 models .*, found 30"),
    ],
)
def test_malformed_line(
    edited: Callable[[str, str], Path], tasks: pd.DataFrame, new: str, message: str
) -> None:
    with pytest.raises(OfficialScoresError, match=message) as error:
        load_official_scores(edited(FIRST, new), tasks)
    assert "edited.csv" in str(error.value)


def test_malformed_header(edited: Callable[[str, str], Path], tasks: pd.DataFrame) -> None:
    with pytest.raises(OfficialScoresError, match="expected the columns model, entry, task"):
        load_official_scores(edited("model,entry", "name,entry"), tasks)


def test_many_problems_are_counted(edited: Callable[[str, str], Path], tasks: pd.DataFrame) -> None:
    with pytest.raises(OfficialScoresError, match="and 24 more problems"):
        load_official_scores(edited("esc50", "esc-50"), tasks)


def test_a_task_without_scores(scores: pd.DataFrame, tasks: pd.DataFrame) -> None:
    more = pd.concat([tasks, tasks.iloc[:1].assign(task="new_task")])
    with pytest.raises(OfficialScoresError, match=r"found none for \['new_task'\]"):
        load_official_scores(SCORES, more)
