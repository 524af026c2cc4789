"""Confounds of a study's own networks: read off their shape and the records of their training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from workflow.study.confounds import (
    FIELDS_TOPIC,
    HOPS_TOPIC,
    LEVELS_TOPIC,
    TRAININGS_TOPIC,
    confounds,
    trained_twice,
    traits,
)
from workflow.study.study import SHIPPED_WEIGHTS, Study, read_study

OF_HOP10 = {"initial_weights": "results/pretrain/mini_hop10/weights.safetensors"}
CROPS = {"crop_s": [0.16, 0.64, 2], "crop_shares": [0.1, 0.3, 0.6]}
RELEASED = {f"passt_hop{n}": {"released": f"passt_hop{n}"} for n in (10, 5, 3)}


def with_record(tmp_path: Path, changes: dict) -> Study:
    """A study of variants at hop 5, whose network's record has other values."""
    name = "mini_hop5"
    shutil.copy(SHIPPED_WEIGHTS / f"{name}.safetensors", tmp_path)
    record = json.loads((SHIPPED_WEIGHTS / f"{name}.json").read_text())
    record["recipe"] |= changes
    (tmp_path / f"{name}.json").write_text(json.dumps(record))
    entry = {"file": str(tmp_path / f"{name}.safetensors")}
    models = ["passt_mh_hop5", "passt_lm_2rf_hop5"]
    return read_study({"checkpoints": {name: entry}, "select_models": models})


def test_the_released_networks_have_none() -> None:
    models = ["passt_mh_hop10", "passt_lm_2rf_hop5", "passt_mh_hop3"]
    of = {model: {"checkpoint": f"passt_{model.rpartition('_')[2]}"} for model in models}
    study = read_study({"checkpoints": RELEASED, "models": of, "select_models": models})
    assert confounds(study) == {} and traits(study) == {}


def test_the_shipped_networks_differ_in_dimensions_and_chance_alone() -> None:
    study = read_study({})
    assert set(confounds(study)) == {LEVELS_TOPIC, TRAININGS_TOPIC}
    assert confounds(study)[TRAININGS_TOPIC].endswith("each was trained once")
    assert trained_twice(study) is None


def test_a_second_training_differs_in_its_seed_alone() -> None:
    study = read_study({"models": {"passt_mh_hop10_again": {"on_request": False}}})
    assert trained_twice(study) == ("passt_mh_hop10", "passt_mh_hop10_again")
    assert "two trainings of one recipe" in confounds(study)[TRAININGS_TOPIC]
    of = traits(study)[TRAININGS_TOPIC]
    assert of["passt_m_hop10"] == of["passt_lmh_hop10"] != of["passt_mh_hop10_again"]
    assert "passt_m_hop10_random" not in of


@pytest.mark.parametrize(
    ("topic", "changes", "said"),
    [
        (HOPS_TOPIC, OF_HOP10, "the networks of 5 ms start from weights of 10 ms"),
        (HOPS_TOPIC, {"initial_weights": None}, ""),
        (FIELDS_TOPIC, CROPS, "40 % of the crops"),
        (FIELDS_TOPIC, {"crop_s": [2.0], "crop_shares": [1.0]}, ""),
        (
            LEVELS_TOPIC,
            {},
            "L, M and H have 768, 192 and 229 dimensions, in the paper 768, 768 and 527",
        ),
    ],
)
def test_confounds_come_from_the_record(
    topic: str, changes: dict, said: str, tmp_path: Path
) -> None:
    found = confounds(with_record(tmp_path, changes)).get(topic, "")
    assert found.startswith(said) and bool(found) == bool(said)


def test_models_differ_in_traits(tmp_path: Path) -> None:
    found = traits(with_record(tmp_path, OF_HOP10 | CROPS))
    assert found[HOPS_TOPIC] == {"passt_mh_hop5": "5", "passt_lm_2rf_hop5": "5"}
    assert found[FIELDS_TOPIC] == {"passt_mh_hop5": "160", "passt_lm_2rf_hop5": "160+640"}
    assert found[LEVELS_TOPIC] == {"passt_mh_hop5": "MH", "passt_lm_2rf_hop5": "LM x2"}


def test_blocks_of_one_network_are_as_wide_as_each_other() -> None:
    block = {"checkpoint": "mini_hop10", "levels": "M@2"}
    found = traits(read_study({"models": {"passt_m2_hop10": block}}))[LEVELS_TOPIC]
    assert found["passt_m2_hop10"] == found["passt_m_hop10"] == "M"


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, '{"recipe": []}', '{"recipe": {"crop_s": [1], "crop_shares": []}}',
     '{"recipe": {"crop_s": [NaN], "crop_shares": [1]}}', '{"recipe": {"initial_weights": 1}}'],
)  # fmt: skip
def test_another_file_of_the_name_of_a_record_says_nothing(content: str, tmp_path: Path) -> None:
    study = with_record(tmp_path, {})
    (tmp_path / "mini_hop5.json").write_text(content)
    assert set(confounds(study)) == {LEVELS_TOPIC}
