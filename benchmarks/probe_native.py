"""One run of this software's probe in a process of its own, started by benchmarks.probe."""

from __future__ import annotations

import functools
import json
import sys
import time
from pathlib import Path

import torch

from benchmarks.machine import peak_mib
from benchmarks.probe_cases import protocol_of, read
from hear.probe import search, stacked, training
from hear.probe.network import build_network
from hear.probe.training import Adam, FoldData
from hear.protocol import GridPoint, Protocol
from workflow.process import configure


def timed(module: object, name: str, seconds: dict[str, float]) -> None:
    """Count the CPU seconds that a function of a module takes."""
    function = getattr(module, name)

    @functools.wraps(function)
    def counted(*arguments: object, **named: object) -> object:
        started = time.process_time()
        try:
            return function(*arguments, **named)
        finally:
            spent = time.process_time() - started
            seconds[name.strip("_")] = round(seconds.get(name.strip("_"), 0) + spent, 3)

    setattr(module, name, counted)


def matrix_product_rates(repeats: int = 5) -> dict[str, float]:
    """GFLOP/s of one epoch on an ESC-50-like fold and of the bare product, in turns; medians.

    An epoch's operations are those of its matrix products: forward, the gradients of weights,
    and of the hidden activations (not of the features, which need none).
    """
    n_rows, n_features, n_labels, batch = 1200, 1295, 50, 1024
    protocol, generator = Protocol(), torch.Generator().manual_seed(0)
    features = torch.randn(n_rows, n_features, generator=generator).numpy()
    targets = torch.eye(n_labels)[torch.arange(n_rows) % n_labels]
    columns = training.Columns([features])
    part = [(columns, targets)]
    data = FoldData("esc50_like", part, part, part, "multiclass", "top1_acc", lambda p: (0, None))
    rates: dict[str, float] = {}
    left, right = torch.randn(batch, n_features), torch.randn(n_features, protocol.hidden_dim)
    for layers in protocol.hidden_layers:
        network = build_network(
            n_features, n_labels, GridPoint(layers, "xavier_uniform", 1e-3), protocol
        )
        optimizer = Adam(network.parameters(), 1e-3)
        hidden = protocol.hidden_dim
        products = 2 * n_features * hidden + 3 * hidden * (n_labels + (layers - 1) * hidden)
        epochs, bare = [], []
        for _ in range(repeats + 1):
            started = time.process_time()
            training._train_epoch(network, optimizer, data, batch)
            epochs.append(2 * n_rows * products / (time.process_time() - started) / 1e9)
            started = time.process_time()
            for _ in range(4):
                left @ right
            spent = time.process_time() - started
            bare.append(4 * 2 * batch * n_features * hidden / spent / 1e9)
        rates[f"epoch_{layers}"] = sorted(epochs[1:])[repeats // 2]
        rates[f"product_{layers}"] = sorted(bare[1:])[repeats // 2]
    return rates


def main() -> None:
    """Evaluate one case, or measure rates; print facts as JSON."""
    case, folder, threads, program = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    configure(threads, mkl_fast_path=False)
    if case == "rates":
        print(json.dumps(matrix_product_rates()))
        return
    facts: dict = {"imports_mib": peak_mib(), "imports_s": round(time.process_time(), 2)}
    seconds: dict[str, float] = {}
    trainer = {"native": training, "stacked": stacked}[program]
    for module, name in ((trainer, "_train_epoch"), (trainer, "_validate"), (search, "predict")):
        timed(module, name, seconds)
    fit_points = {"native": search.one_by_one, "stacked": stacked.fit_stacked}[program]
    data, protocol = read(case, folder), protocol_of(case)
    result = search.train_and_predict(data, protocol, seed=42, fit_points=fit_points)
    facts["device"] = stacked.best_device().type if program == "stacked" else "cpu"
    facts |= {"seconds": seconds, "epochs": [fold.chosen.epoch for fold in result.folds]}
    facts["score"] = [fold.chosen.validation_score for fold in result.folds]
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
