"""Joint training of all grid points of a fold: one large product per layer, data on the device.

A single probe does not keep a GPU busy. Here the networks of a fold's grid points, which see the
same batches in the same order (the reference never shuffles), are stacked: one matrix product for
their first layers, one batched product for each later layer. Everything else follows
`hear.probe.search`: initial weights, optimizer, early stopping, best epoch. Only the dropout's
random numbers differ from heareval's, so scores agree in distribution, not byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm import tqdm

from hear.probe.network import loss_of, probabilities_of
from hear.probe.training import Fit, FoldData, Parts, Run, batches
from hear.protocol import GridPoint, Protocol

RUNNING = ("running_mean", "running_var")  # statistics of a BatchNorm1d
DEVICE_SHARE = 0.6  # of a GPU's free memory that a fold's features may take; chosen


def best_device() -> torch.device:
    """The GPU if torch finds one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit_stacked(
    data: FoldData, points: Sequence[GridPoint], protocol: Protocol, bar: tqdm
) -> list[Fit]:
    """Train the grid points of one fold together.

    ``protocol`` is resolved by ``Protocol.for_task``; ``bar`` advances by one per epoch and grid
    point. The networks stay on the device. ProbeError if a loss becomes NaN or infinite.

    A grid point that stops early leaves the stack. torch's default generator draws the initial
    weights, then one seed for the dropout on the device.
    """
    device = best_device()
    bar.set_description(f"{data.where}, {len(points)} grid points on {device}", refresh=False)
    runs = [Run(data, point, protocol, device) for point in points]
    seed = int(torch.empty((), dtype=torch.int64).random_())
    train, valid = (on_device(p, protocol.batch_size, device) for p in (data.train, data.valid))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for epoch in range(protocol.max_epochs):
            active = [run for run in runs if not run.selection.stopped]
            if not active:
                break
            _train_epoch(active, train, data, epoch)
            bar.update(len(active))
            if (epoch + 1) % protocol.validation_every == 0:
                _validate(active, valid, data, protocol, epoch)
                best = ", ".join(f"{run.selection.best:.4f}" for run in runs)
                bar.set_postfix(epoch=epoch, best=best, refresh=False)
            ended = sum(run.selection.stopped for run in active)
            bar.total = (bar.total or 0) - ended * (protocol.max_epochs - epoch - 1)
    return [run.finish() for run in runs]


def on_device(
    parts: Parts, batch_size: int, device: torch.device
) -> Iterable[tuple[Tensor, Tensor]]:
    """Batches of a part: all on the device if they fit, else copied there one by one.

    Returns pairs (features, targets) that can be iterated repeatedly, in the same order.
    """
    if device.type == "cuda":
        n_bytes = sum(4 * math.prod(x.shape) + y.nbytes for x, y in parts)
        if n_bytes > DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]:
            return _Sent(parts, batch_size, device)
    return list(_Sent(parts, batch_size, device))


@dataclass
class _Sent:
    """Batches that are read again in every epoch."""

    parts: Parts
    batch_size: int
    device: torch.device

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for features, targets in batches(self.parts, self.batch_size):
            yield features.to(self.device), targets.to(self.device)


def _train_epoch(
    runs: Sequence[Run], train: Iterable[tuple[Tensor, Tensor]], data: FoldData, epoch: int
) -> None:
    """Run once over the training part with every network."""
    for run in runs:
        run.network.train()
    for features, targets in train:
        losses = [
            loss_of(logits, targets, data.prediction_type)
            for logits in stacked_logits([run.network for run in runs], features)
        ]
        for run in runs:
            run.optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        for run in runs:
            run.optimizer.step()
    for run, loss in zip(runs, losses, strict=True):
        run.check_loss(loss.item(), epoch)


@torch.no_grad()
def _validate(
    runs: Sequence[Run],
    valid: Iterable[tuple[Tensor, Tensor]],
    data: FoldData,
    protocol: Protocol,
    epoch: int,
) -> None:
    """Validate every network."""
    for run in runs:
        run.network.eval()
    outputs, targets = [], []
    for features, labels in valid:
        outputs.append(torch.stack(stacked_logits([run.network for run in runs], features)))
        targets.append(labels)
    for run, logits in zip(runs, torch.cat(outputs, dim=1), strict=True):
        if protocol.use_scoring_for_early_stopping:
            probabilities = probabilities_of(logits, data.prediction_type)
            run.update(epoch, *data.judge(probabilities.cpu().numpy()))
        else:
            loss = loss_of(logits, torch.cat(targets), data.prediction_type)
            run.update(epoch, loss.item(), None)


def stacked_logits(networks: Sequence[nn.Sequential], features: Tensor) -> list[Tensor]:
    """Logits (n_rows, n_labels) of several probes, in their order, for the same rows.

    Networks are made by `hear.probe.network.build_network` and may differ in their number of
    layers. Features are (n_rows, n_features).
    """
    logits: dict[int, Tensor] = {}
    for length in sorted({len(network) for network in networks}):
        members = [i for i, network in enumerate(networks) if len(network) == length]
        outputs = _equal_depth([networks[i] for i in members], features)
        logits |= dict(zip(members, outputs, strict=True))
    return [logits[i] for i in range(len(networks))]


def _equal_depth(networks: Sequence[nn.Sequential], features: Tensor) -> Tensor:
    """Logits (n_networks, n_rows, n_labels) of probes with the same number of layers."""
    n_networks, n_rows = len(networks), len(features)
    first, *layers = zip(*networks, strict=True)
    wide = nn.functional.linear(
        features,
        torch.cat([layer.weight for layer in first]),
        torch.cat([layer.bias for layer in first]),
    )  # (n_rows, n_networks * n_hidden): each network's columns together
    for group in layers:
        layer = group[0]
        if isinstance(layer, nn.BatchNorm1d):
            wide = _batch_norm(group, wide)
        elif isinstance(layer, nn.Linear):
            rows = wide.view(n_rows, n_networks, -1).transpose(0, 1)
            weights = torch.stack([one.weight for one in group]).transpose(1, 2)
            biases = torch.stack([one.bias for one in group])[:, None]
            rows = torch.baddbmm(biases, rows, weights)
            wide = rows.transpose(0, 1).reshape(n_rows, -1)
        else:  # dropout, ReLU: without weights
            wide = layer(wide)
    return wide.view(n_rows, n_networks, -1).transpose(0, 1)


def _batch_norm(layers: Sequence[nn.BatchNorm1d], rows: Tensor) -> Tensor:
    """Batch-normalize each network's own columns; updates the running statistics."""
    mean, variance = (torch.cat([getattr(n, name) for n in layers]) for name in RUNNING)
    weight, bias = (torch.cat([getattr(n, name) for n in layers]) for name in ("weight", "bias"))
    layer = layers[0]
    assert layer.momentum is not None, "build_network leaves the default"
    normalized = nn.functional.batch_norm(
        rows, mean, variance, weight, bias, layer.training, layer.momentum, layer.eps
    )
    if layer.training:
        for name, stacked in zip(RUNNING, (mean, variance), strict=True):
            for one, values in zip(layers, stacked.chunk(len(layers)), strict=True):
                getattr(one, name).copy_(values)
    return normalized
