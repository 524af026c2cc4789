"""One run of this software's probe in a process of its own, started by benchmarks.probe."""

from __future__ import annotations

import functools
import json
import statistics
import sys
import time
from pathlib import Path

import torch

from benchmarks.machine import peak_mib
from benchmarks.peak import Peak
from benchmarks.probe_cases import N_FEATURES, protocol_of, read
from hear.probe import search, stacked, training
from hear.probe.network import build_network
from hear.probe.training import Adam, FoldData
from hear.protocol import GridPoint, Protocol
from workflow.process import configure

# Rows of an epoch, labels, prediction type and metric.
EPOCHS = {
    "esc50_like": (1200, 50, "multiclass", "top1_acc"),
    "dcase_like": (16 * 1024, 11, "multilabel", "event_onset_200ms_fms"),
}


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


def epoch_rates(repeats: int = 5) -> dict[str, tuple[float, float]]:
    """GFLOP/s of training epochs and of the machine's peak, in turns; medians, by case.

    An epoch's operations are those of its matrix products: forward, the gradients of weights,
    and of the hidden activations (not of the features, which need none).
    """
    protocol, generator = Protocol(), torch.Generator().manual_seed(0)
    peak, rates = Peak(), {}
    for name, (n_rows, n_labels, prediction_type, metric) in EPOCHS.items():
        features = torch.randn(n_rows, N_FEATURES, generator=generator).numpy()
        targets = torch.eye(n_labels)[torch.arange(n_rows) % n_labels]
        part = [(training.Columns([features]), targets)]
        data = FoldData(name, part, part, part, prediction_type, metric, lambda p: (0, None))
        for layers in protocol.hidden_layers:
            point = GridPoint(layers, "xavier_uniform", 1e-3)
            network = build_network(N_FEATURES, n_labels, point, protocol)
            optimizer = Adam(network.parameters(), 1e-3)
            hidden = protocol.hidden_dim
            products = 2 * N_FEATURES * hidden + 3 * hidden * (n_labels + (layers - 1) * hidden)
            epochs, peaks = [], []
            for _ in range(repeats + 1):
                started = time.process_time()
                training._train_epoch(network, optimizer, data, protocol.batch_size)
                epochs.append(2e-9 * n_rows * products / (time.process_time() - started))
                peaks.append(peak.gflops())
            middle = (statistics.median(epochs[1:]), statistics.median(peaks[1:]))
            rates[f"{name}, {layers} hidden"] = middle
    return rates


def main() -> None:
    """Evaluate one case, or measure rates; print facts as JSON."""
    case, folder, threads, program = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    configure(threads, mkl_fast_path=True)
    if case == "rates":
        print(json.dumps(epoch_rates()))
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
