"""PaSST as any other model: its HEAR API passes HEAR's own validator and the harness's rules."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from hear.api.validate import validate_model
from passt import hear_api

FOLDER = Path(__file__).parents[2] / "resources" / "checkpoints_mini"
WEIGHTS = str(FOLDER / "mini_hop10.safetensors")
N_FEATURES, N_CLASSES, N_MEL = 192, 229, 768  # of the mini network; mel level: 6 frames of 128


@pytest.fixture
def validator(monkeypatch):
    """The module ``hearvalidator.validate`` of HEAR's package, as it was published."""
    # It imports TensorFlow, of which a PyTorch model meets one line: is it a tf.Module? A class
    # that nothing is an instance of gives the same answer without that package.
    tensorflow = ModuleType("tensorflow")
    tensorflow.Module = type("Module", (), {})
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    for name in ("hearvalidator", "hearvalidator.validate"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("hearvalidator.validate")
    # 2021.0.2 is its last release for Python 3.9 and later. It lacks the one rate that HEAR's API
    # added afterwards and that its last release, 2021.0.6, knows.
    rates = [*module.ValidateModel.ACCEPTABLE_SAMPLE_RATE, 32000]
    monkeypatch.setattr(module.ValidateModel, "ACCEPTABLE_SAMPLE_RATE", rates)
    return module


@pytest.mark.slow
def test_hears_own_validator_accepts_it_without_a_warning(validator, recwarn):
    validator.ValidateModel("passt.hear_api", WEIGHTS)()
    assert not [str(w.message) for w in recwarn if w.filename == validator.__file__]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["get_scene_embeddings", "get_timestamp_embeddings"])
def test_hears_own_validator_looks_at_what_both_functions_return(validator, monkeypatch, name):
    original = getattr(hear_api, name)

    def in_double(audio, model):
        returned = original(audio, model)
        return (returned[0].double(), returned[1]) if "time" in name else returned.double()

    monkeypatch.setattr(hear_api, name, in_double)
    with pytest.raises(validator.ModelError, match="float32"):
        validator.ValidateModel("passt.hear_api", WEIGHTS)()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("checkpoint", "options", "scene_s", "event_s"),
    [
        ("mini_hop10", {}, 0.2, 0.1),
        ("mini_hop10", {"levels": "LMH", "receptive_fields_ms": [160, 640]}, 0.2, 0.4),
        ("mini_hop5", {"checkpoint": "passt_hop5"}, 0.1, 0.1),
        ("mini_hop3", {}, 0.1, 0.1),
    ],
)
def test_the_rule_validate_accepts_it(checkpoint, options, scene_s, event_s):
    """Only clips shorter than any of HEAR 2021 (FSD50K: 0.3 s) are refused, in PaSST's words."""
    weights = str(FOLDER / f"{checkpoint}.safetensors")
    report = validate_model("passt.hear_api", weights, options)
    n_values = N_FEATURES + N_CLASSES
    at_timestamps = 2 * n_values + N_MEL if "levels" in options else n_values
    assert report["scene_embedding_size"] == n_values
    assert report["timestamp_embedding_size"] == at_timestamps
    assert report["sample_rate"] == 32000 and report["timestamp_hop_ms"] == 50.0
    shortest = report["shortest_scene_clip_s"], report["shortest_event_clip_s"]
    assert shortest == (scene_s, event_s) and len(report["checks"]) == 3
    assert len(report["warnings"]) == sum(length_s > 0.1 for length_s in shortest)
    assert all("too short" in text and "pad the clip" in text for text in report["warnings"])
    assert json.loads(json.dumps(report)) == report  # the rule's output is a JSON file
