"""The claims file: the committed one is complete, and every mistake is named with its claim."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from workflow.study.claims import BLOCK_MODELS, PAPER_MODELS, official_models, read_claims
from workflow.study.config import SHIPPED, ConfigError, read_yaml
from workflow.study.study import read_study

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "config" / "claims.yaml"
CONTENT = yaml.safe_load(CLAIMS.read_text())
TASKS = ("dcase2016_task2", "maestro")
SECTIONS = {"2.2, Table 2", "2.2, Figure 3", "5.1", "5.1.1", "5.1.2", "5.2", "5.3", "5.4"}
SECTIONS |= {"5.4, Figure 10", "Appendix B"}


@pytest.fixture
def content() -> dict:
    return copy.deepcopy(CONTENT)


def read(content: object, tmp_path: Path) -> list:
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump(content))
    return read_claims(path, official_models(), TASKS)


def test_every_section_of_the_paper_with_claims_is_there() -> None:
    claims = read_claims(CLAIMS, official_models(), TASKS)
    assert {claim.section for claim in claims} == SECTIONS
    assert len({claim.claim_id for claim in claims}) == len(claims) > 40
    base = next(claim for claim in claims if claim.claim_id == "base_general")
    assert base.models == (("passt_mh_hop10", "CP-JKU PaSST base"),)
    assert len(base.others) == 3


def test_blocks_are_claimed_about_by_the_models_of_their_config() -> None:
    config = read_yaml(ROOT / "config" / "blocks.yaml")
    claims = read_claims(config["claims"], official_models(), TASKS)
    assert [(claim.category, claim.aggregate) for claim in claims] == [
        ("all", "mean"),
        ("each", "mean"),
    ]
    models = set(config["select_models"]) - {"logmel"}
    for claim in claims:
        others = {id for (id,) in claim.others}
        assert claim.models == (("passt_m_hop10",),) and claim.others_of_study
        assert others == set(BLOCK_MODELS) and models < others | {"passt_m_hop10"}


def test_the_papers_variants_are_in_the_default_config() -> None:
    assert set(PAPER_MODELS) <= set(read_yaml(SHIPPED)["models"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": ["basee"]}, "claim base_general: models: unknown 'basee'; did you mean 'base'"),
        ({"others": ["OpenL4"]}, "claim base_general: others: unknown 'OpenL4'; did you mean"),
        ({"aggregate": "average"}, "claim base_general: aggregate: 'average' is not one of"),
        ({"category": "sports"}, "claim base_general: category: 'sports' is not one of"),
        ({"direction": "over"}, "claim base_general: direction: 'over' is not one of"),
        ({"thresholds": 1}, "claim base_general: unknown 'thresholds'; did you mean 'threshold'"),
        ({"claim_id": "hop3_worse"}, "claim hop3_worse: claim_id: expected once, found again"),
        ({"tasks": ["maestro"]}, "claim base_general: expected either ratio"),
        ({"untested": "a reason"}, "claim base_general: expected either ratio"),
        ({"stands_for": "hop3_wors"}, "claim base_general: stands_for: unknown 'hop3_wors'; did"),
        ({"direction": "within"}, "claim base_general: threshold: expected a number above 0"),
        ({"category": "each", "aggregate": "each"}, "claim base_general: category: each is for"),
        ({"category": "each", "than_categories": ["music"]}, "general: category: each is for"),
        ({"statement": 3}, "claim base_general: statement: 3 is not of type 'string'"),
    ],
)
def test_mistakes_name_claim_and_key(
    content: dict, tmp_path: Path, changes: dict, message: str
) -> None:
    entry = next(e for e in content["claims"] if e["claim_id"] == "base_general")
    entry |= changes
    with pytest.raises(ConfigError, match=message):
        read(content, tmp_path)


def test_unknown_ids_and_tasks_are_named(content: dict, tmp_path: Path) -> None:
    content["models"]["OpenL3"] = ["OpenL33"]
    claims = {entry["claim_id"]: entry for entry in content["claims"]}
    claims["low_level_maestro"]["tasks"] = ["maestroo"]
    with pytest.raises(ConfigError) as error:
        read(content, tmp_path)
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and all("claims.yaml: " in line for line in lines)
    assert "models: OpenL3: unknown 'OpenL33'; did you mean 'OpenL3'" in lines[0]
    assert "claim low_level_maestro: tasks: unknown 'maestroo'" in lines[1]


def test_a_claim_of_two_models_needs_the_other(content: dict, tmp_path: Path) -> None:
    claims = {entry["claim_id"]: entry for entry in content["claims"]}
    del claims["improved_tasks"]["others"], claims["hop5_music"]["direction"]
    with pytest.raises(ConfigError, match="claim hop5_music: expected .* direction"):
        read(content, tmp_path)
    claims["hop5_music"]["direction"] = "above"
    with pytest.raises(ConfigError, match="claim improved_tasks: aggregate: share_above is of two"):
        read(content, tmp_path)


def test_not_a_claims_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="top level: 'claims' is a required property"):
        read({"models": {"a": ["OpenL3"]}}, tmp_path)
    with pytest.raises(ConfigError, match="no_such.yaml"):
        read_claims(tmp_path / "no_such.yaml", [], [])


def test_a_study_with_a_wrong_claims_file_does_not_start(content: dict, tmp_path: Path) -> None:
    content["claims"][-1]["models"] = ["nobody"]
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="claim fuse_cat_improved: models: unknown 'nobody'"):
        read_study({"claims": str(path)})
