"""Log-mel baseline with the HEAR API: mean and standard deviation of each mel band.

The baseline uses PaSST's front end at hop 10 ms. PaSST pools a clip into one vector per level; with
``statistics="mean"`` the baseline pools in the same way, so that only the network differs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from passt.architecture import N_MELS, Architecture
from passt.checks import check_audio, check_spectrogram_length
from passt.lengths import SAMPLE_RATE_HZ, TIMESTAMP_HOP_MS, n_windows, samples
from passt.mel import MelSpectrogram
from passt.windows import batches, timestamps_ms

HOP = 320  # samples: 10 ms, as the base model
WINDOW_MS = 160.0  # window around a timestamp: the base model's receptive field
BATCH_WINDOWS = 512
STATISTICS = {"mean_std": 2, "mean": 1}  # values per mel band


class LogMel(nn.Module):
    """Statistics of the log-mel spectrogram, with the HEAR API's attributes."""

    sample_rate = SAMPLE_RATE_HZ

    def __init__(self, statistics: str = "mean_std") -> None:
        super().__init__()
        self.mel = MelSpectrogram(HOP)
        self.scene_embedding_size = STATISTICS[statistics] * N_MELS
        self.timestamp_embedding_size = self.scene_embedding_size

    def forward(self, waveform: Tensor) -> Tensor:
        """Map (n_sounds, n_samples) to mean and population standard deviation, (n_sounds, 256).

        With ``statistics="mean"``, only the first half, (n_sounds, 128).
        """
        spectrogram = self.mel(waveform.to(self.mel.window.device))
        std, mean = torch.std_mean(spectrogram, dim=2, correction=0)
        return torch.cat((mean, std), dim=1)[:, : self.scene_embedding_size]


def load_model(model_file_path: str = "", statistics: str = "mean_std") -> LogMel:
    """Return the baseline, which has no weights and ignores the path.

    ``statistics`` is ``mean_std`` or ``mean``; ValueError otherwise.
    """
    if statistics not in STATISTICS:
        raise ValueError(f"statistics: expected {' or '.join(STATISTICS)}, found {statistics!r}")
    return LogMel(statistics)


@torch.no_grad()
def get_scene_embeddings(audio: Tensor, model: LogMel) -> Tensor:
    """Statistics over the whole clip: float32 (n_sounds, n_samples) in [-1, 1] to (n_sounds, size).

    `passt.checks.AudioError` if the audio is malformed or shorter than 16 mel frames.
    """
    check_audio(audio)
    n_samples = min(audio.shape[1], samples(10_000))  # no upper limit here, only a lower
    check_spectrogram_length(n_samples, HOP, Architecture(), "scene")
    return model(audio).cpu()


@torch.no_grad()
def get_timestamp_embeddings(audio: Tensor, model: LogMel) -> tuple[Tensor, Tensor]:
    """Statistics over 160 ms around every timestamp, every 50 ms.

    Shapes (n_sounds, n_timestamps, size) and, centers in ms, (n_sounds, n_timestamps), float32.
    `passt.checks.AudioError` if the audio is malformed or shorter than half a window.
    """
    check_audio(audio)
    window, hop = samples(WINDOW_MS), samples(TIMESTAMP_HOP_MS)
    parts = [
        model(stack.reshape(-1, window)).view(*stack.shape[:2], -1).cpu()
        for stack in batches(audio, window, hop, BATCH_WINDOWS, "window of 160 ms")
    ]
    timestamps = timestamps_ms(n_windows(audio.shape[1], window, hop))
    return torch.cat(parts, dim=1), timestamps.repeat(len(audio), 1)
