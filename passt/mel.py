"""PaSST's mel front end: waveform to normalized log-mel spectrogram.

Order of operations (hear21passt 0.0.26, ``models/preprocess.py``): pre-emphasis, power STFT,
Kaldi-style mel bank, logarithm, fixed normalization. The mel bank is built once and kept; the
reference rebuilds it in every call.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passt.architecture import N_MELS
from passt.lengths import N_FFT, SAMPLE_RATE_HZ

WINDOW_LENGTH = 800  # samples (25 ms); preprocess.py: win_length
PRE_EMPHASIS = 0.97  # preprocess.py: convolution with [-0.97, 1]
MIN_HZ = 0.0  # preprocess.py: fmin
MAX_HZ = 15000.0  # sr / 2 - fmax_aug_range / 2 with a range of 2000 Hz
LOG_OFFSET = 1e-5  # preprocess.py: log(melspec + 0.00001)
NORM_SHIFT, NORM_SCALE = 4.5, 5.0  # preprocess.py: (melspec + 4.5) / 5


def mel_bank(min_hz: float = MIN_HZ, max_hz: float = MAX_HZ) -> Tensor:
    """Triangular Kaldi mel bank over the FFT bins, float32 (128, 513); edges in Hz.

    The scale is 1127 ln(1 + f / 700). The last column is zero: the reference's bank covers
    n_fft // 2 bins and is padded (preprocess.py; Kaldi ``get_mel_banks``).
    """
    if not 0 <= min_hz < max_hz <= SAMPLE_RATE_HZ / 2:
        raise ValueError(
            f"mel bank edges: expected 0 <= min_hz < max_hz <= {SAMPLE_RATE_HZ / 2:g} Hz, "
            f"found {min_hz:g} and {max_hz:g} Hz"
        )
    low, high = (1127.0 * math.log(1.0 + hz / 700.0) for hz in (min_hz, max_hz))
    step = (high - low) / (N_MELS + 1)
    band = torch.arange(N_MELS, dtype=torch.float32)[:, None]
    left, center, right = (low + (band + i) * step for i in range(3))
    bins_hz = SAMPLE_RATE_HZ / N_FFT * torch.arange(N_FFT // 2, dtype=torch.float32)
    bins = 1127.0 * torch.log(1.0 + bins_hz / 700.0)  # in float32, as torchaudio computes it
    rising = (bins - left) / (center - left)
    falling = (right - bins) / (right - center)
    return F.pad(torch.minimum(rising, falling).clamp(min=0.0), (0, 1))


def normalize(log_mel: Tensor) -> Tensor:
    """Shift and scale a log-mel spectrogram to about [-1, 1], any shape."""
    return (log_mel + NORM_SHIFT) / NORM_SCALE


class MelSpectrogram(nn.Module):
    """Normalized log-mel spectrogram of PaSST.

    ``hop`` is the STFT hop in samples: 320, 160 or 100 (10, 5 and 3.125 ms; the paper's "hop 10 / 5
    / 3"). In evaluation mode, the reference draws two random integers per call that do not affect
    the output; this front end draws none.
    """

    window: Tensor
    bank: Tensor

    def __init__(self, hop: int) -> None:
        super().__init__()
        self.hop = hop
        window = torch.hann_window(WINDOW_LENGTH, periodic=False)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("bank", mel_bank(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Map float32 (n_sounds, n_samples) in [-1, 1] at 32 kHz to (n_sounds, 128, n_frames).

        Reflect padding needs more than n_fft // 2 + 1 samples; frames: ``passt.lengths.n_frames``.
        """
        return normalize(self.log_mel(waveform, self.bank))

    def log_mel(self, waveform: Tensor, bank: Tensor) -> Tensor:
        """Compute the spectrogram before normalization, which training masks.

        Returns the natural logarithm of power through ``bank``, whose edges vary in training.
        """
        emphasized = waveform[:, 1:] - PRE_EMPHASIS * waveform[:, :-1]
        spectrum = torch.stft(
            emphasized,
            N_FFT,
            hop_length=self.hop,
            win_length=WINDOW_LENGTH,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        spectrum = spectrum.transpose(1, 2)  # as it lies in memory
        power = spectrum.real.square() + spectrum.imag.square()
        # One product per sound: the last rows of one round by the rows before them.
        bands = torch.bmm(power, bank.T.expand(power.shape[0], -1, -1))
        return torch.log(bands + LOG_OFFSET).transpose(1, 2)
