"""Training of one probe on one fold: epochs, validation, early stopping, best epoch's weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.adam import adam
from tqdm import tqdm

from hear.features.columns import Columns
from hear.probe.network import build_network, loss_of, probabilities_of
from hear.probe.selection import Judge, Selection, maximizes
from hear.protocol import GridPoint, Neighbors, Postprocessing, Protocol

Parts = Sequence[tuple[Columns, Tensor]]
CPU = torch.device("cpu")
BETAS, EPS = (0.9, 0.999), 1e-8  # of Adam: torch's defaults, which heareval takes


class ProbeError(ValueError):
    """A probe that cannot be trained; the message names task, fold and grid point."""


class TrainPartError(ProbeError):
    """A training part that is too small; the message names task, fold and the reason."""


@dataclass(frozen=True)
class FoldData:
    """Tensors and rules of one fold, shared by all grid points.

    ``where`` names task and fold in messages. Each part has one pair (features, targets) per split:
    Columns (n_rows, n_features) and Tensor (n_rows, n_labels), float32. ``judge`` scores the
    validation part's probabilities, ``metric`` is the primary metric's slug.
    """

    where: str
    train: Parts
    valid: Parts
    test: Parts
    prediction_type: str
    metric: str
    judge: Judge


@dataclass(frozen=True)
class PointResult:
    """Validation result of one probe.

    ``epoch`` is the best epoch, counted from 0; ``validation_score`` its primary metric or loss;
    ``postprocessing`` the one selected for events in that epoch.
    """

    point: GridPoint | Neighbors
    epoch: int
    validation_score: float
    n_validations: int
    postprocessing: Postprocessing | None


class Fit(NamedTuple):
    """A trained probe: its validation result, and the network with the best epoch's weights."""

    result: PointResult
    network: nn.Sequential


class Adam:
    """torch's functional Adam step with its state.

    The first step of ``torch.optim.Adam`` imports a compiler, which costs two seconds per job.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.averages = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = [torch.tensor(0.0) for _ in self.parameters]

    def zero_grad(self) -> None:
        """Reset the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters once from their gradients."""
        adam(
            self.parameters,
            cast("list[Tensor]", [parameter.grad for parameter in self.parameters]),
            self.averages,
            self.squares,
            [],
            self.steps,
            foreach=True,  # the same numbers as one by one, but fewer passes over memory
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self.learning_rate,
            weight_decay=0.0,
            eps=EPS,
            maximize=False,
        )


class Run:
    """One grid point during training on one fold, with the state of its best epoch so far."""

    def __init__(
        self, data: FoldData, point: GridPoint, protocol: Protocol, device: torch.device = CPU
    ) -> None:
        n_features, n_labels = data.train[0][0].shape[1], data.train[0][1].shape[1]
        self.name, self.max_epochs = f"{data.where}, {point}", protocol.max_epochs
        self.point = point
        self.network = build_network(n_features, n_labels, point, protocol).to(device)
        self.optimizer = Adam(self.network.parameters(), point.learning_rate)
        self.selection = Selection(maximizes(protocol, data.metric), protocol.patience)
        self.epoch = -1
        self.postprocessing: Postprocessing | None = None
        self.state: dict[str, Tensor] = {}

    def check_loss(self, loss: float, epoch: int) -> None:
        """Raise ProbeError if an epoch's loss is NaN or infinite."""
        if not math.isfinite(loss):
            raise ProbeError(f"{self.name}, epoch {epoch}: the loss became {loss}")

    def update(self, epoch: int, score: float, postprocessing: Postprocessing | None) -> None:
        """Add a validation to the selection; keep the state of an epoch that improves."""
        if self.selection.update(score):
            self.epoch, self.postprocessing = epoch, postprocessing
            state = self.network.state_dict()
            self.state = {name: values.clone() for name, values in state.items()}

    def finish(self) -> Fit:
        """Return the result, with the best epoch's weights in the network."""
        best, n_validations = self.selection.best, self.selection.n_validations
        if best is None:
            raise ProbeError(f"{self.name}: no validation within {self.max_epochs} epochs")
        self.network.load_state_dict(self.state)
        found = PointResult(self.point, self.epoch, best, n_validations, self.postprocessing)
        return Fit(found, self.network)


