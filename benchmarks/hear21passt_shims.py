"""Stand-ins that let hear21passt 0.0.26 run beside today's torch, each with its reason.

Runs in the reference's own environment, never in the project's.
"""

from __future__ import annotations

import importlib
import math
import sys
import types
from types import ModuleType

import torch
from torch import Tensor, nn


def install() -> None:
    """Put the stand-ins where ``import torchaudio`` and ``import timm`` look."""
    # torchaudio: its last releases are bound to one torch version each. hear21passt uses the
    # Kaldi mel bank, and two masks that act in training only.
    kaldi = _module("torchaudio.compliance.kaldi", get_mel_banks=get_mel_banks)
    transforms = _module("torchaudio.transforms", FrequencyMasking=_Unused, TimeMasking=_Unused)
    compliance = _module("torchaudio.compliance", kaldi=kaldi)
    _module("torchaudio", compliance=compliance, transforms=transforms)
    # timm: only the helper that downloads ImageNet weights, which is never called here.
    hub = _module("timm.models._hub", download_cached_file=None)
    _module("timm", models=_module("timm.models", _hub=hub))


def load(module: str) -> nn.Module:
    """Build the network of a released module without downloading its weights."""
    networks = importlib.import_module("hear21passt.models.passt")
    released = networks.get_model
    networks.get_model = lambda *args, **options: released(
        *args, **({"pretrained": False} | options)
    )
    try:
        return importlib.import_module(f"hear21passt.{module}").load_model(mode="all").eval()
    finally:
        networks.get_model = released


def get_mel_banks(
    n_mels: int, n_fft: int, rate_hz: float, min_hz: float, max_hz: float, *_: float, **__: float
) -> tuple[Tensor, Tensor]:
    """Kaldi's triangular mel bank, (n_mels, n_fft // 2), as torchaudio's function of this name.

    Without vocal tract length normalization (hear21passt passes a warp factor of 1).
    """
    low, high = (1127.0 * math.log(1.0 + hz / 700.0) for hz in (min_hz, max_hz))
    step = (high - low) / (n_mels + 1)
    band = torch.arange(n_mels).unsqueeze(1)
    left, center, right = low + band * step, low + (band + 1.0) * step, low + (band + 2.0) * step
    bins_hz = rate_hz / n_fft * torch.arange(n_fft // 2)
    bins = 1127.0 * torch.log(1.0 + bins_hz / 700.0)
    slopes = torch.minimum((bins - left) / (center - left), (right - bins) / (right - center))
    return slopes.clamp(min=0.0), center


class _Unused(nn.Identity):
    """A transform that hear21passt builds and calls in training only."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()


def _module(name: str, **contents: object) -> ModuleType:
    module = sys.modules[name] = types.ModuleType(name)
    module.__dict__.update(contents)
    return module
