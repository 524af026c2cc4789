"""The downstream protocol: its grid, its rules of selection, and the reference's own scores."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hear.features.columns import Columns
from hear.metrics.registry import METRICS
from hear.probe.data import ProbeData
from hear.probe.network import ColumnLinear, build_network
from hear.probe.search import ProbeResult, train_and_predict
from hear.probe.selection import (
    EventInfo,
    Selection,
    event_judge,
    events_of_files,
    frames_by_file,
    reference_events,
)
from hear.probe.training import ProbeError, batches
from hear.protocol import Postprocessing, Protocol, ProtocolError, grid_points, unprescribed
from hear.tasks.folder import Fold
from tests.hear.oracle_inputs import load_golden, probe_inputs

PROBE = load_golden("probe_golden.json")["cases"]
QUICK = Protocol(n_grid_points=2, max_epochs=6, hidden_dim=32, batch_size=64)
FOLD = [Fold("test", ("train",), ("valid",), ("test",))]


def blobs(n_rows: int = 96, distance: float = 8.0) -> ProbeData:
    """Three classes of 2-D points."""
    rng, corners = np.random.default_rng(0), distance * np.array([[0, 0], [0, 1], [1, 0]])
    features, targets = {}, {}
    for split in ("train", "valid", "test"):
        index = np.arange(n_rows) % 3
        features[split] = (corners[index] + rng.standard_normal((n_rows, 2))).astype(np.float32)
        targets[split] = np.eye(3, dtype=np.float32)[index]
    labels = ["a", "b", "c"]
    return ProbeData("blobs", features, targets, FOLD, labels, "multiclass", "top1_acc")


def accuracy(data: ProbeData, result: ProbeResult) -> float:
    return METRICS["top1_acc"].primary(data.targets["test"], result.folds[0].probabilities)


def test_separable_classes_are_learned_and_noise_stays_at_chance():
    protocol = replace(QUICK, learning_rates=(1e-2,), max_epochs=30)
    assert accuracy(blobs(), train_and_predict(blobs(), protocol, seed=1)) > 0.99
    noise = blobs(600, distance=0)
    result = train_and_predict(noise, protocol, seed=1)
    assert accuracy(noise, result) == pytest.approx(1 / 3, abs=0.1)


def test_a_linear_probe_is_found_beside_deeper_ones_and_is_linear():
    linear = Protocol.from_config({"hidden_layers": [0], "learning_rates": [0.05], "patience": 9})
    linear = replace(linear, max_epochs=60, batch_size=64)
    result = train_and_predict(blobs(), linear, seed=1)
    assert {point.point.hidden_layers for point in result.grid} == {0}
    assert accuracy(blobs(), result) > 0.99
    network = build_network(5, 3, result.grid[0].point, linear)
    assert sum(p.numel() for p in network.parameters()) == 3 * (5 + 1)
    rows = torch.randn(2, 5)
    middle, both = network(rows.mean(0, keepdim=True)), network(rows).mean(0, keepdim=True)
    torch.testing.assert_close(middle, both)
    train_and_predict(blobs(), replace(linear, batch_size=95), seed=1)  # no batch norm: one row
    mixed = replace(linear, hidden_layers=(0, 1), hidden_dim=8, n_grid_points=4)
    depths = {p.point.hidden_layers for p in train_and_predict(blobs(), mixed, seed=1).grid}
    assert depths == {0, 1}


def test_same_seed_same_bytes_another_seed_others_and_the_global_state_stays():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    runs = [train_and_predict(blobs(), QUICK, seed=s) for s in (1, 1, 2)]
    assert torch.equal(before, torch.get_rng_state())
    first, again, other = (run.folds[0].probabilities.tobytes() for run in runs)
    assert first == again != other
    assert runs[0].grid == runs[1].grid


def test_probabilities_are_float32_rows_of_the_test_split():
    probabilities = train_and_predict(blobs(), QUICK, seed=1).folds[0].probabilities
    assert probabilities.dtype == np.float32 and probabilities.shape == (96, 3)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_batches_run_on_across_splits_in_order_and_keep_the_rest():
    counts = [np.arange(n, dtype=np.float32)[:, None] + at for n, at in ((5, 0), (1, 5), (4, 6))]
    parts = [(Columns([rows]), torch.zeros(len(rows), 1)) for rows in counts]
    cut = [features.flatten().tolist() for features, _ in batches(parts, 4)]
    assert cut == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_golden_grid_of_the_reference_seed():
    golden = load_golden("score_golden.json")["default_grid_first8_seed42"]
    found = grid_points(Protocol(), 42)
    assert len(golden) == 8
    expected = [(g["hidden_layers"], g["initialization"].rstrip("_"), g["lr"]) for g in golden]
    assert [tuple(point) for point in found] == expected
    assert grid_points(Protocol(), 43) != found


@pytest.mark.parametrize(
    ("scores", "best", "n_validations"),
    [
        ([0.1, 0.2, 0.2, 0.2, 0.9], 0.2, 4),  # patience 2; the first of equals is kept
        ([0.1, math.nan, 0.9], 0.1, 2),
        ([math.nan, 0.9], -math.inf, 1),
        ([0.5, 0.5 + 1e-9, 0.6, 0.1, 0.7], 0.7, 5),  # an improvement below float32 is none
    ],
)
def test_selection(scores, best, n_validations):
    for sign in (1, -1):
        selection = Selection(maximize=sign > 0, patience=2)
        kept = []
        for epoch, score in enumerate(scores):
            if selection.update(sign * score):
                kept.append(epoch)
            if selection.stopped:
                break
        assert selection.best == pytest.approx(sign * best)
        assert selection.n_validations == n_validations
        assert kept[-1] == (0 if math.isinf(best) else scores.index(best))


def test_postprocessing_of_equal_scores_is_the_larger_and_no_event_scores_nan():
    times = {"valid": np.arange(40) * 50.0}
    event = {"label": "a", "start": 500.0, "end": 1500.0}
    info = EventInfo(times, {"valid": ["f"] * 40}, {"valid": {"f": [event]}})
    judge = event_judge(info, ["valid"], "event_onset_200ms_fms", ["a"], Protocol())
    probabilities = np.zeros((40, 1), np.float32)
    score, chosen = judge(probabilities)
    assert math.isnan(score) and chosen == Postprocessing(250, 250)
    probabilities[10:31] = 1
    assert judge(probabilities) == (1.0, Postprocessing(250, 250))
    probabilities[10:31] = 0
    probabilities[10:14] = 1
    assert judge(probabilities) == (1.0, Postprocessing(250, 125))


def test_task_values_come_before_the_caps_of_a_study():
    dcase = {"task_name": "dcase2016_task2", "embedding_type": "event"}
    assert Protocol().for_task(dcase).validation_every == 10
    grid = {"max_epochs": [50], "check_val_every_n_epoch": [1], "lr": [1e-3]}
    post = {"median_filter_ms": [150], "min_duration": [50]}
    parameters = {"task_specific_param_grid": grid, "event_postprocessing_grid": post}
    maestro = {"evaluation_params": parameters, "use_scoring_for_early_stopping": False}
    protocol = Protocol(max_epochs_cap=30, validation_every_cap=2, patience_cap=30)
    resolved = protocol.for_task(maestro)
    assert (resolved.max_epochs, resolved.validation_every, resolved.patience) == (30, 1, 20)
    assert resolved.learning_rates == (1e-3,) and not resolved.use_scoring_for_early_stopping
    assert resolved.postprocessings() == (Postprocessing(150, 50),)
    assert resolved.for_task(maestro) == resolved
    assert Protocol().deviations() == {} and "max_epochs" in resolved.deviations()


@pytest.mark.parametrize(
    "parameters",
    [None, {"task_specific_param_grid": None, "event_postprocessing_grid": None}, {}],
)
def test_a_task_that_prescribes_null_prescribes_nothing(parameters):
    assert Protocol().for_task({"evaluation_params": parameters}) == Protocol()


@pytest.mark.parametrize(
    "parameters",
    [
        [],
        "none",
        {"task_specific_param_grid": [1]},
        {"event_postprocessing_grid": {"min_duration": 5}},
    ],
)
def test_what_a_task_prescribes_in_another_form_is_named(parameters):
    with pytest.raises(ProtocolError, match="expected an? (object|list of values), found"):
        Protocol().for_task({"evaluation_params": parameters or [3]})


def test_what_hears_own_metadata_prescribe_is_missed():
    grid = {"max_epochs": [50], "check_val_every_n_epoch": [1]}
    post = {"median_filter_ms": [150], "min_duration": [50]}
    parameters = {"task_specific_param_grid": grid, "event_postprocessing_grid": post}
    maestro = {"task_name": "maestro", "evaluation_params": parameters}
    maestro["use_scoring_for_early_stopping"] = False
    assert unprescribed(maestro) == []
    post["min_duration"] = [125, 250]
    del maestro["use_scoring_for_early_stopping"], grid["max_epochs"]
    (said,) = unprescribed(maestro)
    assert (
        "HEAR prescribes max_epochs 50, use_scoring_for_early_stopping False, min_duration 50,"
        in said
    )
    assert len(unprescribed({"task_name": "maestro", "evaluation_params": None})) == 1
    assert unprescribed({"task_name": "esc50"}) == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"max_epoch": 3}, "did you mean 'max_epochs'"),
        ({"max_epochs": 2.5}, "max_epochs: expected a whole number >= 1, found 2.5"),
        ({"patience": 0}, "patience"),
        ({"hidden_layers": [-1]}, "hidden_layers: expected a whole number >= 0, found -1"),
        ({"learning_rates": []}, "at least one value"),
        ({"initializations": ["xavier"]}, "xavier_uniform"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_malformed_protocols_are_named(config, message):
    with pytest.raises(ProtocolError, match=message):
        Protocol.from_config(config)


def test_a_protocol_without_any_validation_or_with_unknown_task_values_is_an_error():
    with pytest.raises(ProtocolError, match="nothing would ever be validated"):
        Protocol(max_epochs=2).for_task({})
    unknown = {"evaluation_params": {"task_specific_param_grid": {"optim": ["sgd"]}}}
    with pytest.raises(ProtocolError, match="unknown key 'optim'"):
        Protocol().for_task(unknown)


def test_malformed_inputs_name_task_split_and_fold():
    def fails(message: str, protocol: Protocol = QUICK, **changes: Any) -> None:
        with pytest.raises(ProbeError, match=message):
            train_and_predict(replace(blobs(), **changes), protocol, seed=1)

    def damaged(key: str, split: str, row: int, value: float) -> dict[str, np.ndarray]:
        arrays = getattr(blobs(), key)
        arrays[split][row] = value
        return arrays

    fails("blobs, fold test, .*last batch of one row", replace(QUICK, batch_size=95))
    fails(
        "blobs, split train: expected one label per row", targets=damaged("targets", "train", 0, 0)
    )
    fails("blobs, split test: .*0 and 1", targets=damaged("targets", "test", 0, 0.5))
    fails("blobs: metric event_onset_50ms_fms needs events", metric="event_onset_50ms_fms")
    fails("blobs, fold x: expected rows", folds=[Fold("x", ("train",), ("none",), ("test",))])
    fails("at least one fold", folds=[])
    large = {split: np.full((96, 2), 3e38, np.float32) for split in ("train", "valid", "test")}
    fails("blobs, fold test, GridPoint.*the loss became", features=large)


def test_a_label_missing_from_training_is_named():
    data = blobs()
    data.targets["train"] = np.eye(3, dtype=np.float32)[np.arange(96) % 2]
    with pytest.warns(UserWarning, match="blobs, fold test: no training example of c"):
        train_and_predict(data, QUICK, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("case", PROBE)
def test_golden_scores_of_the_reference(case):
    """Every choice is the reference's; scores may differ by a clip or two on another CPU."""
    golden = PROBE[case]
    metadata = golden["metadata"]
    data = probe_inputs(case, metadata["prediction_type"], metadata["evaluation"][0])
    protocol = Protocol(n_grid_points=golden["n_grid_points"]).for_task(metadata)
    result = train_and_predict(data, protocol, seed=42)
    assert len(result.folds) == len(golden["folds"]) and golden["grid"]
    for point, expected in zip(result.grid, golden["grid"], strict=True):
        assert point.validation_score == pytest.approx(expected["validation_score"], abs=0.015)
        assert (point.epoch, point.n_validations) == (expected["epoch"], expected["n_validations"])
    if golden["postprocessing"]:
        expected = Postprocessing(*(value for _, value in golden["postprocessing"]))
        assert result.folds[0].chosen.postprocessing == expected
    for fold, outcome in zip(data.folds, result.folds, strict=True):
        expected = golden["folds"][fold.name]
        assert outcome.chosen.epoch == expected["epoch"]
        for slug, score in expected["scores"].items():
            found = primary(slug, data, fold, outcome)
            assert found == pytest.approx(score, abs=0.015, rel=0.005)


