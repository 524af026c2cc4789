"""Naive baseline of HEAR 2021: a fixed random projection of the log-mel spectrum.

Turian et al., "HEAR: Holistic Evaluation of Audio Representations", PMLR 176, 2022 (arXiv
2203.03022). Computation and constants follow hearbaseline 2021.1.1, ``naive.py``, which requires
librosa < 0.10. There are no weights to download: the projection comes from torch's generator with
seed 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zoo.mel import slaney_mel_bank
from zoo.windows import embed_windows, timestamps_ms

SAMPLE_RATE_HZ = 44_100
N_FFT = 4096  # samples, 93 ms
N_MELS = 256
SIZE = 4096
SEED = 0
EPSILON = 1e-4  # added to a band's power before the logarithm
TIMESTAMP_HOP_MS = 50
SCENE_HOP_MS = 250
BATCH_WINDOWS = 512


class RandomProjection(nn.Module):
    """Mel bank and projection, with the HEAR API's attributes."""

    bank: Tensor
    window: Tensor
    sample_rate = SAMPLE_RATE_HZ
    scene_embedding_size = timestamp_embedding_size = SIZE

    def __init__(self) -> None:
        super().__init__()
        bank = torch.from_numpy(slaney_mel_bank(SAMPLE_RATE_HZ, N_FFT, N_MELS))
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)
        seeded = torch.Generator().manual_seed(SEED)
        projection = torch.rand(N_MELS, SIZE, generator=seeded) / math.sqrt(N_MELS)
        self.projection = nn.Parameter(projection)

    def forward(self, windows: Tensor) -> Tensor:
        """Map windows (n, 4096) to embeddings (n, 4096)."""
        power = torch.fft.rfft(windows * self.window).abs().square()
        return torch.log(power @ self.bank.T + EPSILON) @ self.projection


def load_model(model_file_path: str = "") -> RandomProjection:
    """Make the baseline; ValueError for a non-empty path, because there are no weights."""
    if model_file_path:
        raise ValueError(f"weights: expected none, found {model_file_path!r}")
    return RandomProjection().eval()


@torch.no_grad()
def get_scene_embeddings(audio: Tensor, model: RandomProjection) -> Tensor:
    """Mean over windows every 250 ms: audio (n_sounds, n_samples) to (n_sounds, 4096)."""
    return _embed(audio, model, SCENE_HOP_MS).mean(dim=1)


@torch.no_grad()
def get_timestamp_embeddings(audio: Tensor, model: RandomProjection) -> tuple[Tensor, Tensor]:
    """Embed one window per timestamp, every 50 ms.

    Shapes (n_sounds, n_timestamps, 4096) and, centers in ms, (n_sounds, n_timestamps).
    """
    embeddings = _embed(audio, model, TIMESTAMP_HOP_MS)
    return embeddings, timestamps_ms(embeddings, TIMESTAMP_HOP_MS)


def _embed(audio: Tensor, model: RandomProjection, hop_ms: int) -> Tensor:
    """Embed windows around every ``hop_ms``."""
    hop = hop_ms * SAMPLE_RATE_HZ // 1000
    return embed_windows(audio, model, N_FFT, hop, BATCH_WINDOWS)
