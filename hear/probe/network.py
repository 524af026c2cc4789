"""The probe: a small multi-layer perceptron on fixed embeddings.

Architecture and initialization are those of ``heareval`` 2021.1.3
(``predictions/task_predictions.py``, FullyConnectedPrediction). The order in which random
numbers are drawn is part of the protocol: with the reference's seed, the probe starts from the
reference's weights and drops the reference's units.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hear.protocol import GridPoint, Protocol

SUMMARY_ROWS = 64  # the reference prints a summary of each network, run on so many random rows

INITIALIZERS = {
    "xavier_uniform": nn.init.xavier_uniform_,
    "xavier_normal": nn.init.xavier_normal_,
}


class ColumnLinear(nn.Linear):
    """A linear layer whose weight may be stored by columns; equals nn.Linear to within 1e-5.

    The rows of the gradient then have the length of the hidden layer instead of the embedding,
    whose odd lengths slow down that product (``python -m benchmarks.probe --cases rates``). Layers
    that would not be faster are unchanged.
    """

    # Below these sizes products of the two layouts differed in the last bit (MKL 2024.2, one to
    # eight threads).
    MIN_FEATURES, MIN_ROWS = 256, 64
    MIN_HIDDEN = 512  # with 256 nothing was gained
    ALIGNED = 16  # float32 values of a cache line: rows of whole lines are not slow

    def store_by_columns(self) -> None:
        """Change the layout of the initialized weight, if that is faster."""
        odd = self.in_features >= self.MIN_FEATURES and self.in_features % self.ALIGNED
        if odd and self.out_features >= self.MIN_HIDDEN:
            self.weight.data = self.weight.data.t().contiguous().t()

    def forward(self, rows: Tensor) -> Tensor:
        """Map (n_rows, in_features) to (n_rows, out_features)."""
        weight = self.weight if len(rows) >= self.MIN_ROWS else self.weight.contiguous()
        return nn.functional.linear(rows, weight, self.bias)


def build_network(
    n_features: int, n_labels: int, point: GridPoint, protocol: Protocol
) -> nn.Sequential:
    """Build a freshly initialized probe that maps features to logits.

    ``(n_rows, n_features) -> (n_rows, n_labels)``; per hidden layer Linear, BatchNorm1d, Dropout,
    ReLU, then Linear; without hidden layers, a linear probe. Draws from torch's default generator,
    as the reference does: each layer's default initialization, the Xavier initialization that
    overwrites its weight, and the random input of the model summary.
    """
    initialize = INITIALIZERS[point.initialization]
    layers: list[nn.Module] = []
    width = n_features
    activation: Literal["linear", "relu"] = "linear"
    for _ in range(point.hidden_layers):
        linear = ColumnLinear(width, protocol.hidden_dim)
        initialize(linear.weight, gain=nn.init.calculate_gain(activation))
        linear.store_by_columns()
        layers += [
            linear,
            nn.BatchNorm1d(protocol.hidden_dim),
            nn.Dropout(protocol.dropout),
            nn.ReLU(),
        ]
        width, activation = protocol.hidden_dim, "relu"
    projection = nn.Linear(width, n_labels)
    initialize(projection.weight, gain=nn.init.calculate_gain(activation))
    torch.rand(SUMMARY_ROWS, n_features)
    return nn.Sequential(*layers, projection)


def loss_of(logits: Tensor, target: Tensor, prediction_type: str) -> Tensor:
    """Return the training loss of logits and targets, both float32 (n_rows, n_labels).

    Cross entropy for ``multiclass`` (one label per row), binary cross entropy for ``multilabel``.
    """
    if prediction_type == "multiclass":
        return nn.functional.cross_entropy(logits, target.argmax(dim=1))
    return nn.functional.binary_cross_entropy_with_logits(logits, target)


def probabilities_of(logits: Tensor, prediction_type: str) -> Tensor:
    """Return softmax (multiclass) or sigmoid (multilabel) of logits (n_rows, n_labels)."""
    return logits.softmax(dim=1) if prediction_type == "multiclass" else logits.sigmoid()