def fit(data: FoldData, point: GridPoint, protocol: Protocol, bar: tqdm) -> Fit:
    """Train one grid point on one fold.

    ``protocol`` is resolved by ``Protocol.for_task``. ``bar`` advances by one per epoch; epochs
    saved by early stopping are subtracted from its total. ProbeError if the loss becomes NaN or
    infinite.

    As in the reference, the training order is the same in every epoch and the last, shorter batch
    is used. Draws the same random numbers from torch's default generator as the reference, in the
    same order: the network; per epoch, a seed for the training loader and the dropout masks; at
    each validation, a seed for the validation loader.
    """
    run = Run(data, point, protocol)
    for epoch in range(protocol.max_epochs):
        loss = _train_epoch(run.network, run.optimizer, data, protocol.batch_size)
        bar.update()
        run.check_loss(loss, epoch)
        if (epoch + 1) % protocol.validation_every:
            continue
        score, postprocessing = _validate(run.network, data, protocol)
        run.update(epoch, score, postprocessing)
        best = f"{run.selection.best:.4f}"
        bar.set_postfix(epoch=epoch, validation=f"{score:.4f}", best=best, refresh=False)
        if run.selection.stopped:
            bar.total = (bar.total or 0) - (protocol.max_epochs - epoch - 1)
            break
    return run.finish()


def predict(
    network: nn.Module, parts: Parts, prediction_type: str, batch_size: int
) -> NDArray[np.float32]:
    """Return a probe's probabilities (n_rows, n_labels), computed on the device of its weights."""
    logits = _logits(network, parts, batch_size)
    return torch.cat([probabilities_of(batch, prediction_type) for batch in logits]).cpu().numpy()


def batches(parts: Parts, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield consecutive batches of the concatenated splits.

    The last batch may be shorter; the splits are never entirely in memory. Batches of features
    (n_rows, n_features) and targets (n_rows, n_labels) are newly allocated, so that sums do not
    depend on the memory alignment of the arrays.
    """
    n_rows = sum(len(features) for features, _ in parts)
    for start in range(0, n_rows, batch_size):
        stop = min(start + batch_size, n_rows)
        batch = torch.empty(stop - start, parts[0][0].shape[1])
        rows, labels, offset = batch.numpy(), [], 0
        for features, targets in parts:
            first, last = max(start - offset, 0), min(stop - offset, len(features))
            if first < last:
                at = first + offset - start
                features.read(slice(first, last), rows[at : at + last - first])
                labels.append(targets[first:last])
            offset += len(features)
        yield batch, torch.cat(labels)


def _train_epoch(network: nn.Module, optimizer: Adam, data: FoldData, batch_size: int) -> float:
    """Train for one epoch; return the last batch's loss."""
    _draw_loader_seed()
    network.train()
    for features, targets in batches(data.train, batch_size):
        optimizer.zero_grad()
        loss = loss_of(network(features), targets, data.prediction_type)
        loss.backward()
        optimizer.step()
    return loss.item()


def _validate(
    network: nn.Module, data: FoldData, protocol: Protocol
) -> tuple[float, Postprocessing | None]:
    """Compute the selection score, primary metric or loss, and the selected post-processing."""
    _draw_loader_seed()
    logits = _logits(network, data.valid, protocol.batch_size)
    if protocol.use_scoring_for_early_stopping:
        probabilities = [probabilities_of(batch, data.prediction_type) for batch in logits]
        return data.judge(torch.cat(probabilities).numpy())
    targets = torch.cat([y for _, y in data.valid])
    return loss_of(torch.cat(logits), targets, data.prediction_type).item(), None


@torch.no_grad()
def _logits(network: nn.Module, parts: Parts, batch_size: int) -> list[Tensor]:
    """Run the network in evaluation mode, batch by batch, on the device of its weights."""
    network.eval()
    device = next(network.parameters()).device
    return [network(features.to(device)) for features, _ in batches(parts, batch_size)]


def _draw_loader_seed() -> None:
    """Draw the seed that a torch DataLoader draws at the start of an iteration."""
    torch.empty((), dtype=torch.int64).random_()
