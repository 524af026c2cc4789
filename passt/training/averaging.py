"""Weight averaging over a training run, for the network that is evaluated and kept."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from passt.training.recipe import Recipe


class WeightAverage:
    """SWA (mean of the weights after some epochs) or EMA (exponential mean over steps).

    SWA starts at an epoch and averages every few epochs: PaSST repository,
    ``helpers/swa_callback.py``; Izmailov et al. 2018. Before the first average, the network's own
    weights are used. The network itself is never changed.
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        self.network, self.recipe = network, recipe
        self.n_averaged = 0
        self.mean = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    def after_step(self) -> None:
        """Update an EMA; its decay is lower at first, so that the initial weights fade quickly."""
        if self.recipe.averaging == "ema":
            n = self.n_averaged
            self._update(1.0 - min(self.recipe.ema_decay, (1 + n) / (10 + n)))

    def after_epoch(self, epoch: int) -> None:
        """Update an SWA with the weights at the end of ``epoch``, counted from 0."""
        since = epoch + 1 - self.recipe.swa_start
        if self.recipe.averaging == "swa" and since >= 0 and since % self.recipe.swa_every == 0:
            self._update(1.0 / (self.n_averaged + 1))

    @torch.no_grad()
    def _update(self, share: float) -> None:
        for name, tensor in self.network.state_dict().items():
            self.mean[name].lerp_(tensor, share)
        self.n_averaged += 1

    def weights(self) -> dict[str, Tensor]:
        """Return the weights to evaluate, by name."""
        return self.mean if self.n_averaged else self.network.state_dict()

    def state(self) -> dict:
        """State to store, for `restore`."""
        return {"n_averaged": self.n_averaged, "mean": self.mean}

    def restore(self, state: dict) -> None:
        """Restore a stored `state`."""
        self.n_averaged = state["n_averaged"]
        for name, tensor in state["mean"].items():
            self.mean[name].copy_(tensor)
