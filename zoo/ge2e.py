"""GE2E speaker embedding with the HEAR API: the voice encoder of Resemblyzer.

Wan et al., "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018 (arXiv 1710.10467):
three LSTM layers over 40 mel bands in windows of 1.6 s, the last state projected to 256 values of
length 1. Weights and front end: the wheel Resemblyzer 0.1.4 (Apache-2.0). A scene embedding is the
mean over windows, 1.3 per second, normalized to length 1, as in ``embed_utterance``. Quiet clips
are amplified to -30 dBFS as in ``preprocess_wav``, but non-speech is not removed, because most
clips here are not speech. Windows around timestamps may be shorter than 1.6 s.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.mel import slaney_mel_bank
from zoo.wheels import read_weights
from zoo.windows import check_sounds, timestamps_ms

SAMPLE_RATE_HZ = 16000
N_FFT = 400  # samples, 25 ms
HOP = 160  # samples, 10 ms
N_MELS = 40
SIZE = 256  # of the LSTM's state and of the embedding
N_LAYERS = 3
PARTIAL = 160  # mel frames of a window, 1.6 s
PARTIALS_PER_S = 1.3
MIN_COVERAGE = 0.75  # of the last window that must be inside the clip
LEVEL_DBFS = -30.0  # quieter clips are raised to this
TIMESTAMP_HOP_MS = 50
BATCH_WINDOWS = 64


class VoiceEncoder(nn.Module):
    """Mel spectrogram and LSTM, with the HEAR API's attributes."""

    bank: Tensor
    window: Tensor
    sample_rate = SAMPLE_RATE_HZ
    scene_embedding_size = timestamp_embedding_size = SIZE

    def __init__(self, timestamp_window_ms: int) -> None:
        super().__init__()
        self.timestamp_frames = timestamp_window_ms // 10
        self.lstm = nn.LSTM(N_MELS, SIZE, N_LAYERS, batch_first=True)
        self.linear = nn.Linear(SIZE, SIZE)
        bank = torch.from_numpy(slaney_mel_bank(SAMPLE_RATE_HZ, N_FFT, N_MELS))
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)

    def mel(self, audio: Tensor) -> Tensor:
        """Power mel spectrogram, no logarithm: (n_sounds, n_samples) to (n_sounds, frames, 40)."""
        spectrum = torch.stft(
            audio, N_FFT, HOP, window=self.window, pad_mode="constant", return_complex=True
        )
        return (self.bank @ spectrum.abs().square()).transpose(1, 2)

    def forward(self, windows: Tensor) -> Tensor:
        """Map mel windows (n, frames, 40) to vectors (n, 256) of length 1."""
        _, (hidden, _) = self.lstm(windows)
        return functional.normalize(functional.relu(self.linear(hidden[-1])), dim=-1)


def load_model(model_file_path: str = "", timestamp_window_ms: int = 1600) -> VoiceEncoder:
    """Load the encoder with the weights in the wheel Resemblyzer.

    ``model_file_path`` must be empty; the window around a timestamp is a multiple of 20 ms, and the
    cost of timestamps increases with it. ValueError for other values, FileNotFoundError if the
    wheel is not installed.
    """
    if model_file_path:
        raise ValueError(f"weights: expected none, the wheel has them; found {model_file_path!r}")
    if timestamp_window_ms < 20 or timestamp_window_ms % 20:
        raise ValueError(
            f"timestamp_window_ms: expected a multiple of 20, found {timestamp_window_ms}"
        )
    model = VoiceEncoder(timestamp_window_ms)
    stored = read_weights("Resemblyzer", "resemblyzer/pretrained.pt")["model_state"]
    loss_only = ("similarity_weight", "similarity_bias")
    model.load_state_dict({key: value for key, value in stored.items() if key not in loss_only})
    return model.eval()


@torch.no_grad()
def get_scene_embeddings(audio: Tensor, model: VoiceEncoder) -> Tensor:
    """Mean over windows of 1.6 s, of length 1: audio (n_sounds, n_samples) to (n_sounds, 256)."""
    check_sounds(audio)
    starts = partial_starts(audio.shape[1])
    n_samples = (starts[-1] + PARTIAL) * HOP
    padded = functional.pad(raise_level(audio), (0, max(0, n_samples - audio.shape[1])))
    mel = model.mel(padded)
    windows = torch.stack([mel[:, start : start + PARTIAL] for start in starts], dim=1)
    return functional.normalize(_embed(windows, model).mean(dim=1), dim=-1)


@torch.no_grad()
def get_timestamp_embeddings(audio: Tensor, model: VoiceEncoder) -> tuple[Tensor, Tensor]:
    """Embed one window per timestamp, every 50 ms, with silence beyond the ends of the clip.

    Shapes (n_sounds, n_timestamps, 256) and, centers in ms, (n_sounds, n_timestamps).
    """
    check_sounds(audio)
    half = model.timestamp_frames // 2 * HOP
    mel = model.mel(functional.pad(raise_level(audio), (half, half)))
    step = TIMESTAMP_HOP_MS // 10
    n_timestamps = 1 + audio.shape[1] // (step * HOP)
    windows = mel.unfold(1, model.timestamp_frames, step)[:, :n_timestamps].transpose(2, 3)
    embeddings = _embed(windows, model)
    return embeddings, timestamps_ms(embeddings, TIMESTAMP_HOP_MS)


def partial_starts(n_samples: int) -> list[int]:
    """First mel frame of each window of a scene; the last window may be partly covered."""
    step = round(SAMPLE_RATE_HZ / PARTIALS_PER_S / HOP)
    n_frames = math.ceil((n_samples + 1) / HOP)
    starts = list(range(0, max(1, n_frames - PARTIAL + step + 1), step))
    covered = (n_samples - starts[-1] * HOP) / (PARTIAL * HOP)
    return starts[:-1] if len(starts) > 1 and covered < MIN_COVERAGE else starts


def raise_level(audio: Tensor) -> Tensor:
    """Amplify clips quieter than -30 dBFS to that level; others and silence are unchanged."""
    level = audio.square().mean(dim=1, keepdim=True).sqrt()
    gain = 10 ** (LEVEL_DBFS / 20) / level.clamp(min=torch.finfo(torch.float32).tiny)
    return audio * torch.where(level > 0, gain.clamp(min=1.0), 1.0)


def _embed(windows: Tensor, model: VoiceEncoder) -> Tensor:
    """Embed mel windows (n_sounds, n_windows, frames, 40), in batches."""
    parts = [model(batch) for batch in windows.flatten(0, 1).split(BATCH_WINDOWS)]
    return torch.cat(parts).view(*windows.shape[:2], -1)
