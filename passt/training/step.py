"""One training step: spectrograms, Patchout, loss, optimizer; and the trainer's state."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from passt.lengths import SAMPLE_RATE_HZ
from passt.mel import MelSpectrogram, mel_bank, normalize
from passt.training import augment
from passt.training.averaging import WeightAverage
from passt.training.initial import initial_network
from passt.training.recipe import Recipe
from passt.training.schedule import ramp_down, warm_up
from passt.transformer import PaSST
from passt.weights import choose_device

SPECTROGRAM = 2  # stream of random numbers, beside those of passt.training.data
FULL_CLIP_S = 10.0  # the length that SpecAugment's widths are for (AudioSet's clips)


class Trainer:
    """Network, optimizer and weight average of one training on targets (n_clips, n_tags)."""

    def __init__(self, recipe: Recipe, targets: NDArray[np.bool_], device: str = "auto") -> None:
        self.recipe, self.n_tags = recipe, targets.shape[1]
        self.device = choose_device(device)
        self.network = initial_network(recipe, targets).to(self.device)
        self.mel = MelSpectrogram(recipe.hop).to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=recipe.learning_rate,
            betas=(0.9, recipe.adam_beta2),
            weight_decay=recipe.weight_decay,
        )
        self.average = WeightAverage(self.network, recipe)
        self.half = _half_precision(self.device, recipe.cpu_bfloat16)
        scaled = self.half is torch.float16  # bfloat16 has the range of float32
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=scaled)

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        recipe, epoch = self.recipe, step / self.recipe.steps_per_epoch
        down = ramp_down(
            epoch, recipe.ramp_down_start, recipe.ramp_down_epochs, recipe.final_factor
        )
        return recipe.learning_rate * warm_up(epoch, recipe.warm_up_epochs) * down

    def step(self, step: int, waveforms: Tensor, targets: Tensor) -> Tensor:
        """Update once on waveforms (n_sounds, n_samples) and targets (n_sounds, n_tags), float32.

        All random draws depend on the recipe's seed and ``step``, counted from 0. Returns the
        binary cross-entropy, averaged over sounds and tags, on the device.
        """
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, SPECTROGRAM, step))
        torch.default_generator.manual_seed(int(rng.integers(2**63)))  # Patchout draws from it
        spectrograms = self._spectrograms(waveforms.to(self.device), rng)
        targets = targets.to(self.device)
        if rng.random() < recipe.spectrogram_mixup_rate:
            beta = recipe.spectrogram_mixup_beta
            spectrograms, targets = augment.mix_spectrograms(spectrograms, targets, beta, rng)
        n_columns = self.network.architecture.time_patches(spectrograms.shape[2])
        self.network.architecture = recipe.architecture(self.n_tags, n_columns)
        place = int(rng.integers(recipe.n_time_patches - n_columns + 1))
        place = place if rng.random() < recipe.random_positions else 0
        self.network.train()
        with torch.autocast(self.device.type, self.half, enabled=self.half is not None):
            logits, _ = self.network(spectrograms, place)
        loss = F.binary_cross_entropy_with_logits(logits.float(), targets)
        self._descend(loss, self.learning_rate(step))
        self.average.after_step()
        return loss.detach()

    def _spectrograms(self, waveforms: Tensor, rng: np.random.Generator) -> Tensor:
        """Mel spectrograms from a bank with random edges, masked and normalized."""
        recipe = self.recipe
        low, high = augment.mel_edges(recipe.min_hz_range, recipe.max_hz_range, rng)
        bank = mel_bank(min_hz=low, max_hz=high).to(self.device)
        share = min(1.0, waveforms.shape[1] / SAMPLE_RATE_HZ / FULL_CLIP_S)
        max_frames = int(share * recipe.mask_s * SAMPLE_RATE_HZ / recipe.hop)
        log_mel = self.mel.log_mel(waveforms, bank)
        return normalize(augment.mask(log_mel, recipe.mask_bands, max_frames, rng))

    def _descend(self, loss: Tensor, learning_rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        if self.recipe.gradient_clip is not None:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def averaged_network(self) -> PaSST:
        """Copy of the network with the averaged weights."""
        network = PaSST(self.recipe.architecture(self.n_tags)).to(self.device)
        network.load_state_dict(self.average.weights())
        return network.eval()

    def machine(self) -> dict[str, str]:
        """Device and precision, for the record."""
        cuda = self.device.type == "cuda"
        precision = str(self.half or torch.float32).removeprefix("torch.")
        return {"device": torch.cuda.get_device_name() if cuda else "CPU", "precision": precision}

    def state(self) -> dict:
        """State needed to resume: tensors and plain values only."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state(),
            "scaler": self.scaler.state_dict(),
        }

    def restore(self, state: dict) -> None:
        """Restore a stored `state`."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.restore(state["average"])
        self.scaler.load_state_dict(state["scaler"])


def _half_precision(device: torch.device, cpu_bfloat16: bool) -> torch.dtype | None:
    """Data type of mixed precision; None for pure float32."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    native = torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.bfloat16 if native and cpu_bfloat16 else None
