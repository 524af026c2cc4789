"""Adam without torch's optimizer class, whose first step imports a compiler for two seconds."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam

BETAS, EPS = (0.9, 0.999), 1e-8  # torch's defaults, which heareval takes


class Adam:
    """torch's own Adam step (its functional form) with the state that it needs.

    Parameters
    ----------
    parameters : iterable of Tensor
    learning_rate : float
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.averages = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = [torch.tensor(0.0) for _ in self.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Descend once, along the parameters' gradients."""
        adam(
            self.parameters,
            [parameter.grad for parameter in self.parameters],
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
