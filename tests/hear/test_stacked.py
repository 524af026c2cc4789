"""Probes trained together: each is what it would be alone, but for the dropout's random numbers."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from hear.evaluators import described, evaluator
from hear.features.columns import Columns
from hear.probe import stacked, training
from hear.probe.data import ProbeData
from hear.probe.network import build_network
from hear.probe.search import train_and_predict
from hear.probe.stacked import fit_stacked, on_device, stacked_logits
from hear.probe.training import ProbeError
from hear.protocol import GridPoint, Protocol
from tests.hear.oracle_inputs import probe_inputs

SMALL = Protocol(hidden_dim=24, max_epochs=6, validation_every=2, patience=2, batch_size=40)
POINTS = [
    GridPoint(2, "xavier_normal", 1e-2),
    GridPoint(1, "xavier_uniform", 3e-3),
    GridPoint(1, "xavier_normal", 1e-3),
    GridPoint(2, "xavier_uniform", 1e-4),
    GridPoint(0, "xavier_uniform", 1e-2),
]


def scenes() -> ProbeData:
    return probe_inputs("multiclass_5fold", "multiclass", "top1_acc")


def networks(protocol: Protocol, n_features: int = 7) -> list[torch.nn.Sequential]:
    torch.manual_seed(0)
    return [build_network(n_features, 3, point, protocol) for point in POINTS]


@pytest.mark.parametrize("is_training", [True, False])
def test_stacked_networks_give_the_logits_gradients_and_statistics_of_each_alone(is_training):
    protocol = replace(SMALL, dropout=0.0)
    together, alone = networks(protocol), networks(protocol)
    features = torch.randn(11, 7)
    for one in (*together, *alone):
        one.train(is_training)
    logits = stacked_logits(together, features)
    sum(one.square().sum() for one in logits).backward()
    for i, network in enumerate(alone):
        expected = network(features)
        expected.square().sum().backward()
        torch.testing.assert_close(logits[i], expected, rtol=1e-4, atol=1e-5)
        pairs = zip(together[i].parameters(), network.parameters(), strict=True)
        for found, wanted in pairs:
            torch.testing.assert_close(found.grad, wanted.grad, rtol=1e-3, atol=1e-4)
        for name, wanted in network.named_buffers():
            if "running" in name:
                found = together[i].get_buffer(name)
                torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)


def test_dropout_is_drawn_for_each_network_and_row():
    protocol = replace(SMALL, dropout=0.5)
    network = networks(protocol)[1]
    network.train()
    same = stacked_logits([network, network], torch.ones(5, 7).cumsum(0))
    assert not torch.equal(same[0], same[1])


@pytest.mark.parametrize("hidden_layers", [(1, 2), (0,)])
@pytest.mark.parametrize("by_score", [True, False])
def test_without_dropout_every_grid_point_finds_what_it_finds_alone(
    monkeypatch, by_score, hidden_layers
):
    def seeded(n_features, n_labels, point, protocol):
        torch.manual_seed(zlib.crc32(repr(point).encode()))
        return build_network(n_features, n_labels, point, protocol)

    monkeypatch.setattr(training, "build_network", seeded)
    protocol = replace(SMALL, dropout=0.0, use_scoring_for_early_stopping=by_score, n_grid_points=6)
    protocol = replace(protocol, hidden_layers=hidden_layers)
    alone = train_and_predict(scenes(), protocol, 3)
    together = train_and_predict(scenes(), protocol, 3, fit_points=fit_stacked)
    assert len(together.grid) == 6
    assert {p.point.hidden_layers for p in together.grid} == set(hidden_layers)
    for found, wanted in zip(together.grid, alone.grid, strict=True):
        assert (found.point, found.n_validations) == (wanted.point, wanted.n_validations)
        assert found.validation_score == pytest.approx(wanted.validation_score, abs=0.02)
    for found, wanted in zip(together.folds, alone.folds, strict=True):
        assert found.chosen.epoch == wanted.chosen.epoch
        np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=0.02)


@pytest.mark.slow
def test_same_seed_same_bytes_another_seed_others_and_the_global_state_stays():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    data, protocol = scenes(), replace(SMALL, n_grid_points=2)
    runs = [train_and_predict(data, protocol, s, fit_points=fit_stacked) for s in (1, 1, 2)]
    assert torch.equal(before, torch.get_rng_state())
    first, again, other = (run.folds[0].probabilities.tobytes() for run in runs)
    assert first == again != other and runs[0].grid == runs[1].grid


def test_events_choose_a_postprocessing_and_a_loss_that_is_not_finite_is_named():
    data = probe_inputs("events", "multilabel", "event_onset_200ms_fms")
    protocol = replace(SMALL, n_grid_points=2)
    result = train_and_predict(data, protocol, 42, fit_points=fit_stacked)
    assert result.folds[0].chosen.postprocessing is not None
    huge = {split: np.full_like(x, 3e38) for split, x in data.features.items()}
    with pytest.raises(ProbeError, match="events, fold test, GridPoint.*the loss became"):
        train_and_predict(replace(data, features=huge), protocol, 42, fit_points=fit_stacked)


def test_batches_that_do_not_fit_on_the_device_are_sent_in_every_epoch(monkeypatch):
    data = scenes()
    rows = np.concatenate(list(data.features.values()))
    parts = [(Columns([rows]), torch.zeros(len(rows), 2))]
    kept = on_device(parts, 64, torch.device("cpu"))
    sent = stacked._Sent(parts, 64, torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 1000))
    assert isinstance(on_device(parts, 64, torch.device("cuda")), stacked._Sent)
    assert isinstance(kept, list)
    for _ in range(2):
        both = list(zip(kept, sent, strict=True))
        assert len(both) > 2 and all(torch.equal(a[0], b[0]) for a, b in both)


def test_the_evaluator_stacked_is_known_and_says_where_it_computes():
    assert callable(evaluator("stacked"))
    assert described("native") == "native" and described("stacked").startswith("stacked on ")
    with pytest.raises(ValueError, match="native, stacked, heareval, found 'stackd'"):
        evaluator("stackd")