def primary(slug: str, data: ProbeData, fold: Fold, outcome: Any) -> float:
    if METRICS[slug].kind == "clip":
        return METRICS[slug].primary(data.targets[fold.test[0]], outcome.probabilities)
    frames, chosen = frames_by_file(data.events, fold.test), outcome.chosen.postprocessing
    events = events_of_files(outcome.probabilities, frames, data.labels, [chosen])[chosen]
    return METRICS[slug].primary(reference_events(data.events, fold.test), events, data.labels)


@pytest.mark.parametrize("n_rows", [1, 5, 64, 176])
@pytest.mark.parametrize("n_features", [7, 256, 385])
def test_a_layer_stored_by_columns_gives_the_values_and_gradients_of_one_stored_by_rows(
    n_features, n_rows
):
    by_rows = torch.nn.Linear(n_features, 512)
    by_columns = ColumnLinear(n_features, 512)
    by_columns.load_state_dict(by_rows.state_dict())
    by_columns.store_by_columns()
    assert by_columns.weight.is_contiguous() == (n_features != 385)
    rows = torch.randn(n_rows, n_features)
    inputs = [rows.clone().requires_grad_() for _ in range(2)]
    outputs = [layer(x) for layer, x in zip((by_rows, by_columns), inputs, strict=True)]
    gradient = torch.randn(n_rows, 512)
    for output in outputs:
        output.backward(gradient)
    wanted = [outputs[0], inputs[0].grad, *(p.grad for p in by_rows.parameters())]
    found = [outputs[1], inputs[1].grad, *(p.grad for p in by_columns.parameters())]
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    assert by_columns.weight.grad.stride() == by_columns.weight.stride()  # Adam needs no copies
